// Package faults breaks a running Hookwell in the ways in which the world will
// break it, and counts the outcome of every event that was accepted. Hookwell is
// the built program, Postgres and Redis are real, and the receiver is a separate
// process. Proxies in front of Postgres and Redis stop at exact moments ("after
// the send, before the record"); the program has no hook for them.
package faults
