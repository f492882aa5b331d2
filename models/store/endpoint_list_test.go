package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
)

// listing are endpoints by their names, each with a health of its own.
func (f *fixture) listing(t *testing.T, names ...string) map[string]*models.Endpoint {
	t.Helper()
	byName := map[string]*models.Endpoint{}
	for i, name := range names {
		byName[name] = endpoint(t, f.tenant, func(in *models.EndpointInput) {
			in.Name, in.URL = name, fmt.Sprintf("http://127.0.0.1:9/hooks/%d", i)
		})
	}
	return byName
}

// fares sets when the endpoint last succeeded and failed, so long ago; negative
// is never.
func (f *fixture) fares(t *testing.T, e *models.Endpoint, success, failure time.Duration) {
	t.Helper()
	at := func(d time.Duration) *time.Time {
		if d < 0 {
			return nil
		}
		at := f.Now().Add(-d)
		return &at
	}
	change := map[string]any{"last_success_at": at(success), "last_failure_at": at(failure)}
	if err := f.DB().Model(&models.EndpointState{}).Where("endpoint_id = ?", e.ID).Updates(change).Error; err != nil {
		t.Fatal(err)
	}
}

func titles(rows []models.JudgedEndpoint) []string {
	return named(rows, func(e models.JudgedEndpoint) string { return e.Title() })
}

// TestHealth_is_judged_the_same_in_the_database holds SQL to models.HealthOf at
// every side of every bound.
func TestHealth_is_judged_the_same_in_the_database(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		seen := map[models.Health]bool{}
		ages := []time.Duration{-1, 0, time.Minute, models.DegradedFor - time.Second, models.DegradedFor + time.Second, 2*time.Hour + time.Minute,
			models.QuietAfter - time.Second, models.QuietAfter + time.Second, 97 * time.Hour}
		judge := func(where string) {
			t.Helper()
			now, err := f.tenant.Endpoint(t.Context(), e.ID)
			if err != nil {
				t.Fatal(err)
			}
			backlogs, err := f.tenant.BacklogsOf(t.Context(), e.ID)
			if err != nil {
				t.Fatal(err)
			}
			strips, err := f.tenant.Strips(t.Context(), []string{e.ID})
			if err != nil {
				t.Fatal(err)
			}
			want := models.HealthOf(now, backlogs[e.ID].EndpointState, strips[e.ID], f.Now())
			seen[want] = true
			page, err := f.tenant.EndpointPage(t.Context(), models.EndpointFilter{}, models.Page{})
			if err != nil || len(page.Rows) != 1 || page.Rows[0].Health != want {
				t.Errorf("%s: %v, %v; HealthOf says %s", where, page.Rows, err, want)
			}
			if found, err := f.tenant.EndpointPage(t.Context(), models.EndpointFilter{Health: want}, models.Page{}); err != nil || len(found.Rows) != 1 {
				t.Errorf("%s: the filter %s finds %d, %v", where, want, len(found.Rows), err)
			}
			if counts, err := f.tenant.CountHealths(t.Context(), ""); err != nil || !cmp.Equal(counts, map[models.Health]int{want: 1}) {
				t.Errorf("%s: counted %v, %v", where, counts, err)
			}
		}
		for _, counted := range []string{"", "1000, 10", "1000, 11", "1000, 0"} {
			if counted != "" {
				since := f.Now().Truncate(time.Hour).Unix()
				if err := f.DB().Exec("DELETE FROM rollups").Error; err != nil {
					t.Fatal(err)
				}
				for at, counts := range map[int64]string{since: counted, since - 7200: "50000, 1"} { // which is too long ago to matter
					err := f.DB().Exec(`INSERT INTO rollups (organization_id, endpoint_id, span, since, attempts, failed_attempts, delivered, failed,
						ms5, ms10, ms20, ms40, ms70, ms100, ms150, ms200, ms300, ms500, ms800, ms1200, ms2000, ms5000, ms10000, ms30000)
						VALUES (?, ?, 3600, ?, `+counts+strings.Repeat(", 0", 18)+`)`, e.OrganizationID, e.ID, at).Error
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, success := range ages {
				for _, failure := range ages {
					f.fares(t, e, success, failure)
					judge(fmt.Sprintf("success %v, failure %v ago, counted %q", success, failure, counted))
				}
			}
		}
		if _, err := f.tenant.DisableEndpoint(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		judge("disabled")
		for _, h := range models.Healths() {
			if !seen[h] {
				t.Errorf("no case is %s", h)
			}
		}
	})
}

func TestEndpointPage(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		names := []string{"delta", "Alpha", "charlie", "Bravo", "bravo", "", "100% sure", "snake_case", "Überwachung"}
		all := f.listing(t, names...)
		for name, fares := range map[string][2]time.Duration{"charlie": {-1, time.Minute}, "delta": {-1, time.Minute}, "Alpha": {time.Minute, -1}, "bravo": {time.Minute, 2 * time.Minute}} {
			f.fares(t, all[name], fares[0], fares[1])
		}
		if _, err := f.tenant.DisableEndpoint(t.Context(), all["snake_case"].ID); err != nil {
			t.Fatal(err)
		}
		gone := endpoint(t, f.tenant, func(in *models.EndpointInput) { in.Name = "Alpha gone" })
		if err := f.tenant.DeleteEndpoint(t.Context(), gone.ID); err != nil {
			t.Fatal(err)
		}
		endpoint(t, f.organization(t, "Other"), func(in *models.EndpointInput) { in.Name = "Alpha of others" })

		unnamed := "http://127.0.0.1:9/hooks/5"
		for name, c := range map[string]struct {
			filter models.EndpointFilter
			want   []string
		}{
			"newest first":   {models.EndpointFilter{}, []string{"Überwachung", "snake_case", "100% sure", unnamed, "bravo", "Bravo", "charlie", "Alpha", "delta"}},
			"by name":        {models.EndpointFilter{Sort: models.SortName}, []string{"100% sure", "Alpha", "Bravo", "bravo", "charlie", "delta", unnamed, "snake_case", "Überwachung"}},
			"the worst":      {models.EndpointFilter{Sort: models.SortHealth}, []string{"charlie", "delta", "bravo", "Alpha", "100% sure", "Bravo", unnamed, "Überwachung", "snake_case"}},
			"of one health":  {models.EndpointFilter{Health: models.HealthFailing}, []string{"charlie", "delta"}},
			"disabled":       {models.EndpointFilter{Health: models.HealthDisabled}, []string{"snake_case"}},
			"a part":         {models.EndpointFilter{Search: "RAV", Sort: models.SortName}, []string{"Bravo", "bravo"}},
			"of the URL":     {models.EndpointFilter{Search: "HOOKS/5"}, []string{unnamed}},
			"percent":        {models.EndpointFilter{Search: "%"}, []string{"100% sure"}},
			"underscore":     {models.EndpointFilter{Search: "_"}, []string{"snake_case"}},
			"backslash":      {models.EndpointFilter{Search: `\`}, nil},
			"quote":          {models.EndpointFilter{Search: `' OR 1=1 --`}, nil},
			"both":           {models.EndpointFilter{Search: "a", Health: models.HealthHealthy}, []string{"Alpha"}},
			"search by rank": {models.EndpointFilter{Search: "bravo", Sort: models.SortHealth}, []string{"bravo", "Bravo"}},
		} {
			t.Run(name, func(t *testing.T) {
				page, err := f.tenant.EndpointPage(t.Context(), c.filter, models.Page{})
				if diff := cmp.Diff(c.want, titles(page.Rows)); err != nil || c.want != nil && diff != "" || len(c.want) != len(page.Rows) {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
				if page.Before != "" || page.Next != "" {
					t.Errorf("more before %q and after %q", page.Before, page.Next)
				}
				f.walkBothWays(t, c.filter, titles(page.Rows))
			})
		}
		if n, err := f.tenant.CountEndpoints(t.Context()); err != nil || n != len(names) {
			t.Errorf("counted %d, %v", n, err)
		}
		want := map[models.Health]int{models.HealthHealthy: 1, models.HealthFailing: 2}
		if counts, err := f.tenant.CountHealths(t.Context(), "L"); err != nil || !cmp.Equal(counts, want) {
			t.Errorf("counted %v, %v, not %v", counts, err, want)
		}
	})
}

// walkBothWays reads a list in pages of two to its end and back.
func (f *fixture) walkBothWays(t *testing.T, filter models.EndpointFilter, want []string) {
	t.Helper()
	var there, back []string
	page, err := f.tenant.EndpointPage(t.Context(), filter, models.Page{Limit: 2})
	for there = titles(page.Rows); err == nil && page.Next != ""; {
		page, err = f.tenant.EndpointPage(t.Context(), filter, models.Page{Limit: 2, Cursor: page.Next})
		there = append(there, titles(page.Rows)...)
	}
	for back = titles(page.Rows); err == nil && page.Before != ""; {
		page, err = f.tenant.EndpointPage(t.Context(), filter, models.Page{Limit: 2, Cursor: page.Before})
		back = append(titles(page.Rows), back...)
	}
	if err != nil || !slices.Equal(there, want) || !slices.Equal(back, want) {
		t.Errorf("%v: there %q, back %q, not %q", err, there, back, want)
	}
}

// TestEndpointPage_goes_on_where_it_was keeps its place when the row that it
// ended with fares otherwise, has another name, or is gone.
func TestEndpointPage_goes_on_where_it_was(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		all := f.listing(t, "a", "b", "c", "d")
		for _, e := range all {
			f.fares(t, e, -1, time.Minute)
		}
		first := map[models.EndpointSort]models.EndpointPage{}
		for _, sort := range models.EndpointSorts() {
			page, err := f.tenant.EndpointPage(t.Context(), models.EndpointFilter{Sort: sort}, models.Page{Limit: 2})
			if err != nil {
				t.Fatal(err)
			}
			first[sort] = page
		}
		f.fares(t, all["b"], 0, -1)
		if err := f.tenant.DeleteEndpoint(t.Context(), all["b"].ID); err != nil {
			t.Fatal(err)
		}
		for sort, want := range map[models.EndpointSort]string{models.SortNewest: "a", models.SortName: "c d", models.SortHealth: "c d"} {
			page, err := f.tenant.EndpointPage(t.Context(), models.EndpointFilter{Sort: sort}, models.Page{Limit: 2, Cursor: first[sort].Next})
			if got := strings.Join(titles(page.Rows), " "); err != nil || got != want {
				t.Errorf("by %q: %q, %v", sort, got, err)
			}
		}
	})
}

func TestEndpointPage_refuses(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		id := endpoint(t, f.tenant, nil).ID
		for name, c := range map[string]struct {
			filter models.EndpointFilter
			cursor string
			field  string
		}{
			"an unknown sort":        {models.EndpointFilter{Sort: "url"}, "", "sort"},
			"an unknown health":      {models.EndpointFilter{Health: "well"}, "", "health"},
			"bytes that are no text": {models.EndpointFilter{Search: "\xff"}, "", "search"},
			"a NUL":                  {models.EndpointFilter{Search: "a\x00"}, "", "search"},
			"a long search":          {models.EndpointFilter{Search: strings.Repeat("ä", models.MaxSearch+1)}, "", "search"},
			"a key too many":         {models.EndpointFilter{}, id + ".YQ", "cursor"},
			"no base64":              {models.EndpointFilter{Sort: models.SortName}, id + ".!", "cursor"},
			"a key that is no text":  {models.EndpointFilter{Sort: models.SortName}, id + "._w", "cursor"},
			"a rank too high":        {models.EndpointFilter{Sort: models.SortHealth}, id + ".5.YQ", "cursor"},
			"no rank":                {models.EndpointFilter{Sort: models.SortHealth}, id, "cursor"},
			"a mark alone":           {models.EndpointFilter{}, "~", "cursor"},
			"a key alone":            {models.EndpointFilter{Sort: models.SortName}, ".YQ", "cursor"},
		} {
			_, err := f.tenant.EndpointPage(t.Context(), c.filter, models.Page{Cursor: c.cursor})
			if got := fields(t, err); !slices.Equal(got, []string{c.field}) {
				t.Errorf("%s: faults at %v", name, got)
			}
		}
	})
}
