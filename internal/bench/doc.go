// Package bench measures Hookwell from outside: the built program on a private
// Postgres and Redis, a receiver and a driver, each as a separate process.
//
// The driver reports events over HTTP and keeps the ids that were accepted. The
// receiver keeps every request as it came. After each run, bench verifies every
// kept request with the official Standard Webhooks library and compares them with
// the accepted events. If an event is missing, came twice, came to the wrong
// endpoint, was changed or wrongly signed, the run fails, however fast it was.
//
// In the same rounds, bench measures a plain net/http client that sends such
// requests to the same receiver with no database and no queue. Machines differ,
// but the ratio to it can be compared.
package bench
