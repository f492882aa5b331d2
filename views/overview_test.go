package views

import (
	"strings"
	"testing"

	"hookwell/models"
)

func TestOverview_needs_a_person(t *testing.T) {
	rows := sampleEndpoints()
	view := sampleOverview(OverviewPeriods()[0], rows)
	view.Needy, view.Needing = rows[:2], 42
	panel := parse(t, OverviewPart(samplePage(), view)).Find("[aria-labelledby=todo-title]")
	if n, head := panel.Find("li").Length(), panel.Find("header p").Text(); n != 2 || head != "42" {
		t.Errorf("the overview lists %d of %q that need a person; want 2 of 42", n, head)
	}
	foot := panel.Find("footer")
	if words, to := foot.Find("p").Text(), foot.Find("a").AttrOr("href", ""); words != "40 more" || to != EndpointsPath("acme")+"?sort=health" {
		t.Errorf("the rest is %q at %q; want 40 more at the endpoints, worst first", words, to)
	}
	if all := parse(t, OverviewPart(samplePage(), view)).Find("[aria-labelledby=endpoints-title] header a").Text(); all != "All 905" {
		t.Errorf("the list of endpoints leads to %q; want All 905", all)
	}

	plain := view.version()
	view.Needing++
	if view.version() == plain {
		t.Error("one more needs a person, and the part is not drawn anew")
	}
	view.Needy, view.Needing = nil, 0
	if text := parse(t, OverviewPart(samplePage(), view)).Find("[aria-labelledby=todo-title]").Text(); !strings.Contains(text, "Nothing") {
		t.Errorf("nothing needs a person, and the overview says %q", text)
	}
	notice := models.Notice{ID: "not_1", EndpointID: rows[0].Endpoint.ID, Endpoint: rows[0].Endpoint, Kind: models.NoticeFailing, Since: agoP(0), CreatedAt: sampleNow}
	view.Notices = []models.Notice{notice}
	if n := parse(t, OverviewPart(samplePage(), view)).Find("[aria-labelledby=todo-title]").Length(); n != 0 {
		t.Error("a notice says what is wrong, and the overview says that nothing needs a person")
	}
	view.Notices[0].Kind = models.NoticeRecovered
	if view.told() {
		t.Error("good news counts as what is wrong")
	}
}

func TestEndpointFilter_of_many(t *testing.T) {
	view := DeliveriesView{Endpoints: sampleChooser()}
	view.Endpoints.More = false
	if n := parse(t, DeliveriesPage(samplePage(), view)).Find("input[name=find]").Length(); n != 0 {
		t.Error("all endpoints are in the list, and there is a search for one")
	}
	view.Endpoints.Search, view.Query.Find = "bill", "bill"
	doc := parse(t, DeliveriesPage(samplePage(), view))
	if got := doc.Find("form.filters input[name=find]").AttrOr("value", ""); got != "bill" {
		t.Errorf("the search holds %q; want bill", got)
	}
	if got := doc.Find("form.filters [role=status]").Text(); got != "5 endpoints match “bill”. Choose one." {
		t.Errorf("the search says %q", got)
	}
	view.Query.EndpointID = "ep_bill"
	doc = parse(t, DeliveriesPage(samplePage(), view))
	if got := doc.Find("form.filters [role=status]").Length(); got != 0 {
		t.Error("one is chosen, and the search asks for a choice")
	}
	chip := doc.Find(".chip")
	if !strings.Contains(chip.Text(), "Billing sync") || chip.Find("a").AttrOr("href", "") != DeliveriesPath("acme") {
		t.Errorf("the chip says %q and leads to %q", chip.Text(), chip.Find("a").AttrOr("href", ""))
	}
	for _, test := range []struct {
		choices models.EndpointChoices
		want    string
	}{
		{models.EndpointChoices{}, "No endpoint has “x” in its name or URL."},
		{models.EndpointChoices{Rows: make([]models.EndpointChoice, models.MostChoices), More: true}, "More than 50 endpoints match “x”. Write more of the name or URL."},
	} {
		if got := (EndpointChooser{test.choices, "x"}).searchNote(""); got != test.want {
			t.Errorf("%d found: %q; want %q", len(test.choices.Rows), got, test.want)
		}
	}
}
