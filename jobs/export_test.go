package jobs

// SetMostExchanges lowers what bounds the exchanges of all endpoints together.
func (w *Workers) SetMostExchanges(n int) {
	w.dispatcher.mu.Lock()
	defer w.dispatcher.mu.Unlock()
	w.dispatcher.most = n
}
