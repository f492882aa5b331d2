package web

import (
	"net/url"
	"testing"

	"hookwell/models"
	"hookwell/models/store"
)

// receivingRoutes are the pages of sources and of what they took in.
func receivingRoutes() []route {
	see, operate, administer := models.RightSee, models.RightOperate, models.RightAdminister
	return []route{
		{path: "/o/:org/sources", right: see}, {path: "/o/:org/sources/:source", right: see},
		{path: "/o/:org/requests", right: see}, {path: "/o/:org/requests/:request", right: see},
		{path: "/o/:org/replays", right: see}, {path: "/o/:org/requests/:request/body", right: operate},
		{path: "/o/:org/requests/replay", right: operate}, {path: "/o/:org/requests/export.ndjson", right: administer},
		{path: "/o/:org/requests/replay", right: operate, form: url.Values{"perSecond": {"5"}}},
		{path: "/o/:org/requests/:request/replay", right: operate}, {path: "/o/:org/requests/:request/replay", right: operate, form: url.Values{}},
		{path: "/o/:org/replays/:replay/cancel", right: operate, form: url.Values{}},
		{path: "/o/:org/sources/new", right: administer, query: "?provider=stripe"},
		{path: "/o/:org/sources", right: administer, form: url.Values{"provider": {"github"}, "name": {"GitHub"}}},
		{path: "/o/:org/sources/:source/edit", right: administer},
		{path: "/o/:org/sources/:source/edit", right: administer, form: url.Values{"name": {"Taken over"}, "maxBodyBytes": {"64"}}},
		{path: "/o/:org/sources/:source/mappings", right: administer},
		{path: "/o/:org/sources/:source/mappings", right: administer, form: url.Values{"mappings": {"[]"}}},
		{path: "/o/:org/sources/:source/secrets", right: administer},
		{path: "/o/:org/sources/:source/secrets", right: administer, form: url.Values{"secret": {"whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg"}}},
		{path: "/o/:org/sources/:source/secrets/:credential/end", right: administer, form: url.Values{"hours": {"0"}}},
		{path: "/o/:org/sources/:source/secrets/:credential/restore", right: administer, form: url.Values{}},
		{path: "/o/:org/sources/:source/rotate-url", right: administer, form: url.Values{"hours": {"48"}}},
		{path: "/o/:org/sources/:source/pause", right: administer, form: url.Values{}},
		{path: "/o/:org/sources/:source/resume", right: administer, form: url.Values{}},
		{path: "/o/:org/sources/:source/delete", right: administer, form: url.Values{}},
		{path: "/o/:org/sources/:source/accept", right: administer}, {path: "/o/:org/sources/:source/accept", right: administer, form: url.Values{"perSecond": {"5"}}},
		{path: "/o/:org/sources/:source/sample", right: administer, form: url.Values{"type": {"invoice.paid"}}},
		{path: "/o/:org/requests/:request/accept", right: administer, form: url.Values{}, ready: theRefused},
	}
}

// theRefused makes the request that was refused the one that the route is about.
func theRefused(_ *testing.T, _ *store.Store, _ *store.Tenant, ids rows) {
	ids["request"] = ids["refused"]
}
