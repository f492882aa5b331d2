package web

import (
	"net/url"
	"testing"

	"hookwell/models"
)

func TestAppearance(t *testing.T) {
	s := newSite(t, nil)
	b, org := s.member(t, "Acme", models.RoleOwner)
	path := "/o/" + org.Slug + "/catalog"
	wantLocation(t, b.post(t, "/appearance", url.Values{"theme": {"dark"}, "next": {path}}), path)
	if got := b.get(t, path).doc.Find("html").AttrOr("data-theme", ""); got != "dark" {
		t.Errorf("the theme is %q", got)
	}
	wantLocation(t, b.post(t, "/appearance", url.Values{"theme": {"\"><script>"}, "next": {"//evil.example"}}), "/")
	if got := b.get(t, path).doc.Find("html").AttrOr("data-theme", ""); got != "" {
		t.Errorf("the theme is %q", got)
	}
}
