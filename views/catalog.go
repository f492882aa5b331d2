package views

import (
	"hookwell/models"
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
// on the list itself. Counts says how many endpoints subscribe to a type,
// Subscribers which ones to the chosen type.
type CatalogView struct {
	Categories  []webhook.Category
	Chosen      *webhook.EventType
	Tab         CatalogTab
	Counts      map[string]int
	Subscribers []models.Endpoint
}

func (v CatalogView) total() int {
	n := 0
	for _, category := range v.Categories {
		n += len(category.Types)
	}
	return n
}
