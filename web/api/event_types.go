package api

import (
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/webhook"
)

type eventTypeAnswer struct {
	Type        string         `json:"type" jsonschema:"Its name."`
	Category    string         `json:"category" jsonschema:"Its category."`
	Description string         `json:"description" jsonschema:"What it tells."`
	FiresWhen   string         `json:"firesWhen" jsonschema:"When it fires."`
	Schema      jsontext.Value `json:"schema" jsonschema:"The JSON Schema of its data."`
	Example     jsontext.Value `json:"example" jsonschema:"Data that fits the schema."`
}

func shapeEventType(t **webhook.EventType) eventTypeAnswer {
	e := *t
	return eventTypeAnswer{Type: e.Type, Category: e.Category, Description: e.Description, FiresWhen: e.FiresWhen,
		Schema: jsontext.Value(e.Schema), Example: jsontext.Value(e.Example)}
}

// mayReadCatalog lets every key read what is the same for every organization:
// only one that is named has to be right.
func (c *call) mayReadCatalog() error {
	if c.Query(organizationField) == "" {
		return nil
	}
	_, err := c.tenant()
	return err
}

func (a *API) eventTypeList(c *call) error {
	if err := c.mayReadCatalog(); err != nil {
		return err
	}
	if err := c.query().err(); err != nil {
		return err
	}
	return answerList(c, a.Store.Catalog().Types(), "", shapeEventType)
}

func (a *API) eventTypeRead(c *call) error {
	if err := c.mayReadCatalog(); err != nil {
		return err
	}
	t, ok := a.Store.Catalog().Lookup(c.Params("type"))
	if !ok {
		return &models.Error{Kind: models.NotFound, Code: "not_found", Message: "There is no such event type."}
	}
	return c.answer(fiber.StatusOK, shapeEventType(&t))
}
