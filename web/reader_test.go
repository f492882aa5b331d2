package web

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hookwell/models"
)

// TestGuestsReadNoAddresses looks at everything that guests see of events that
// hold people's addresses, and of receivers that echo them.
func TestGuestsReadNoAddresses(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			w.Header().Set("X-Got", base64.StdEncoding.EncodeToString(body))
			fmt.Fprintf(w, "%s %s", body, base64.StdEncoding.EncodeToString(body))
		}))
		t.Cleanup(echo.Close)
		member, org := s.member(t, "Acme", models.RoleMember)
		guest, _ := s.member(t, org.ID, models.RoleGuest)
		tenant := s.tenantOf(t, org)
		in := models.NewEndpointInput()
		in.URL, in.EventTypes, in.MaxInFlight = echo.URL, []string{"*"}, 100
		_, _, err := tenant.CreateEndpoint(t.Context(), in)
		must(t, err)
		types, events := 0, map[string]string{}
		for _, category := range s.Store.Catalog().Categories() {
			for _, kind := range category.Types {
				if !strings.Contains(string(kind.Example), "@") {
					continue
				}
				types++
				data := strings.ReplaceAll(string(kind.Example), "@", `\u0040`)
				accepted, err := tenant.Publish(t.Context(), models.NewEvent{Type: kind.Type, Data: []byte(data)})
				must(t, err)
				events[accepted.ID] = kind.Type
			}
		}
		if types < 9 {
			t.Fatalf("%d types hold an address", types)
		}
		s.deliverAll(t)
		_, platform, err := s.Store.Operator().CreateKey(t.Context(), models.NewKey{Name: "Platform"})
		must(t, err)
		portal := (&portalSite{site: s, org: org, bearer: platform}).enter(t, `{"role":"guest"}`)
		list, _, err := tenant.Deliveries(t.Context(), models.DeliveryFilter{}, models.Page{})
		must(t, err)
		home, pages := "/o/"+org.Slug, []string{"/team", "", "/events", "/deliveries", "/endpoints"}
		for _, d := range list {
			pages = append(pages, "/events/"+d.EventID, "/deliveries/"+d.ID, "/deliveries/"+d.ID+"?attempt=1")
		}
		for _, page := range pages {
			for who, b := range map[string]*browser{"guest": guest, "portal": portal} {
				for _, header := range [][]string{nil, {"HX-Request", "true"}} {
					if page == "/team" && who == "portal" {
						continue
					}
					a := b.get(t, home+page, header...)
					wantStatus(t, a, http.StatusOK)
					if at := strings.Index(a.body, "example.com"); at >= 0 {
						t.Fatalf("%s, %s %v: …%s…", who, page, header, a.body[max(0, at-80):min(len(a.body), at+40)])
					}
					if strings.Contains(a.body, "XhhbXBsZS5jb2") || strings.Contains(a.body, "V4YW1wbGUuY29t") || strings.Contains(a.body, "ZXhhbXBsZS5jb") {
						t.Fatalf("%s, %s %v: an address in base64", who, page, header)
					}
				}
			}
		}
		seen := 0
		for _, d := range list {
			if strings.Contains(member.get(t, home+"/events/"+d.EventID).body, "example.com") {
				seen++
			}
			page := guest.get(t, home+"/events/"+d.EventID)
			if !strings.Contains(page.text("main"), "Without people’s addresses") || !strings.Contains(page.body, "••••") {
				t.Errorf("%s: the page does not say that addresses are left out", events[d.EventID])
			}
		}
		if seen != len(list) {
			t.Errorf("a member sees the addresses of %d events, want %d", seen, len(list))
		}
	})
}
