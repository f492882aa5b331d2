package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"hookwell/models"
)

// manyNamed makes endpoints named "Endpoint 000" and so on, every third of which
// subscribes to payments alone.
func (f *fixture) manyNamed(t *testing.T, n int) []*models.Endpoint {
	t.Helper()
	list := make([]*models.Endpoint, n)
	for i := range list {
		list[i] = endpoint(t, f.tenant, func(in *models.EndpointInput) {
			in.Name = fmt.Sprintf("Endpoint %03d", i)
			if i%3 == 0 {
				in.EventTypes = []string{"payment.*"}
			}
		})
	}
	return list
}

func TestEndpointChoices(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		list := f.manyNamed(t, 55)
		last := list[54]
		for _, test := range []struct {
			search, chosen string
			rows           int
			first          string
			more           bool
		}{
			{"", "", 50, "Endpoint 000", true},
			{"", list[3].ID, 50, "Endpoint 000", true},
			{"", last.ID, 51, "Endpoint 054", true},
			{"", "ep_unknown", 50, "Endpoint 000", true},
			{"POINT 05", "", 5, "Endpoint 050", false},
			{"point 05", list[0].ID, 5, "Endpoint 050", false},
			{"point 0", last.ID, 51, "Endpoint 054", true},
			{"%", "", 0, "", false},
		} {
			got, err := f.tenant.EndpointChoices(t.Context(), test.search, test.chosen)
			if err != nil || len(got.Rows) != test.rows || got.More != test.more || len(got.Rows) > 0 && got.Rows[0].Title() != test.first {
				t.Errorf("EndpointChoices(%q, %q) returned %d rows, more %v, %v; want %d from %q, more %v", test.search, test.chosen, len(got.Rows), got.More, err, test.rows, test.first, test.more)
			}
		}
		if _, err := f.tenant.EndpointChoices(t.Context(), "\x00", ""); !models.IsKind(err, models.Invalid) {
			t.Errorf("EndpointChoices() of a NUL returned %v; want Invalid", err)
		}
	})
}

func TestSubscribers(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.manyNamed(t, 60) // 20 of them to payments alone, the others to what endpoint() subscribes to
		other := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Name, in.EventTypes = "Teams", []string{"org.*"} })
		every, err := f.tenant.Endpoints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		counts, err := f.tenant.CountSubscribers(t.Context())
		if err != nil {
			t.Fatalf("CountSubscribers() failed: %v", err)
		}
		for _, eventType := range []string{"payment.failed", "org.updated"} {
			var want []string
			for i := range every {
				if every[i].EventTypes.Matches(eventType) {
					want = append(want, every[i].Name)
				}
			}
			if counts[eventType] != len(want) {
				t.Errorf("CountSubscribers() returned %d for %s; want %d", counts[eventType], eventType, len(want))
			}
			slices.Sort(want)
			list, err := f.tenant.Subscribers(t.Context(), eventType)
			got := named(list, func(e models.Endpoint) string { return e.Name })
			if diff := gocmp.Diff(want[:min(len(want), models.MostChoices)], got); diff != "" || err != nil {
				t.Errorf("Subscribers(%s): %v (-want +got):\n%s", eventType, err, diff)
			}
		}
		if err := f.tenant.DeleteEndpoint(t.Context(), other.ID); err != nil {
			t.Fatal(err)
		}
		if again, err := f.tenant.CountSubscribers(t.Context()); err != nil || again["org.updated"] != counts["org.updated"]-1 {
			t.Errorf("CountSubscribers() returned %d, %v after a deletion; want %d", again["org.updated"], err, counts["org.updated"]-1)
		}
	})
}

// TestSummarizeEndpoints holds the query to what the same words of models say of
// every endpoint by itself.
func TestSummarizeEndpoints(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		list := f.manyNamed(t, 24)
		now := f.Now()
		for i, e := range list {
			state := map[string]any{"last_success_at": now.Add(-time.Minute), "last_failure_at": nil}
			switch i % 6 {
			case 1: // failing
				state = map[string]any{"last_success_at": now.Add(-5 * time.Hour), "last_failure_at": now.Add(-time.Minute)}
			case 2: // degraded
				state = map[string]any{"last_success_at": now.Add(-time.Second), "last_failure_at": now.Add(-time.Minute)}
			case 3: // quiet
				state = map[string]any{"last_success_at": nil, "last_failure_at": nil}
			}
			if err := f.DB().Model(&models.EndpointState{}).Where("endpoint_id = ?", e.ID).Updates(state).Error; err != nil {
				t.Fatal(err)
			}
			failed := 0
			if i%4 == 0 {
				failed = 1
			}
			for _, at := range []time.Time{now, now.Add(-50 * time.Hour)} { // the second is before the period
				if err := f.DB().Table("rollups").Create(f.rollup(e, at, 10*i, failed)).Error; err != nil {
					t.Fatal(err)
				}
			}
		}
		disabled := map[int]string{4: models.DisabledGone, 10: models.DisabledByPerson}
		for i, reason := range disabled {
			if err := f.DB().Model(&models.Endpoint{}).Where("id = ?", list[i].ID).Updates(map[string]any{"disabled_at": now, "disabled_reason": reason}).Error; err != nil {
				t.Fatal(err)
			}
		}
		notices := []models.Notice{{ID: "not_1", EndpointID: list[1].ID, Kind: models.NoticeFailing}, {ID: "not_2", EndpointID: list[7].ID, Kind: models.NoticeRecovered},
			{ID: "not_3", EndpointID: list[13].ID, Kind: models.NoticeFailing, DismissedAt: &now}}
		for i := range notices {
			notices[i].OrganizationID, notices[i].CreatedAt = list[0].OrganizationID, now
		}
		if err := f.DB().Create(&notices).Error; err != nil {
			t.Fatal(err)
		}

		want := f.summarized(t, now.Add(-models.Day), map[string]bool{list[1].ID: true})
		const worst, needy = 7, 8
		got, err := f.tenant.SummarizeEndpoints(t.Context(), now.Add(-models.Day), worst, needy)
		if err != nil {
			t.Fatalf("SummarizeEndpoints() failed: %v", err)
		}
		if got.All != 24 || got.Failed != 6 || got.Needing != want.Needing || want.Needing <= needy {
			t.Errorf("SummarizeEndpoints() counted %d, %d failed, %d needing; want 24, 6, %d", got.All, got.Failed, got.Needing, want.Needing)
		}
		words := func(e models.JudgedEndpoint) string { return e.Name + " " + string(e.Health) }
		if diff := gocmp.Diff(named(want.Worst[:worst], words), named(got.Worst, words)); diff != "" {
			t.Errorf("the worst (-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff(named(want.Needy[:needy], words), named(got.Needy, words)); diff != "" {
			t.Errorf("who need a person (-want +got):\n%s", diff)
		}
	})
}

// rollup is an endpoint's hour as it stands in the table.
func (f *fixture) rollup(e *models.Endpoint, at time.Time, attempts, failed int) map[string]any {
	row := map[string]any{"organization_id": e.OrganizationID, "endpoint_id": e.ID, "span": 3600, "since": at.Truncate(models.Hour).Unix(),
		"attempts": attempts, "failed_attempts": attempts, "delivered": 0, "failed": failed}
	for _, ms := range []int{5, 10, 20, 40, 70, 100, 150, 200, 300, 500, 800, 1200, 2000, 5000, 10000, 30000} {
		row[fmt.Sprintf("ms%d", ms)] = 0
	}
	return row
}

// summarized is the summary in Go, of all.
func (f *fixture) summarized(t *testing.T, since time.Time, told map[string]bool) models.EndpointSummary {
	t.Helper()
	every, err := f.tenant.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	backlogs, err := f.tenant.Backlogs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	counts, err := f.tenant.EndpointCounts(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	strips, err := f.tenant.Strips(t.Context(), named(every, func(e models.Endpoint) string { return e.ID }))
	if err != nil {
		t.Fatal(err)
	}
	var summary models.EndpointSummary
	var resend []models.JudgedEndpoint
	for i := range every {
		e := models.JudgedEndpoint{Endpoint: every[i]}
		e.Health = models.HealthOf(&every[i], backlogs[e.ID].EndpointState, strips[e.ID], f.Now())
		summary.Worst = append(summary.Worst, e)
		switch {
		case told[e.ID]:
		case e.Health == models.HealthFailing, !e.Enabled() && e.DisabledReason != models.DisabledByPerson:
			summary.Needy = append(summary.Needy, e)
		case counts[e.ID].Failed > 0:
			resend = append(resend, e)
		}
	}
	slices.SortStableFunc(summary.Worst, func(a, b models.JudgedEndpoint) int {
		return cmp.Or(cmp.Compare(slices.Index(models.Healths(), a.Health), slices.Index(models.Healths(), b.Health)), counts[b.ID].Attempts-counts[a.ID].Attempts)
	})
	summary.Needy = append(summary.Needy, resend...)
	summary.Needing = len(summary.Needy)
	return summary
}
