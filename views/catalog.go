package views

import (
	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// CatalogTab is a side of an event type's page, as ?tab= names it.
type CatalogTab string

// The tabs; the example is the first and the default.
const (
	TabExample   CatalogTab = ""
	TabSchema    CatalogTab = "schema"
	TabVerify    CatalogTab = "verify"
	TabEndpoints CatalogTab = "endpoints"
)

// CatalogView is the catalog with, at its side, one event type. Chosen is nil
// on the list itself. Counts says how many endpoints subscribe to a type.
// Subscribers are the first by name of those that subscribe to the chosen type,
// on TabEndpoints alone.
type CatalogView struct {
	Categories  []webhook.Category
	Chosen      *webhook.EventType
	Tab         CatalogTab
	Counts      map[string]int
	Subscribers []models.Endpoint
}

// subscribed returns how many endpoints subscribe to the chosen type.
func (v CatalogView) subscribed() int { return v.Counts[v.Chosen.Type] }

func (v CatalogView) total() int {
	n := 0
	for _, category := range v.Categories {
		n += len(category.Types)
	}
	return n
}

type catalogTab struct {
	tab   CatalogTab
	title string
}

func (v CatalogView) tabs() []catalogTab {
	return []catalogTab{{TabExample, "Example"}, {TabSchema, "Schema"}, {TabVerify, "Verify"}, {TabEndpoints, "Endpoints"}}
}

func (t catalogTab) path(slug, eventType string) string {
	path := EventTypePath(slug, eventType)
	if t.tab != TabExample {
		path += "?tab=" + string(t.tab)
	}
	return path + "#" + catalogTypeID
}

func (v CatalogView) title() string {
	if v.Chosen == nil {
		return "Catalog"
	}
	return v.Chosen.Type
}

func (v CatalogView) crumbs(slug string) []crumb {
	if v.Chosen == nil {
		return []crumb{{text: "Catalog"}}
	}
	return []crumb{{text: "Catalog", href: CatalogPath(slug)}, {text: v.Chosen.Type, mono: true}}
}

// summary returns "22 event types in 5 categories."
func (v CatalogView) summary() string {
	categories := "1 category"
	if n := len(v.Categories); n != 1 {
		categories = ui.FormatCount(n) + " categories"
	}
	return ui.Plural(v.total(), "event type") + " in " + categories + "."
}

// exampleEnvelope returns the example as a receiver gets it.
func exampleEnvelope(page Page, t *webhook.EventType) string {
	envelope := webhook.Envelope{
		EventID: "evt_0198f6c2a7b47e1c9d3f5a6b7c8d9e0f", Type: t.Type, Timestamp: t.ExampleTimestamp,
		OrganizationID: page.Organization.PublicID(), Data: t.Example,
	}
	body, err := envelope.Bytes()
	if err != nil {
		return string(t.Example)
	}
	return indentJSON(body)
}
