package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

// seedEndpoints makes endpoints named "Endpoint 000" and so on.
func (s *site) seedEndpoints(t *testing.T, tenant *store.Tenant, n int) {
	t.Helper()
	for i := range n {
		in := models.NewEndpointInput()
		in.URL, in.Name, in.EventTypes = fmt.Sprintf("http://127.0.0.1:9/hooks/%d", i), fmt.Sprintf("Endpoint %03d", i), []string{"*"}
		in.Disabled = i%10 == 0
		_, _, err := tenant.CreateEndpoint(t.Context(), in)
		must(t, err)
	}
}

func listed(page *shown) (names []string) {
	page.doc.Find("main table .rowlink").Each(func(_ int, link *goquery.Selection) { names = append(names, strings.TrimSpace(link.Text())) })
	return names
}

func (s *shown) link(t *testing.T, words string) string {
	t.Helper()
	return s.doc.Find("nav[aria-label=Pages] a").FilterFunction(func(_ int, a *goquery.Selection) bool { return strings.TrimSpace(a.Text()) == words }).AttrOr("href", "")
}

func TestEndpointList(t *testing.T) {
	eachSiteOf(t, store.Options{MaxEndpoints: 200}, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleGuest)
		path := views.EndpointsPath(org.Slug)
		if empty := b.get(t, path+"?search=x"); !strings.Contains(empty.text("main"), "No name and no URL has “x” in it.") {
			t.Errorf("a search in an empty list says %q", empty.text("main"))
		}
		s.seedEndpoints(t, s.tenantOf(t, org), 120)
		first := b.get(t, path)
		if names := listed(first); len(names) != 50 || names[0] != "Endpoint 119" || first.link(t, "Newer") != "" {
			t.Errorf("the first page lists %q", names)
		}
		if count := strings.TrimSpace(first.doc.Find(`.nav a[href="` + path + `"] .count`).Text()); count != "120" {
			t.Errorf("the frame counts %q", count)
		}
		if count := strings.TrimSpace(b.get(t, "/o/"+org.Slug+"/keys").doc.Find(`.nav a[href="` + path + `"] .count`).Text()); count != "" && count != "120" {
			t.Errorf("another page counts %q", count)
		}

		// Forward to the end and back, with the filter in every link.
		narrowed := b.get(t, path+"?health=quiet&search=ENDPOINT&sort=name")
		last := narrowed
		for next := narrowed.link(t, "Next"); next != ""; next = last.link(t, "Next") {
			query, err := url.ParseQuery(next[strings.Index(next, "?")+1:])
			must(t, err)
			if query.Get("health") != "quiet" || query.Get("search") != "ENDPOINT" || query.Get("sort") != "name" {
				t.Fatalf("the filter is lost in %s", next)
			}
			last = b.get(t, next)
		}
		if names := listed(last); len(names) != 8 || names[7] != "Endpoint 119" {
			t.Errorf("the last page lists %q", names)
		}
		back := b.get(t, b.get(t, last.link(t, "Previous")).link(t, "Previous"))
		if names := listed(back); len(names) != 50 || names[0] != "Endpoint 001" || back.link(t, "Previous") != "" {
			t.Errorf("back at the first page: %q", names)
		}

		for query, want := range map[string]int{
			"search=%25": 0, "search=_": 0, "search=point+03": 10, "search=hooks/11": 11, "search=++": 50, "health=disabled": 12, "health=nonsense": 50,
			"health=disabled&search=point+03": 1, "health=failing": 0, "sort=nonsense": 50, "cursor=nonsense": 50, "sort=name&cursor=ep_x.y": 50, "cursor=~": 50,
		} {
			page := b.get(t, path+"?"+query)
			wantStatus(t, page, http.StatusOK)
			if n := len(listed(page)); n != want {
				t.Errorf("%s lists %d, not %d", query, n, want)
			}
			if want == 0 && page.doc.Find("main .empty a").AttrOr("href", "") != path {
				t.Errorf("%s leads nowhere", query)
			}
		}
		disabled := b.get(t, path+"?health=disabled&search=point+03&sort=health")
		form := disabled.doc.Find("form[role=search][action='" + path + "']")
		if form.Find("input[name=search]").AttrOr("value", "") != "point 03" || form.Find("input[name=health]").AttrOr("value", "") != "disabled" ||
			form.Find("option[selected]").AttrOr("value", "") != "health" {
			t.Error("the form does not hold the filter")
		}
		if text := disabled.text(".segments"); !strings.Contains(text, "All 10") || !strings.Contains(text, "Disabled 1") {
			t.Errorf("the counts are %q", text)
		}
	})
}

// TestPages_of_many_endpoints shows that pages which print a count, a choice or a
// few of an organization's endpoints read no more of them.
func TestPages_of_many_endpoints(t *testing.T) {
	eachSiteOf(t, store.Options{MaxEndpoints: 200}, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleAdmin)
		s.seedEndpoints(t, s.tenantOf(t, org), 120)
		var read atomic.Int64
		must(t, s.Store.Database().Callback().Query().After("gorm:query").Register("count", func(db *gorm.DB) {
			if db.Statement.Table == "endpoints" && !db.DryRun {
				read.Add(db.RowsAffected)
			}
		}))
		home := "/o/" + org.Slug
		for path, want := range map[string]struct {
			selector string
			n        int
		}{
			home: {"[aria-labelledby=endpoints-title] tbody tr", views.OverviewShown}, home + "/deliveries": {"select[name=endpoint] option", 51},
			home + "/events": {"select[name=missed] option", 51}, home + "/catalog/payment.failed?tab=endpoints": {"#type dl.kv a", 50}, home + "/keys": {"main dl.nothing", 0},
		} {
			read.Store(0)
			page := b.get(t, path)
			wantStatus(t, page, http.StatusOK)
			if n := page.doc.Find(want.selector).Length(); n != want.n {
				t.Errorf("%s has %d of %q; want %d", path, n, want.selector, want.n)
			}
			if n := read.Load(); n > 51 {
				t.Errorf("%s read %d rows of endpoints", path, n)
			}
		}
		if more := b.get(t, home+"/catalog/payment.failed?tab=endpoints").text("main"); !strings.Contains(more, "70 more.") {
			t.Errorf("the catalog says nothing of the endpoints that it does not list: %q", more)
		}

		ids := map[string]string{}
		all, err := s.tenantOf(t, org).Endpoints(t.Context())
		must(t, err)
		for _, e := range all {
			ids[e.Name] = e.ID
		}
		for _, log := range []struct{ path, field string }{{home + "/deliveries", "endpoint"}, {home + "/events", "missed"}} {
			for _, test := range []struct {
				query, chosen, note string
				options             int
			}{
				{"find=point+117", ids["Endpoint 117"], "", 2},
				{"find=hooks%2F117&" + log.field + "=" + ids["Endpoint 003"], ids["Endpoint 117"], "", 2},
				{"find=point+11", "", "10 endpoints match “point 11”. Choose one.", 11},
				{"find=point+11&" + log.field + "=" + ids["Endpoint 112"], ids["Endpoint 112"], "", 11},
				{"find=%25", "", "No endpoint has “%” in its name or URL.", 1},
				{"find=point", "", "More than 50 endpoints match “point”. Write more of the name or URL.", 51},
				{log.field + "=" + ids["Endpoint 119"], ids["Endpoint 119"], "", 52},
			} {
				page := b.get(t, log.path+"?"+test.query)
				wantStatus(t, page, http.StatusOK)
				options := page.doc.Find("select[name=" + log.field + "] option")
				chosen := options.Filter("[selected]").AttrOr("value", "")
				if note := page.text("form.filters [role=status]"); chosen != test.chosen || note != test.note || options.Length() != test.options {
					t.Errorf("%s?%s chooses %q of %d and says %q; want %q of %d and %q", log.path, test.query, chosen, options.Length(), note, test.chosen, test.options, test.note)
				}
				if live := page.doc.Find("[hx-trigger=refresh-list]").AttrOr("hx-get", ""); test.chosen != "" && !strings.Contains(live, log.field+"="+test.chosen) {
					t.Errorf("%s?%s refreshes from %q", log.path, test.query, live)
				}
			}
		}
	})
}
