package jobs

// SetMostExchanges lowers what bounds the exchanges of all endpoints together.
func (w *Workers) SetMostExchanges(n int) {
	w.dispatcher.mu.Lock()
	defer w.dispatcher.mu.Unlock()
	w.dispatcher.most = n
}

// QueueName returns the name of Asynq's queue of that kind.
func (q *Queue) QueueName(kind string) string { return q.queue(kind) }

// ChangesChannel returns the name of the channel that tells of changes.
func (q *Queue) ChangesChannel() string { return q.channel(changesSubject) }

// Away reports whether deliveries go to this process's workers directly.
func (q *Queue) Away() bool { return q.state.away.Load() }

// WaitOneTurn lets no more deliveries wait claimed than a lane has slots.
func (w *Workers) WaitOneTurn() {
	w.dispatcher.mu.Lock()
	defer w.dispatcher.mu.Unlock()
	w.dispatcher.turns = 1
}
