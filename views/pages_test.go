package views

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"hookwell/models"
	"hookwell/static"
)

// eachSample runs a check on every page and partial.
func eachSample(t *testing.T, check func(t *testing.T, doc *goquery.Document)) {
	t.Helper()
	for name, component := range samples(t) {
		t.Run(name, func(t *testing.T) { check(t, parse(t, component)) })
	}
}

func name(s *goquery.Selection) string {
	html, _ := goquery.OuterHtml(s)
	return html[:min(len(html), 160)]
}

func whole(doc *goquery.Document) bool { return doc.Find("title").Text() != "" }

func TestPages_keep_to_the_content_security_policy(t *testing.T) {
	eachSample(t, func(t *testing.T, doc *goquery.Document) {
		doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, attribute := range s.Nodes[0].Attr {
				if attribute.Key == "style" || strings.HasPrefix(attribute.Key, "on") || strings.HasPrefix(attribute.Key, "hx-on") {
					t.Errorf("%s has an attribute %s", name(s), attribute.Key)
				}
				if attribute.Key == "hx-vals" || strings.Contains(attribute.Val, "javascript:") {
					t.Errorf("%s would run a script", name(s))
				}
			}
		})
		if n := doc.Find("style").Length(); n > 0 {
			t.Errorf("%d style elements", n)
		}
		doc.Find("script").Each(func(_ int, s *goquery.Selection) {
			if s.Text() != "" || s.AttrOr("nonce", "") != "nonce" || !strings.HasPrefix(s.AttrOr("src", ""), "/static/") {
				t.Errorf("%s is no script of ours with a nonce", name(s))
			}
		})
	})
}

func TestPages_name_every_control(t *testing.T) {
	eachSample(t, func(t *testing.T, doc *goquery.Document) {
		doc.Find("input:not([type=hidden]):not([type=submit]), select, textarea").Each(func(_ int, s *goquery.Selection) {
			labelled := s.AttrOr("aria-label", "") != "" || s.Closest("label").Length() > 0
			if id := s.AttrOr("id", ""); id != "" && doc.Find("label[for='"+id+"']").Length() == 1 {
				labelled = true
			}
			if !labelled {
				t.Errorf("%s has no label", name(s))
			}
		})
		doc.Find("a, button, summary").Each(func(_ int, s *goquery.Selection) {
			if strings.TrimSpace(s.Text()) == "" && s.AttrOr("aria-label", "") == "" {
				t.Errorf("%s has no name", name(s))
			}
		})
		doc.Find("svg").Each(func(_ int, s *goquery.Selection) {
			told := s.AttrOr("role", "") == "img" && s.AttrOr("aria-label", "") != ""
			if s.AttrOr("aria-hidden", "") != "true" && !told {
				t.Errorf("%s is neither hidden from readers nor told to them", name(s))
			}
		})
	})
}

func TestPages_carry_the_token_in_every_form_that_changes_something(t *testing.T) {
	eachSample(t, func(t *testing.T, doc *goquery.Document) {
		doc.Find("form").Each(func(_ int, s *goquery.Selection) {
			token, has := s.Find("input[type=hidden][name=_csrf]").Attr("value")
			if posts := s.AttrOr("method", "get") == "post"; posts != has || has && token != "csrf-token" {
				t.Errorf("%s: method post is %v, has the token is %v", name(s), posts, has)
			}
		})
		if whole(doc) && !strings.Contains(doc.Find("body").AttrOr("hx-headers", ""), `"X-CSRF-Token":"csrf-token"`) {
			t.Error("htmx would not send the token")
		}
	})
}

func TestPages_hold_together(t *testing.T) {
	eachSample(t, func(t *testing.T, doc *goquery.Document) {
		if !whole(doc) {
			return
		}
		seen := map[string]bool{}
		doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
			id := s.AttrOr("id", "")
			if seen[id] {
				t.Errorf("id %q stands twice", id)
			}
			seen[id] = true
		})
		for _, attribute := range []string{"for", "aria-labelledby", "aria-describedby", "popovertarget", "commandfor", "data-copy-from"} {
			doc.Find("[" + attribute + "]").Each(func(_ int, s *goquery.Selection) {
				for _, id := range strings.Fields(s.AttrOr(attribute, "")) {
					if !seen[id] {
						t.Errorf("%s: %s names %q, which is not on the page", name(s), attribute, id)
					}
				}
			})
		}
		doc.Find("a[href^='#']").Each(func(_ int, s *goquery.Selection) {
			if !seen[strings.TrimPrefix(s.AttrOr("href", ""), "#")] {
				t.Errorf("%s leads nowhere", name(s))
			}
		})
		if n := doc.Find("h1").Length(); n != 1 {
			t.Errorf("%d h1", n)
		}
		if n := doc.Find("#main .btn--primary").Length(); n > 1 {
			t.Errorf("%d primary buttons", n)
		}
	})
}

func TestPages_use_icons_that_exist(t *testing.T) {
	content, err := static.Files.ReadFile("icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	var icons struct {
		Symbols []struct {
			ID string `xml:"id,attr"`
		} `xml:"symbol"`
	}
	if err := xml.Unmarshal(content, &icons); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, symbol := range icons.Symbols {
		known[symbol.ID] = true
	}
	eachSample(t, func(t *testing.T, doc *goquery.Document) {
		doc.Find("use").Each(func(_ int, s *goquery.Selection) {
			file, id, _ := strings.Cut(s.AttrOr("href", ""), "#")
			if file != static.Path("icons.svg") || !known[id] {
				t.Errorf("no icon %q", s.AttrOr("href", ""))
			}
		})
	})
}

func TestPages_offer_only_what_the_role_may_do(t *testing.T) {
	for _, c := range []struct {
		role models.Role
		want map[string]bool
	}{
		{models.RoleGuest, map[string]bool{"test": false, "edit": false, "keys": false, "delete": false}},
		{models.RoleMember, map[string]bool{"test": true, "edit": false, "keys": false, "delete": false}},
		{models.RoleAdmin, map[string]bool{"test": true, "edit": true, "keys": true, "delete": true}},
		{models.RoleOwner, map[string]bool{"test": true, "edit": true, "keys": true, "delete": true}},
	} {
		t.Run(string(c.role), func(t *testing.T) {
			page := samplePage()
			page.Role = c.role
			doc := parse(t, EndpointPage(page, sampleEndpointView(t)))
			got := map[string]bool{
				"test":   doc.Find("#"+TestFormID).Length() > 0,
				"edit":   doc.Find("a[href='"+EndpointEditPath("acme", "ep_crm")+"']").Length() > 0,
				"keys":   doc.Find("a[href='"+KeysPath("acme")+"']").Length() > 0,
				"delete": doc.Find("form[action='"+EndpointDeletePath("acme", "ep_crm")+"']").Length() > 0,
			}
			for what, want := range c.want {
				if got[what] != want {
					t.Errorf("%s is offered: %v", what, got[what])
				}
			}
			if doc.Find("form[action='"+DeliveryResendPath("acme", "dlv_1")+"']").Length() > 0 {
				t.Error("a resend is offered here")
			}
		})
	}
}

func TestLayout(t *testing.T) {
	t.Run("the_theme_is_on_the_root", func(t *testing.T) {
		page := samplePage()
		for theme, want := range map[Theme]string{ThemeSystem: "none", ThemeLight: "light", ThemeDark: "dark"} {
			page.Theme = theme
			doc := parse(t, KeysPage(page, KeysView{}))
			if got := doc.Find("html").AttrOr("data-theme", "none"); got != want {
				t.Errorf("theme %q: data-theme %q", theme, got)
			}
			if got := doc.Find("form[action='/appearance'] input[name=theme]").AttrOr("value", "none"); got != string(theme.Next()) {
				t.Errorf("theme %q leads to %q", theme, got)
			}
		}
	})
	t.Run("a_flash_is_a_toast", func(t *testing.T) {
		page := samplePage()
		page.Flash = &Flash{FlashFailed, "Nothing was <b>sent</b>."}
		toast := parse(t, KeysPage(page, KeysView{})).Find("#toasts .toast.is-failed span")
		if toast.Text() != "Nothing was <b>sent</b>." {
			t.Errorf("toast %q", toast.Text())
		}
	})
	t.Run("the_present_page_is_marked", func(t *testing.T) {
		doc := parse(t, DeliveriesPage(samplePage(), DeliveriesView{}))
		if got := doc.Find(".nav__link[aria-current=page]").Text(); strings.TrimSpace(got) != "Deliveries" {
			t.Errorf("marked %q", got)
		}
		if got := doc.Find("title").Text(); got != "Deliveries · Hookwell" {
			t.Errorf("title %q", got)
		}
	})
	t.Run("a_secret_stands_only_where_it_was_given", func(t *testing.T) {
		view := sampleEndpointView(t)
		if parse(t, EndpointPage(samplePage(), view)).Find(".secret").Length() != 0 {
			t.Error("a secret without one being given")
		}
		view.Secret = sampleSecret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
		secret := parse(t, EndpointPage(samplePage(), view)).Find(".secret")
		if secret.Text() != view.Secret.Reveal() {
			t.Errorf("secret %q", secret.Text())
		}
	})
}

func TestFailurePage(t *testing.T) {
	doc := parse(t, FailurePage(samplePage(), Failure{Status: 500, RequestID: "req_9"}))
	if doc.Find("nav.nav").Length() != 1 || doc.Find("[data-copy=req_9]").Length() != 1 {
		t.Error("inside an organization the page lacks its navigation or the request's id")
	}
	doc = parse(t, FailurePage(signedOut(), Failure{Status: 404}))
	if doc.Find("nav.nav").Length() != 0 || doc.Find("h1").Text() != "There is no such page" {
		t.Error("at the door the page shows a navigation or no reason")
	}
}
