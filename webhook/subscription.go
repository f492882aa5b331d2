package webhook

// Subscriptions are the event types that an endpoint wants.
type Subscriptions []string

func (c *Catalog) ParseSubscriptions(list []string) (Subscriptions, Faults) { return nil, nil }
func (s Subscriptions) Matches(eventType string) bool                       { return false }
