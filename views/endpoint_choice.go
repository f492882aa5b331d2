package views

import (
	"hookwell/models"
	"hookwell/views/ui"
)

// EndpointChooser is the filter of a log by endpoint. Search is what was typed to
// find one, and then the choices are what it finds.
type EndpointChooser struct {
	models.EndpointChoices
	Search string
}

// searchable reports whether there is a field to find an endpoint by: a list of
// all would be too long.
func (c EndpointChooser) searchable() bool { return c.More || c.Search != "" }

// title returns the name of the endpoint that a log is narrowed to.
func (c EndpointChooser) title(id string) string {
	if row, ok := c.Find(id); ok {
		return choiceName(row)
	}
	return ui.ShortID(id)
}

// choiceName is endpointName of a choice.
func choiceName(c models.EndpointChoice) string { return bareURL(c.Title()) }

// searchNote says what a search found where that is not one endpoint.
func (c EndpointChooser) searchNote(chosen string) string {
	switch n := len(c.Rows); {
	case c.Search == "" || chosen != "":
		return ""
	case n == 0:
		return "No endpoint has “" + c.Search + "” in its name or URL."
	case c.More:
		return "More than " + ui.FormatCount(models.MostChoices) + " endpoints match “" + c.Search + "”. Write more of the name or URL."
	default:
		return ui.Plural(n, "endpoint") + " " + matchWord(n) + " “" + c.Search + "”. Choose one."
	}
}
