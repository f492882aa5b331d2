package jobs

import (
	"fmt"
	"testing"

	"hookwell/models"
)

func wokenOf(organizationID string, n int) []models.Woken {
	woken := make([]models.Woken, n)
	for i := range woken {
		woken[i] = models.Woken{OrganizationID: organizationID, EndpointID: fmt.Sprintf("ep_%s_%d", organizationID, i%5000), DeliveryID: fmt.Sprintf("dlv_%s_%d", organizationID, i)}
	}
	return woken
}

// TestWakesTakeTurns has one organization with half a million deliveries.
func TestWakesTakeTurns(t *testing.T) {
	var w wakes
	for range 1000 {
		w.add(wokenOf("large", 500))
	}
	if w.count > ownWaiting {
		t.Fatalf("%d of one organization wait", w.count)
	}
	for i := range 10 {
		w.add(wokenOf(fmt.Sprint("other", i), ownWaiting))
	}
	w.add(wokenOf("small", 3))
	if w.count > maxWaiting+3 {
		t.Errorf("%d wait", w.count)
	}
	for task := 1; ; task++ {
		group := w.take(taskIDs)
		if len(group) > taskIDs || len(group) == 0 {
			t.Fatalf("a task has %d ids", len(group))
		}
		if group[0].OrganizationID == "small" || group[len(group)-1].OrganizationID == "small" {
			if task > 12 {
				t.Errorf("what came last has its turn in task %d of 11 organizations'", task)
			}
			break
		}
	}
	left := w.count
	for group := w.take(taskIDs); len(group) > 0; group = w.take(taskIDs) {
		left -= len(group)
	}
	if left != 0 || w.count != 0 || len(w.byOrganization) != 0 {
		t.Errorf("%d are lost, %d are left", left, w.count)
	}
}

// TestAClaimHasRoomForEveryOrganization has thousands of lanes of one.
func TestAClaimHasRoomForEveryOrganization(t *testing.T) {
	d := &dispatcher{lanes: map[string]*lane{}, most: mostExchanges, signal: make(chan struct{}, claimers), stop: make(chan struct{})}
	d.offer(models.LanesOf(wokenOf("large", 50_000)))
	d.offer(models.LanesOf(wokenOf("small", 1)))
	empty := models.LanesOf(wokenOf("empty", 1000))
	for i := range empty {
		empty[i].DeliveryIDs, empty[i].More = nil, true
	}
	d.offer(empty)
	wanted := d.gather()
	ids, refills, small := 0, 0, 0
	for _, lane := range wanted {
		ids += len(lane.DeliveryIDs)
		if len(lane.DeliveryIDs) == 0 {
			refills++
		}
		if lane.EndpointID == "ep_small_0" {
			small++
		}
	}
	if small != 1 {
		t.Error("the claim has nothing of the organization with one endpoint")
	}
	if ids > claimIDs || refills > claimRefills {
		t.Errorf("the claim has %d ids and looks for more of %d lanes", ids, refills)
	}
}

func TestDueLanesTakeTurns(t *testing.T) {
	lanes := append(models.LanesOf(wokenOf("large", 5000)), models.LanesOf(wokenOf("small", 2))...)
	for i, lane := range inTurns(lanes) {
		if lane.OrganizationID == "small" && i > 3 {
			t.Errorf("a lane of the small one is at place %d", i)
		}
	}
}
