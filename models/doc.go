// Package models has the rows and the words: one file for each noun (event.go,
// endpoint.go, delivery.go, ...), with its inputs, limits and filters, and the
// methods that need no query. error.go has the kinds of errors, role.go who may
// do what, endpoint_policy.go the settings of an endpoint.
//
// The queries are in the packages below it: database talks to Postgres and
// SQLite, pipeline moves events, and store decides who may see and change what.
package models
