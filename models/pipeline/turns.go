package pipeline

import (
	"slices"
	"sync"
)

// turns is what waits for a committer, in one line for each organization. The
// lines take turns, one draft at a time, and of a draft that is written in
// slices one slice at a time: then its line stands back until the slice is
// written, so that it never holds both committers.
type turns struct {
	weigh func(*Draft) int // how many deliveries a draft has
	most  int              // how many deliveries a group has

	mu       sync.Mutex
	lines    map[string]*line
	rotation []*line // those with something to take, the next first
	closed   bool
}

// line is what waits for one organization: reports, and the rest of events that
// were committed with their first slice. The two take turns, so that a report
// does not wait for all that its organization is owed.
type line struct {
	reports, owed []*Draft
	owedNext      bool // as the last one taken was a report
	// slice is the draft of which a slice is being written, while the line is out
	// of the rotation.
	slice *Draft
}

// next returns the queue whose turn it is, which is not empty.
func (l *line) next() *[]*Draft {
	if len(l.reports) == 0 || l.owedNext && len(l.owed) > 0 {
		return &l.owed
	}
	return &l.reports
}

// take takes the first draft of the queue whose turn it is.
func (l *line) take() *Draft {
	queue := l.next()
	d := (*queue)[0]
	(*queue)[0] = nil
	*queue = (*queue)[1:]
	l.owedNext = queue == &l.reports
	return d
}

// add puts a draft at the end of its queue.
func (l *line) add(d *Draft) {
	if d.committed {
		l.owed = append(l.owed, d)
	} else {
		l.reports = append(l.reports, d)
	}
}

// add puts drafts at the ends of their lines. It is false once closed.
func (t *turns) add(drafts []*Draft) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	if t.lines == nil {
		t.lines = map[string]*line{}
	}
	for _, d := range drafts {
		t.line(d.Event.OrganizationID).add(d)
	}
	return true
}

// line returns an organization's line, which stands in the rotation if it is new.
func (t *turns) line(organizationID string) *line {
	l := t.lines[organizationID]
	if l == nil {
		l = &line{}
		t.lines[organizationID] = l
		t.rotation = append(t.rotation, l)
	}
	return l
}

// take takes the next group: drafts of several organizations in turns, up to
// the bounds of a group, or one slice alone. More reports that others wait.
func (t *turns) take() (group []*Draft, slice, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	weight, size := 0, 0
	for len(t.rotation) > 0 && len(group) < maxGroup {
		l := t.rotation[0]
		d := (*l.next())[0]
		w := t.weigh(d)
		cut := d.committed || w > t.most
		if len(group) > 0 && (cut || weight+w > t.most || size >= maxGroupSize) {
			break
		}
		t.rotation = t.rotation[1:]
		group = append(group, l.take())
		if cut {
			l.slice, slice = d, true
			break
		}
		t.putBack(d.Event.OrganizationID, l)
		weight, size = weight+w, size+len(d.Event.Body)
	}
	return group, slice, len(t.rotation) > 0
}

// done is called once a group was committed, with what is left of it to do. A
// report that was not committed waits before all others of its organization.
func (t *turns) done(group, left []*Draft) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range slices.Backward(left) {
		if l := t.line(d.Event.OrganizationID); d.committed {
			l.add(d)
		} else {
			l.reports = slices.Insert(l.reports, 0, d)
		}
	}
	// A slice is a group of its own.
	if l := t.lines[group[0].Event.OrganizationID]; l != nil && l.slice == group[0] {
		l.slice = nil
		t.putBack(group[0].Event.OrganizationID, l)
	}
}

// putBack lets a line stand at the end of the rotation, or forgets it.
func (t *turns) putBack(organizationID string, l *line) {
	if len(l.reports)+len(l.owed) == 0 {
		delete(t.lines, organizationID)
		return
	}
	t.rotation = append(t.rotation, l)
}

// close lets nothing more in. What waits is still taken.
func (t *turns) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

func (t *turns) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}
