package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
	"hookwell/webhook"
)

// TestUpdateEndpoint_with_enabled_is_all_or_nothing lets the second half of an
// edit fail in the database, and the first half with it.
func TestUpdateEndpoint_with_enabled_is_all_or_nothing(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		refuse := []string{`CREATE TRIGGER refuse BEFORE INSERT ON audit_entries WHEN NEW.action = 'endpoint.disabled' BEGIN SELECT RAISE(ABORT, 'refused on purpose'); END`}
		if f.DB().Name() == "postgres" {
			refuse = []string{`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF NEW.action = 'endpoint.disabled' THEN RAISE EXCEPTION 'refused on purpose'; END IF; RETURN NEW; END $$`,
				`CREATE TRIGGER refuse BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse()`}
		}
		for _, statement := range refuse {
			if err := f.DB().Exec(statement).Error; err != nil {
				t.Fatal(err)
			}
		}
		before, off := dumpAll(t, f.Store), false
		edit := func(in *models.EndpointInput) error {
			in.Name, in.TimeoutSeconds, in.Enabled = "New", 7, &off
			return nil
		}
		if _, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, edit); err == nil {
			t.Fatal("it was not refused")
		}
		if diff := cmp.Diff(before, dumpAll(t, f.Store)); diff != "" {
			t.Errorf("half of the edit was kept:\n%s", diff)
		}
		if f.DB().Name() == "postgres" {
			f.DB().Exec("DROP TRIGGER refuse ON audit_entries")
		} else {
			f.DB().Exec("DROP TRIGGER refuse")
		}
		now, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, edit)
		if err != nil || now.Enabled() || now.Name != "New" || now.TimeoutSeconds != 7 {
			t.Errorf("%+v, %v", now, err)
		}
	})
}

// TestUpdateEndpoint_says_what_changed reads the audit log after an edit.
func TestUpdateEndpoint_says_what_changed(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		e := endpoint(t, f.tenant, nil)
		_, err := f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
			in.TimeoutSeconds, in.RateLimitPerSecond, in.Schedule = 7, 1000, webhook.Schedules()[2]
			return nil
		})
		must(t, err)
		want := e.URL + "; Schedule: brisk, was standard; Timeout: 7 s, was 15 s; Rate limit: 1,000 a second, was none"
		if got := f.lastAudit(t, "endpoint.updated").Details; got != want {
			t.Errorf("the audit says %q; want %q", got, want)
		}
		_, err = f.tenant.UpdateEndpoint(t.Context(), e.ID, func(in *models.EndpointInput) error {
			in.Name = "New"
			return nil
		})
		must(t, err)
		if got := f.lastAudit(t, "endpoint.updated").Details; got != e.URL {
			t.Errorf("the audit says %q; want %q", got, e.URL)
		}
	})
}
