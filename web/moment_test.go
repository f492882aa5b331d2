package web

import (
	"net/http"
	"net/url"
	"testing"

	"hookwell/internal/storetest"
	"hookwell/models"
)

// badTimes are outside of the years 1970 to 9999 once they are in UTC, or no
// times at all.
var badTimes = []string{"9999-12-31T23:59:59-01:00", "1970-01-01T00:30:00+02:00", "1969-12-31T23:59:59.999999999Z",
	"0001-01-01T00:00:00Z", "0001-01-01T00:00:01Z", "10000-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2026-02-30T00:00:00Z", "-0001-01-01T00:00:00Z",
	"2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00-23:60", "2026-01-01T00:00:00,5Z", "2026-01-01T0:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00,5"}

// TestTimesAreJudgedInUTC gives them wherever the API and the pages take a time.
func TestTimesAreJudgedInUTC(t *testing.T) {
	t.Run("api", func(t *testing.T) {
		apiStores(t, func(t *testing.T, f *apiFixture) {
			e := f.Endpoint(t, f.Own)
			for _, at := range badTimes {
				f.Call(t, f.Key, "POST", "/api/v1/events", `{"type":"payment.failed","timestamp":"`+at+`","data":`+storetest.Example(t, "payment.failed")+`}`).IsProblem(t, 422, "invalid", "timestamp")
				f.Call(t, f.Key, "GET", "/api/v1/deliveries?since="+url.QueryEscape(at), "").IsProblem(t, 422, "invalid", "since")
				f.Call(t, f.Key, "GET", "/api/v1/deliveries?until="+url.QueryEscape(at), "").IsProblem(t, 422, "invalid", "until")
				f.Call(t, f.Key, "POST", "/api/v1/endpoints/"+e.ID+"/recover", `{"since":"`+at+`"}`).IsProblem(t, 422, "invalid", "since")
				f.Call(t, f.Key, "POST", "/api/v1/endpoints/"+e.ID+"/recover", `{"since":"2026-01-01T00:00:00Z","until":"`+at+`"}`).IsProblem(t, 422, "invalid", "until")
			}
			for _, at := range []string{"9999-12-31T23:59:59.999999999Z", "1969-12-31T23:30:00-01:00", "9999-12-31T23:59:59+14:00", "2026-01-01t00:00:00z", "2026-01-01t00:00:00.5+23:59"} {
				if r := f.Call(t, f.Key, "POST", "/api/v1/events", `{"type":"payment.failed","timestamp":"`+at+`","data":`+storetest.Example(t, "payment.failed")+`}`); r.Status != http.StatusAccepted {
					t.Errorf("an event of %s: %d %s", at, r.Status, r.Body)
				}
				for _, bound := range []string{"since", "until"} {
					if r := f.Call(t, f.Key, "GET", "/api/v1/deliveries?"+bound+"="+url.QueryEscape(at), ""); r.Status != http.StatusOK {
						t.Errorf("%s=%s: %d %s", bound, at, r.Status, r.Body)
					}
				}
			}
		})
	})
	t.Run("pages", func(t *testing.T) {
		eachSite(t, func(t *testing.T, s *site) {
			b, org := s.member(t, "Acme", models.RoleOwner)
			for _, page := range []string{"/deliveries", "/events", "/audit", "/audit/export.csv"} {
				for _, at := range badTimes {
					for _, bound := range []string{"since", "until"} {
						wantStatus(t, b.get(t, "/o/"+org.Slug+page+"?"+bound+"="+url.QueryEscape(at)), http.StatusUnprocessableEntity)
					}
				}
				wantStatus(t, b.get(t, "/o/"+org.Slug+page+"?since=2026-01-01t00:00:00z"), http.StatusOK)
				wantStatus(t, b.get(t, "/o/"+org.Slug+page+"?since="+url.QueryEscape("1969-12-31T23:30:00-01:00")+"&until=9999-12-31T23:59:59Z"), http.StatusOK)
			}
		})
	})
}
