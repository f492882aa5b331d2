package web

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"hookwell/models"
)

func TestAudit_page_and_export(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		b, org := s.member(t, "Acme", models.RoleOwner)
		guest, _ := s.member(t, org.ID, models.RoleGuest)
		path := "/o/" + org.Slug + "/audit"
		wantStatus(t, b.post(t, "/o/"+org.Slug+"/keys", url.Values{"name": {"=HYPERLINK(\"http://evil\")"}, "scopes": {"read"}}), http.StatusCreated)
		wantStatus(t, b.post(t, "/o/"+org.Slug+"/keys", url.Values{"name": {"Zoë, Ltd"}, "scopes": {"write"}}), http.StatusCreated)
		tenant := s.tenantOf(t, org)
		for i := range models.MaxLimit + 30 {
			_, _, err := tenant.CreateKey(t.Context(), models.NewKey{Name: "k" + strconv.Itoa(i), Scopes: []string{"read"}})
			must(t, err)
		}

		page := b.get(t, path)
		wantStatus(t, page, http.StatusOK)
		if page.doc.Find("tbody tr").Length() != models.DefaultLimit || !strings.Contains(page.text("tbody"), "command line created the API key k"+strconv.Itoa(models.MaxLimit+29)) {
			t.Errorf("%d rows: %s", page.doc.Find("tbody tr").Length(), page.text("tbody tr:first-child"))
		}
		older, _ := page.doc.Find(".panel__foot a").Attr("href")
		if second := b.get(t, older); second.doc.Find("tbody tr").Length() != models.DefaultLimit || second.text("tbody tr:first-child") == page.text("tbody tr:first-child") {
			t.Errorf("the second page: %s", second.text("tbody tr:first-child"))
		}

		own := b.get(t, path+"?by=user&action=key.created")
		if own.doc.Find("tbody tr").Length() != 2 || !strings.Contains(own.text("tbody"), "Ada owner created the API key Zoë, Ltd") || !strings.Contains(own.text("tbody"), "127.0.0.1") {
			t.Errorf("what people did: %s", own.text("tbody"))
		}
		actor, _ := own.doc.Find("tbody a[href*='actor=']").First().Attr("href")
		if by := b.get(t, actor); by.doc.Find("tbody tr").Length() < 2 || strings.Contains(by.text("tbody"), "command line") || by.text(".chip") == "" {
			t.Errorf("by one actor: %s", by.text("tbody"))
		}
		target, _ := own.doc.Find("tbody a[href*='target=']").First().Attr("href")
		if of := b.get(t, target); of.doc.Find("tbody tr").Length() != 1 {
			t.Errorf("of one key: %s", of.text("tbody"))
		}
		if none := b.get(t, path+"?until=2020-01-01"); none.text("h2") != "No entry matches" {
			t.Errorf("before all: %s", none.text("main"))
		}
		wantStatus(t, b.get(t, path+"?since=yesterday"), http.StatusUnprocessableEntity)

		export := b.get(t, path+"/export.csv")
		if got := export.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/csv; charset=utf-8") || !strings.Contains(export.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s, %s", got, export.Header.Get("Content-Disposition"))
		}
		lines, err := csv.NewReader(strings.NewReader(export.body)).ReadAll()
		must(t, err)
		var entries int
		must(t, s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM audit_entries WHERE organization_id = '"+org.ID+"'").Scan(&entries))
		if len(lines) != entries+1 || lines[0][0] != "time" {
			t.Errorf("%d lines for %d entries", len(lines), entries)
		}
		last := lines[len(lines)-1]
		if last[5] != "organization.created" {
			t.Errorf("the oldest entry: %v", last)
		}
		for _, line := range lines[1:] {
			if strings.Contains(strings.Join(line, " "), "HYPERLINK") && line[8] != `'=HYPERLINK("http://evil")` {
				t.Errorf("a formula: %q", line[8])
			}
		}
		if narrowed := b.get(t, path+"/export.csv?by=user&action=key.created"); strings.Count(narrowed.body, "\n") != 3 {
			t.Errorf("the filtered export: %s", narrowed.body)
		}

		// Refusals are noted, and once.
		for range 3 {
			wantStatus(t, guest.get(t, path), http.StatusForbidden)
		}
		refused := b.get(t, path+"?action=access.refused")
		if refused.doc.Find("tbody tr").Length() != 1 || refused.text("tbody .sentence") != "Refused: Ada guest was refused: GET /o/:org/audit" || refused.text("tbody td:nth-child(2)") != "as guest" {
			t.Errorf("refusals: %s", refused.text("tbody"))
		}

		// An actor who is gone keeps their name.
		s.exec(t, "DELETE FROM members")
		s.exec(t, "DELETE FROM sessions")
		s.exec(t, "UPDATE users SET name = 'gone'")
		list, _, err := tenant.Audit(t.Context(), models.AuditFilter{By: models.ActorUser, Action: "key.created"}, models.Page{})
		if err != nil || len(list) != 2 || list[0].ActorName != "Ada owner" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestHarmless(t *testing.T) {
	for cell, want := range map[string]string{"": "", "Billing": "Billing", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
		"\t=1": "'\t=1", "\r=1": "'\r=1", "＝1": "'＝1", "a=1": "a=1", "é": "é"} {
		if got := harmless(cell); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
	}
}
