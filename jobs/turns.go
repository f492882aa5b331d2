package jobs

import (
	"slices"

	"hookwell/models"
	"hookwell/models/pipeline"
)

// wakes is what waits to be handed on, by organization. These take turns: one
// with hundreds of thousands of deliveries holds up no other's.
type wakes struct {
	byOrganization map[string][]models.Woken
	rotation       []string // of those that have some, the next first
	count          int
}

// add lets deliveries wait, as far as there is room.
func (w *wakes) add(woken []models.Woken) {
	for len(woken) > 0 {
		id := woken[0].OrganizationID
		n := slices.IndexFunc(woken, func(other models.Woken) bool { return other.OrganizationID != id })
		if n < 0 {
			n = len(woken)
		}
		w.addOf(id, woken[:n])
		woken = woken[n:]
	}
}

func (w *wakes) addOf(organizationID string, woken []models.Woken) {
	own := len(w.byOrganization[organizationID])
	if own+len(woken) > ownWaiting || w.count+len(woken) > maxWaiting && own+len(woken) > taskIDs {
		return
	}
	if own == 0 {
		if w.byOrganization == nil {
			w.byOrganization = map[string][]models.Woken{}
		}
		w.rotation = append(w.rotation, organizationID)
	}
	w.byOrganization[organizationID] = append(w.byOrganization[organizationID], woken...)
	w.count += len(woken)
}

// take takes at most so many, all that an organization has before the next's.
// One that has more goes to the end.
func (w *wakes) take(most int) (taken []models.Woken) {
	for len(w.rotation) > 0 && len(taken) < most {
		id := w.rotation[0]
		w.rotation = w.rotation[1:]
		own := w.byOrganization[id]
		n := min(len(own), most-len(taken))
		taken = append(taken, own[:n]...)
		if n == len(own) {
			delete(w.byOrganization, id)
		} else {
			w.byOrganization[id] = own[n:]
			w.rotation = append(w.rotation, id)
		}
	}
	w.count -= len(taken)
	return taken
}

// inTurns orders lanes so that organizations take turns.
func inTurns(lanes []pipeline.DueLane) []pipeline.DueLane {
	place := make(map[string]int, len(lanes))
	places := make(map[string]int, len(lanes)) // of each lane among its organization's
	for _, lane := range lanes {
		places[lane.EndpointID] = place[lane.OrganizationID]
		place[lane.OrganizationID]++
	}
	slices.SortStableFunc(lanes, func(a, b pipeline.DueLane) int { return places[a.EndpointID] - places[b.EndpointID] })
	return lanes
}
