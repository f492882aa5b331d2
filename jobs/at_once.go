package jobs

import (
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
)

// reserve takes free slots for deliveries that are about to be accepted. Where
// others wait for the endpoint, or it is held, or the dispatcher has stopped, there
// are none. A reserved slot is in flight until begin says what became of it.
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
		if d.halted || l.state != laneReady || l.waits() {
			s.Count = 0
		}
		s.Count = max(min(s.Count, d.room(l)), 0)
		l.inFlight += s.Count
		d.taken += s.Count
		d.flights.Add(s.Count)
		d.forgetIdle(s.EndpointID, l)
	}
}

// begin sends what was claimed for reserved slots, and frees the others.
func (d *dispatcher) begin(slots []pipeline.Slots, jobs []pipeline.Job) {
	used := make(map[string]int, len(slots))
	for i := range jobs {
		used[jobs[i].EndpointID]++
	}
	d.mu.Lock()
	waiting := false
	for _, s := range slots {
		free := s.Count - used[s.EndpointID]
		l := d.lanes[s.EndpointID]
		if l == nil || free == 0 {
			continue
		}
		l.inFlight -= free
		d.taken -= free
		d.flights.Add(-free)
		waiting = waiting || l.waits()
		d.forgetIdle(s.EndpointID, l)
	}
	if len(jobs) > 0 && d.largest > crowd {
		d.apartAt.Store(time.Now().UnixNano())
	}
	d.mu.Unlock()
	if waiting {
		d.wakeClaimer()
	}
	for i := range jobs {
		go d.fly(jobs[i])
	}
}

func begunOf(jobs []pipeline.Job) []models.Woken {
	woken := make([]models.Woken, len(jobs))
	for i := range jobs {
		woken[i] = jobs[i].Woken()
	}
	return woken
}
