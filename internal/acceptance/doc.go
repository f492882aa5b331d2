// Package acceptance tests the built program as its users meet it: from the
// command line, by HTTP and in a browser, through crashes and stops.
package acceptance
