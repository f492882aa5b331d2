package views

import (
	"strings"
	"testing"
	"time"

	"hookwell/models"
)

func TestOverview_tells_of_each_endpoint_once(t *testing.T) {
	rows := sampleEndpoints()
	view := sampleOverview(OverviewPeriods()[0], rows)
	list, all := view.todos(samplePage())
	if all == 0 || view.told() {
		t.Fatalf("%d, told %v", all, view.told())
	}
	id := strings.TrimPrefix(list[0].path, EndpointPath("acme", ""))
	at := 0
	for i := range rows {
		if rows[i].Endpoint.ID == id {
			at = i
		}
	}
	notice := models.Notice{ID: "not_1", EndpointID: rows[at].Endpoint.ID, Endpoint: rows[at].Endpoint, Kind: models.NoticeFailing, Since: agoP(48 * time.Hour), CreatedAt: sampleNow}
	plain := view.version()
	view.Notices = []models.Notice{notice}
	if _, fewer := view.todos(samplePage()); fewer != all-1 || view.version() == plain {
		t.Errorf("%d need a person, %d do beside the notice; or the part would not be drawn anew", all, fewer)
	}
	view.Notices[0].Kind = models.NoticeRecovered
	if _, same := view.todos(samplePage()); same != all || view.told() {
		t.Error("good news hides what is wrong")
	}
}
