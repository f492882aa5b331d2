package api

import (
	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"hookwell/models"
	"hookwell/models/store"
)

// exportedLine is one line of an export, in the shapes of the API. One field is set.
type exportedLine struct {
	Source    *exportedSource   `json:"source,omitzero"`
	Reference map[string]string `json:"reference,omitzero"`
	Request   *receivedAlone    `json:"request,omitzero"`
	Event     *eventAnswer      `json:"event,omitzero"`
}

// exportedSource is a source without its URL, which is good for sending to it.
type exportedSource struct {
	sourceAnswer
	URL string `json:"url,omitzero"`
}

// ExportLine writes one line of an export of what sources received: JSON in the
// shapes of the API, under what it is. It has no secret and no source's URL. It fails
// if what is stored can't be written as JSON.
func (a *API) ExportLine(line store.Exported) ([]byte, error) {
	var shape exportedLine
	switch {
	case line.Source != nil:
		shape.Source = &exportedSource{sourceAnswer: a.shapeSource(line.Source)}
	case line.Reference != nil:
		shape.Reference = map[string]string{line.Reference.Name: line.Reference.Value}
	case line.Request != nil:
		request := shapeRequestAlone(line.Request)
		shape.Request = &request
	case line.Event != nil:
		event := shapeEvent(line.Event)
		if line.Event.Origin == models.OriginMapped {
			var err error
			if event.Data, err = eventData(line.Event); err != nil {
				return nil, err
			}
		}
		shape.Event = &event
	}
	return jsonx.Marshal(shape, jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true), jsontext.AllowDuplicateNames(true))
}
