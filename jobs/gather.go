package jobs

import (
	"iter"
	"maps"

	"hookwell/models/pipeline"
)

// gather takes ids for free slots out of the lanes, a little of each. When there
// are more than one claim takes, organizations have their turns, a lane each:
// one with thousands of endpoints leaves room for one with a single one. Apart is
// for those beside a crowd, if there is one; what is not apart is then for crowds.
func (d *dispatcher) gather(apart bool, most int) []pipeline.Lane {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.stop:
		return nil
	default:
	}
	var wanted []pipeline.Lane
	left, refills := most, claimRefills
	for endpointID, l := range d.inTurns(apart) {
		free := d.room(l)
		n := max(min(free, len(l.ids), left), 0)
		if n == 0 {
			if !l.more || len(l.ids) > 0 || free <= 0 || refills == 0 {
				continue
			}
			refills--
		}
		l.state = l.state.after(claimBegan)
		wanted = append(wanted, pipeline.Lane{EndpointID: endpointID, DeliveryIDs: l.take(n), Slots: n, Claimed: l.claims()})
		l.left = max(l.left-n, 0)
		d.taken += n
		l.asked += n
		if left -= n; left == 0 || len(wanted) == claimLanes {
			break
		}
	}
	return wanted
}

// inTurns goes through the lanes that may be claimed for: one lane of each
// organization, then another of each, until there are none.
func (d *dispatcher) inTurns(apart bool) iter.Seq2[string, *lane] {
	type waiting struct {
		endpointID string
		lane       *lane
	}
	rounds := map[string][]waiting{}
	for endpointID, l := range d.lanes {
		if l.state == laneReady && l.waits() {
			rounds[l.organizationID] = append(rounds[l.organizationID], waiting{endpointID, l})
		}
	}
	d.largest = 0
	for _, lanes := range rounds {
		d.largest = max(d.largest, len(lanes))
	}
	crowded := d.largest > crowd
	maps.DeleteFunc(rounds, func(_ string, lanes []waiting) bool {
		return apart && !crowded || crowded && apart == (len(lanes) > crowd)
	})
	return func(yield func(string, *lane) bool) {
		for len(rounds) > 0 {
			for organizationID, lanes := range rounds {
				if !yield(lanes[0].endpointID, lanes[0].lane) {
					return
				}
				if rounds[organizationID] = lanes[1:]; len(lanes) == 1 {
					delete(rounds, organizationID)
				}
			}
		}
	}
}

// room returns how many more exchanges a lane may begin: up to its endpoint's limit,
// while the process has some left. Its first one it may always begin, so that
// no number of endpoints that hang keeps another from being called.
func (d *dispatcher) room(l *lane) int {
	room := min(l.limit-l.inFlight-l.asked, d.most-d.taken)
	if room <= 0 && l.inFlight+l.asked == 0 {
		return 1
	}
	return room
}
