package faults

import (
	"time"

	"hookwell/internal/program"
)

func unsent(r *Row) bool     { return r.Unsent > 0 }
func unrecorded(r *Row) bool { return r.Unrecorded > 0 }

// faults returns all of them; those that take long stand first.
func faults() []Fault {
	freeze := func(s *site, _ *program.Process) error { s.postgresProxy.freeze(); return nil }
	thaw := func(s *site, _ *program.Process) error { s.postgresProxy.thaw(); return nil }
	pause := func(_ *site, victim *program.Process) error { return victim.Pause() }
	resume := func(_ *site, victim *program.Process) error { return victim.Resume() }
	return []Fault{
		{Name: "kill -9 of a worker before the send", short: true, do: killHeld(beforeSend), met: unsent,
			Meaning: "It had claimed attempts and sent none. Another process sees it silent and ends their leases after some 10 seconds; they are on record as interrupted, and the next attempt follows."},
		{Name: "kill -9 of a worker during the exchange", do: killWithinExchange, met: unrecorded,
			Meaning: "The receiver had the requests and nobody waits for its answers. As above; the receiver sees those requests again, with the same webhook-id. They are no duplicates in the table, since it had not taken the first."},
		{Name: "kill -9 of a worker after the send, before the record", short: true, do: killHeld(beforeRecord), met: unrecorded,
			Meaning: "The receiver had answered. As above: this is the moment for which a receiver has to know webhook-id."},
		{Name: "kill -9 of a worker after the record", do: killHeld(afterRecord),
			Meaning: "What was recorded stays so and is not sent again; only what else was in flight at that moment is."},
		{Name: "a lease runs out under a slow worker", do: pastLease(freeze, thaw),
			Meaning: "A worker is cut off from Postgres for longer than its leases. Another one makes the attempts again; what the first one knows is recorded when it can be, and changes no state."},
		{Name: "a worker stands still past its lease and goes on", do: pastLease(pause, resume),
			Meaning: "SIGSTOP, a frozen virtual machine. As above."},
		{Name: "kill -9 of the sole worker with a group unrecorded", short: true, do: kill(alone, beforeRecord, (*site).grouped, serveAgain), met: unrecorded,
			Meaning: "It had claimed deliveries as it accepted them, sent them, and recorded none. Its successor sees it silent, expands its groups and ends their leases after some 10 seconds; then as above."},
		{Name: "kill -9 of the sole worker with a group half recorded", do: kill(alone, afterRecord, (*site).halfRecorded, serveAgain),
			Meaning: "What was recorded of the group stays so; the rest goes on as above."},
		{Name: "the sole worker stands still while another takes over", do: ownerAway(pause, resume),
			Meaning: "SIGSTOP. The other one expands its groups and makes the attempts again; what the first one knows is kept as attempts when it goes on, and changes no state."},
		{Name: "the sole worker is cut off from Postgres while another takes over", do: ownerAway(freeze, thaw),
			Meaning: "Its heartbeat is lost while it lives. As above."},
		{Name: "the database's clock is ten minutes ahead, and a kill -9", off: 10 * time.Minute, do: clockOff,
			Meaning: "Leases, retries and waits are set and judged by the database's clock alone, so they last as long as ever. Times of events and attempts are those of the process."},
		{Name: "the database's clock is ten minutes behind, and a kill -9", off: -10 * time.Minute, do: clockOff,
			Meaning: "As above."},
		{Name: "an endpoint is deleted while deliveries wait", do: whileWaiting(deleteEndpoint),
			Meaning: "What waits is cancelled, visibly, within a minute."},
		{Name: "Redis is stopped for a minute", short: true, do: withoutRedis(time.Minute, 5*time.Second, stopRedis, startRedis),
			Meaning: "Reports are answered as before, and deliveries go on: each process wakes its own workers, and finds by the database what others accepted."},
		{Name: "Redis hangs", do: withoutRedis(20*time.Second, 5*time.Second, pauseRedis, resumeRedis),
			Meaning: "Connections stay open and nothing answers. As above."},
		{Name: "Redis is full", short: true, do: withoutRedis(15*time.Second, 3*time.Second, fillRedis, emptyRedis),
			Meaning: "It refuses every write. As above; give it memory, or let it evict: nothing in it is needed."},
		{Name: "FLUSHALL, again and again", short: true, do: flush,
			Meaning: "All of Redis's content is lost. The wake-ups that were in it are made again from the database, 5 to 30 seconds later."},
		{Name: "kill -9 of the server between commit and answer", short: true, do: killBeforeAnswer,
			Meaning: "The report was not answered. Repeated with its Idempotency-Key it gets the answer that was lost, and the event is sent once."},
		{Name: "kill -9 of the server between answer and wake", short: true, do: killBeforeWake,
			Meaning: "Events were accepted and nobody was told. Their first wake is overdue after 5 seconds, and any worker finds them."},
		{Name: "Postgres is killed in mid-commit, and restarted", short: true, do: killPostgres,
			Meaning: "Reports are refused while it is away, and whoever repeats them with their key gets each accepted once. Outcomes are kept in memory and recorded when it is back, so nothing is sent twice. A claim whose commit nobody heard of waits for its lease."},
		{Name: "Postgres has no connection left", short: true, do: exhaust, postgres: []string{"max_connections=40"},
			Meaning: "As above: who needs a connection waits for up to 10 seconds, and is refused with 503 after that. Each process takes up to half of what Postgres grants, at most 20."},
		{Name: "a newer version adds a column to each table", short: true, do: addColumns,
			Meaning: "An upgrade whose migration runs beside an older server and worker, which go on: their queries name their columns."},
		{Name: "one task goes to two workers", short: true, do: taskTwice,
			Meaning: "The row is claimed once, whoever comes first: a task is only a wake-up."},
		{Name: "SIGTERM under load", short: true, do: terminateUnderLoad,
			Meaning: "A restart or an upgrade. What is in flight is finished and recorded; nothing is sent twice."},
		{Name: "an endpoint is disabled and enabled while deliveries wait", short: true, do: whileWaiting(disableAndEnable),
			Meaning: "What waits is parked and goes on. Events of the time in between don't go to it; a recovery sends them."},
		{Name: "an endpoint's URL is edited while deliveries wait", do: whileWaiting(edit),
			Meaning: "What waits goes to the new URL from its next attempt on."},
		{Name: "kill -9 of a server that receives, between insert and answer", short: true, do: killReceiving,
			Meaning: "The provider was not answered, and sends the request again. It is known by its id and answered 200: on record once, with the events that it became once."},
		{Name: "kill -9 of a worker between processing a request and its commit", short: true, do: killProcessing,
			Meaning: "A request and its events are committed together, so another worker makes them, once. A kill right after the commit changes nothing either."},
		{Name: "Redis is stopped while requests are received", short: true, do: receiveWithoutRedis,
			Meaning: "Providers are answered as before. Requests become events by the database alone, within a second."},
		{Name: "each request comes eight times at once", short: true, do: repeatAtOnce,
			Meaning: "One is kept; the others are answered 200 and counted at it."},
		{Name: "a mapping fails for one request and not the next", short: true, do: mappingFails,
			Meaning: "Requests that can't be mapped are parked, with the reason, and hold nothing up. After the mapping is corrected a replay makes their events, once."},
		{Name: "a flood of requests that don't verify", do: flood,
			Meaning: "Of what a source refuses 1,000 requests and 32 MiB are kept at most, with a share for each network, and the rest is counted. What verifies is accepted beside it."},
		{Name: "two workers and a server are killed in turn", do: killAgainAndAgain,
			Meaning: "Crashes one after another, at moments that chance picks."},
	}
}
