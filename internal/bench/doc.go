// Package bench measures Hookwell from outside: the built program on a private
// Postgres and Redis, a receiver and a driver, each a process of its own.
//
// The driver reports events over HTTP and keeps the ids that were accepted. The
// receiver keeps every request as it came. After each run every request that
// was kept is verified by the official Standard Webhooks library and held
// against what was accepted: an event that is missing, came twice, came to the
// wrong endpoint, was changed or wrongly signed makes the run a failure, however
// fast it was.
//
// A plain net/http client, which sends such requests to the same receiver with
// no database and no queue, is measured in the same rounds. Machines differ;
// the ratio to it can be compared.
package bench
