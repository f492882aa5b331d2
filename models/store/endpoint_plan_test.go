package store_test

import (
	"regexp"
	"strings"
	"testing"

	"gorm.io/gorm"

	"hookwell/models"
)

// crowd adds 1,000 endpoints to the organization and 99,000 to another.
func (f *fixture) crowd(t *testing.T) {
	t.Helper()
	model := endpoint(t, f.tenant, nil)
	other := endpoint(t, f.organization(t, "Crowd"), nil)
	numbers := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
	columns := `url, description, event_types, schedule, timeout_seconds, max_in_flight, rate_limit_per_second, signature_format, disabled_reason, created_at, updated_at`
	id := "'ep_' || substr('00000000000000000000000000' || n.i, -26)"
	if f.DB().Name() == "postgres" {
		id = "'ep_' || lpad(n.i::text, 26, '0')"
		// The organization's version would rise with every row.
		if err := f.DB().Exec("ALTER TABLE endpoints DISABLE TRIGGER USER").Error; err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{
		numbers + `INSERT INTO endpoints (id, organization_id, name, ` + columns + `)
			SELECT ` + id + `, CASE WHEN n.i % 100 = 0 THEN '` + model.OrganizationID + `' ELSE '` + other.OrganizationID + `' END, 'Endpoint ' || n.i, ` + columns + `
			FROM n JOIN endpoints e ON e.id = '` + model.ID + `'`,
		`INSERT INTO endpoint_states (endpoint_id, held_because, failures, rate_free_us, last_failure_at)
			SELECT id, '', 0, 0, created_at FROM endpoints WHERE name LIKE 'Endpoint %'`,
	} {
		if err := f.DB().Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
	analyze := "ANALYZE"
	if f.DB().Name() == "postgres" {
		analyze = "VACUUM ANALYZE endpoints, endpoint_states"
	}
	if err := f.DB().Exec(analyze).Error; err != nil {
		t.Fatal(err)
	}
}

// TestEndpointPage_reads_its_own_organization shows by the plans that 100,000
// endpoints of all make the 1,000 of one no slower to list.
func TestEndpointPage_reads_its_own_organization(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.crowd(t)
		var asked []string
		note := func(db *gorm.DB) {
			if !db.DryRun && !strings.HasPrefix(db.Statement.SQL.String(), "EXPLAIN") { // a query in a query is no run of its own
				asked = append(asked, db.Dialector.Explain(db.Statement.SQL.String(), db.Statement.Vars...))
			}
		}
		if err := f.DB().Callback().Query().After("gorm:query").Register("note", note); err != nil {
			t.Fatal(err)
		}
		if err := f.DB().Callback().Row().After("gorm:row").Register("note", note); err != nil {
			t.Fatal(err)
		}
		explain, whole := "EXPLAIN QUERY PLAN ", regexp.MustCompile(`SCAN (e|s|r|c|w|endpoints|endpoint_states|rollups|notices)\b`)
		if f.DB().Name() == "postgres" {
			explain, whole = "EXPLAIN (ANALYZE, BUFFERS) ", regexp.MustCompile("Seq Scan on endpoint")
		}
		cases := map[string]models.EndpointFilter{"newest": {}, "by name": {Sort: models.SortName}, "by health": {Sort: models.SortHealth},
			"search": {Search: "point 99"}, "health": {Health: models.HealthFailing, Sort: models.SortHealth}}
		for name, filter := range cases {
			asked = nil
			page, err := f.tenant.EndpointPage(t.Context(), filter, models.Page{})
			if err != nil || len(page.Rows) == 0 {
				t.Fatalf("%s: %v, %v", name, page.Rows, err)
			}
			if _, err := f.tenant.EndpointPage(t.Context(), filter, models.Page{Cursor: page.Next}); err != nil {
				t.Fatal(err)
			}
			f.wantNoWholeScan(t, name, explain, whole, asked)
		}
		asked = nil
		if n, err := f.tenant.CountEndpoints(t.Context()); err != nil || n != 1000 {
			t.Errorf("counted %d, %v", n, err)
		}
		if _, err := f.tenant.CountHealths(t.Context(), ""); err != nil {
			t.Error(err)
		}
		if choices, err := f.tenant.EndpointChoices(t.Context(), "", "ep_"+strings.Repeat("0", 26)); err != nil || len(choices.Rows) != models.MostChoices || !choices.More {
			t.Errorf("EndpointChoices() returned %d rows, %v; want %d and more", len(choices.Rows), err, models.MostChoices)
		}
		if counts, err := f.tenant.CountSubscribers(t.Context()); err != nil || counts["payment.failed"] != 1000 {
			t.Errorf("CountSubscribers() returned %d, %v; want 1000", counts["payment.failed"], err)
		}
		if summary, err := f.tenant.SummarizeEndpoints(t.Context(), f.Now().Add(-models.Day), 6, 5); err != nil || summary.All != 1000 || len(summary.Worst) != 6 {
			t.Errorf("SummarizeEndpoints() returned %d of %d, %v; want 6 of 1000", len(summary.Worst), summary.All, err)
		}
		f.wantNoWholeScan(t, "counts", explain, whole, asked)
		if list, err := f.tenant.Subscribers(t.Context(), "payment.failed"); err != nil || len(list) != models.MostChoices {
			t.Errorf("Subscribers() returned %d rows, %v; want %d", len(list), err, models.MostChoices)
		}
	})
}

func (f *fixture) wantNoWholeScan(t *testing.T, name, explain string, whole *regexp.Regexp, asked []string) {
	t.Helper()
	if len(asked) == 0 {
		t.Errorf("%s: no query was seen", name)
	}
	for _, query := range asked {
		rows, err := f.DB().Raw(explain + query).Rows()
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		var plan []string
		for rows.Next() {
			cells := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range cells {
				into[i] = &cells[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			if text, ok := cells[len(cells)-1].(string); ok {
				plan = append(plan, text)
			}
		}
		rows.Close()
		text := strings.Join(plan, "\n")
		if whole.MatchString(text) || !strings.Contains(text, "endpoints_") {
			t.Errorf("%s reads more than its own:\n%s\n%s", name, query, text)
		}
	}
}
