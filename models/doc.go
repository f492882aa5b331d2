// Package models has the rows and the words: one file for each noun, with its
// inputs, limits and filters, and with what can be said of it without a query.
//
// The queries are in the packages below it: database (how the databases are
// spoken to), pipeline (what happens to an event) and store (who may see and
// change what).
package models
