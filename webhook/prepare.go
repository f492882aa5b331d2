package webhook

import "sync"

// keptMask is how many bytes the texts have together that are kept to mask the
// responses of one endpoint. With longer headers there are more, and they are made
// for each response.
const keptMask = 4 << 10

// prepared is what messages to one endpoint have in common.
type prepared struct {
	of     Message // whose URL, headers and secrets it was made for
	target *target
	fault  error // of the URL

	once   sync.Once
	hidden []string // what is masked, the longest first; nil if that is too long to keep
}

// Prepare does once the work that Send would repeat for each message: it parses
// the URL and notes what to mask in responses. Copies of this message share the
// result, as long as their URL, headers and secrets are the same. If the URL
// can't be used, Send reports that.
func (m *Message) Prepare() {
	m.prepared = nil
	p := &prepared{of: *m}
	p.target, p.fault = parseTarget(m.URL)
	m.prepared = func() *prepared { return p }
}

// shared returns what was prepared for this message; nil if it was for another.
func (m *Message) shared() *prepared {
	if m.prepared == nil {
		return nil
	}
	p := m.prepared()
	if p.of.URL != m.URL || !same(p.of.Headers, m.Headers) || !same(p.of.Secrets, m.Secrets) || !p.of.Legacy.Equal(m.Legacy) {
		return nil
	}
	return p
}

// same reports whether two slices are one.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (m *Message) target() (*target, error) {
	if p := m.shared(); p != nil {
		return p.target, p.fault
	}
	return parseTarget(m.URL)
}

// hiddenTexts lists what is masked, the longest first.
func (m *Message) hiddenTexts() []string {
	p := m.shared()
	if p == nil {
		return m.makeHidden()
	}
	p.once.Do(func() {
		hidden, length := m.makeHidden(), 0
		for _, text := range hidden {
			length += len(text)
		}
		if length <= keptMask {
			p.hidden = hidden
		}
	})
	if p.hidden == nil {
		return m.makeHidden()
	}
	return p.hidden
}
