package jobs

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"hookwell/models"
	"hookwell/models/pipeline"
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

// TestACrowdHoldsNobodyUp has thousands of lanes of one organization.
func TestACrowdHoldsNobodyUp(t *testing.T) {
	d := &dispatcher{lanes: map[string]*lane{}, most: mostExchanges, signal: make(chan struct{}, claimers), apart: make(chan struct{}, 1), stop: make(chan struct{})}
	d.offer(pipeline.LanesOf(wokenOf("small", 3)))
	if apart := d.gather(true, claimIDs); len(apart) != 0 {
		t.Errorf("without a crowd %d lanes are claimed for apart", len(apart))
	}
	d.offer(pipeline.LanesOf(wokenOf("large", 5000)))
	empty := pipeline.LanesOf(wokenOf("empty", 1000))
	for i := range empty {
		empty[i].DeliveryIDs, empty[i].More = nil, true
	}
	d.offer(empty)
	for n := range 3 {
		ids, refills := 0, 0
		claim := d.gather(false, claimIDs)
		for _, lane := range claim {
			ids += len(lane.DeliveryIDs)
			if len(lane.DeliveryIDs) == 0 {
				refills++
			}
			if strings.HasPrefix(lane.EndpointID, "ep_small") {
				t.Errorf("claim %d of the crowds has %s", n, lane.EndpointID)
			}
		}
		if len(claim) == 0 || len(claim) > claimLanes || ids > claimIDs || refills > claimRefills {
			t.Errorf("claim %d has %d lanes, %d ids and looks for more of %d lanes", n, len(claim), ids, refills)
		}
	}
	now := time.Now()
	if most, beside := d.share(now); most != claimIDs || beside {
		t.Errorf("alone a crowd's claim takes %d, want %d", most, claimIDs)
	}
	d.apartAt.Store(now.UnixNano())
	d.largest = throng
	if most, beside := d.share(now); most != claimIDs || beside {
		t.Errorf("a crowd of %d lanes claims %d beside others, want %d", throng, most, claimIDs)
	}
	d.largest = throng + 1
	if most, beside := d.share(now.Add(besideOthers / 2)); most > besideIDs*runtime.GOMAXPROCS(0) || most < 1 || !beside {
		t.Errorf("beside others a crowd's claim takes %d", most)
	}
	if most, beside := d.share(now.Add(besideOthers)); most != claimIDs || beside {
		t.Errorf("after the others a crowd's claim takes %d, want %d", most, claimIDs)
	}
	if apart := d.gather(true, claimIDs); len(apart) != 3 {
		t.Errorf("beside the crowds %d lanes are claimed for, want the 3 of the small one", len(apart))
	}
}

func TestDueLanesTakeTurns(t *testing.T) {
	lanes := append(pipeline.LanesOf(wokenOf("large", 5000)), pipeline.LanesOf(wokenOf("small", 2))...)
	for i, lane := range inTurns(lanes) {
		if lane.OrganizationID == "small" && i > 3 {
			t.Errorf("a lane of the small one is at place %d", i)
		}
	}
}
