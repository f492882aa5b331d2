// Package faults does to a running Hookwell what the world will do to it, and
// counts what came of every event that was accepted. Hookwell is the built
// program, Postgres and Redis are real, and the receiver is a process of its
// own. Exact moments ("after the send, before the record") are reached by
// proxies in front of Postgres and Redis; the program has no hook for them.
package faults
