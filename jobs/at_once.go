package jobs

import (
	"context"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
)

// What is claimed as it is accepted is sent at once where a slot is free, and
// otherwise waits in its lane, as far as its turn comes soon: so a receiver that is
// busy costs no claims either. Only a lane waits whose receiver took the last attempt
// well and soon. When one fails, when the workers stop, or when the process can't know
// whether others have taken over from it, what waits is given back and claimed in its
// turn.

const (
	// soon is how long an exchange with a receiver may take before whose lane
	// nothing claimed waits.
	soon = time.Second
	// turnSoon is for how long a lane's slots are kept busy by what may wait, if each
	// attempt takes as long as the last one did, its recording included; and mostTurns
	// how often they are.
	turnSoon  = time.Second
	mostTurns = 16
	// mostWaiting and mostWaitingBytes bound what waits claimed, over all lanes, and the
	// bodies of its events.
	mostWaiting      = 8192
	mostWaitingBytes = 16 << 20
	// claimedTurns is how much of a lane's slots goes to what was claimed as it was
	// accepted, while other deliveries wait: all but one of so many.
	claimedTurns = 4
	// waitLimit is how long what was claimed waits at most: far less than its lease, and
	// not for long by settings that have changed since.
	waitLimit = 5 * time.Second
	// releaseLimit is how long giving back may take.
	releaseLimit = 3 * time.Second
)

// reserve takes slots for deliveries that are about to be accepted: free ones, if
// nothing waits for them, and places among those that wait. A reserved slot is in
// flight until begin says what became of it.
func (d *dispatcher) reserve(slots []pipeline.Slots) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range slots {
		s := &slots[i]
		l := d.lanes[s.EndpointID]
		if l == nil {
			l = newLane(s.OrganizationID)
			d.lanes[s.EndpointID] = l
		}
		l.limit = s.MaxInFlight
		asked := s.Count
		if d.halted || l.state.paused() {
			asked = 0
		}
		s.Free = 0
		if !l.waits() && len(l.claimed) == 0 {
			s.Free = max(min(asked, d.room(l)), 0)
		}
		places := 0
		if l.soon {
			places = max(min(asked-s.Free, l.mayWait(d.turns)-l.claims(), mostWaiting-d.claims), 0)
		}
		if d.waiting+places*s.Size > mostWaitingBytes {
			places = 0
		}
		s.Count = s.Free + places
		l.inFlight += s.Free
		d.taken += s.Free
		l.promised += places
		d.claims += places
		d.waiting += places * s.Size
		d.flights.Add(s.Count)
		d.forgetIdle(s.EndpointID, l)
	}
}

// begin sends what was claimed for reserved slots, or lets it wait for one, and
// gives up the other slots.
func (d *dispatcher) begin(slots []pipeline.Slots, jobs []*pipeline.Job) {
	byEndpoint := make(map[string][]*pipeline.Job, len(slots))
	for i := range jobs {
		byEndpoint[jobs[i].EndpointID] = append(byEndpoint[jobs[i].EndpointID], jobs[i])
	}
	var next, back []*pipeline.Job
	waiting, attends := false, d.engine.Attends()
	d.mu.Lock()
	for _, s := range slots {
		l, own := d.lanes[s.EndpointID], byEndpoint[s.EndpointID]
		if s.Count == 0 || l == nil {
			continue
		}
		free := s.Free
		if attends {
			free -= min(len(own), s.Free)
		}
		l.inFlight -= free
		d.taken -= free
		l.promised -= s.Count - s.Free
		d.claims -= s.Count - s.Free
		d.waiting -= (s.Count - s.Free) * s.Size
		d.flights.Add(len(own) - s.Count)
		next = append(next, own[:s.Free-free]...)
		l.claimed = append(l.claimed, own[s.Free-free:]...)
		d.claims += len(own) - (s.Free - free)
		d.waiting += sizeOf(own[s.Free-free:])
		if !l.soon || l.state.paused() || d.halted || !attends {
			back = append(back, d.takeBack(l)...)
		}
		sent, late := d.nextClaimed(l)
		next, back = append(next, sent...), append(back, late...)
		waiting = waiting || free > 0 && l.waits()
		d.forgetIdle(s.EndpointID, l)
	}
	if len(jobs) > 0 && d.largest > crowd {
		d.apartAt.Store(time.Now().UnixNano())
	}
	d.mu.Unlock()
	if waiting {
		d.wakeClaimer()
	}
	d.send(next, back)
}

// send sends some jobs and gives others back.
func (d *dispatcher) send(next, back []*pipeline.Job) {
	for i := range next {
		go d.fly(next[i])
	}
	if len(back) > 0 {
		go d.release(back)
	}
}

// nextClaimed takes what was claimed and may be sent now, and what is to be given
// back: all of a lane that is paused, and what has waited for too long. While others
// wait for the lane's slots it leaves some of them.
func (d *dispatcher) nextClaimed(l *lane) (next, late []*pipeline.Job) {
	if l.state.paused() {
		return nil, d.takeBack(l)
	}
	n := 0
	for n < len(l.claimed) && time.Since(l.claimed[n].Begun) > waitLimit {
		n++
	}
	late = d.takeFirst(l, n)
	if len(l.claimed) == 0 {
		return nil, late
	}
	if !l.waits() {
		l.left = 0
	}
	free := min(d.room(l)-l.left, len(l.claimed))
	if free <= 0 {
		return nil, late
	}
	if l.waits() {
		l.turns += free
		leave := min(l.turns/claimedTurns, free)
		l.turns %= claimedTurns
		l.left += leave
		free -= leave
	}
	l.inFlight += free
	d.taken += free
	return d.takeFirst(l, free), late
}

// takeFirst takes the first of what was claimed and not begun.
func (d *dispatcher) takeFirst(l *lane, n int) []*pipeline.Job {
	first := l.claimed[:n:n]
	l.claimed = l.claimed[n:]
	d.claims -= n
	d.waiting -= sizeOf(first)
	return first
}

// sizeOf is the bytes of the jobs' bodies.
func sizeOf(jobs []*pipeline.Job) (size int) {
	for i := range jobs {
		size += len(jobs[i].Message.Body)
	}
	return size
}

// takeBack takes all that was claimed and not begun.
func (d *dispatcher) takeBack(l *lane) []*pipeline.Job { return d.takeFirst(l, len(l.claimed)) }

// release gives jobs back and lets them wait in their lanes as others do. Where the
// database does not take them, they are left to their leases.
func (d *dispatcher) release(jobs []*pipeline.Job) {
	defer d.flights.Add(-len(jobs))
	ctx, cancel := context.WithTimeout(context.Background(), releaseLimit)
	defer cancel()
	if err := d.engine.Release(ctx, jobs); err != nil {
		d.log.Error("giving back deliveries", "count", len(jobs), "error", err)
		return
	}
	d.offer(pipeline.LanesOf(begunOf(jobs)))
}

func begunOf(jobs []*pipeline.Job) []models.Woken {
	woken := make([]models.Woken, len(jobs))
	for i := range jobs {
		woken[i] = jobs[i].Woken()
	}
	return woken
}
