package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// answerExamples are answers as they may look, by their schemas' names.
//
//go:embed openapi_answers.json
var answerExamples []byte

// exampleOf returns an answer of the operation.
func exampleOf(o operation) (json.RawMessage, error) {
	var examples map[string]json.RawMessage
	if err := json.Unmarshal(answerExamples, &examples); err != nil {
		return nil, fmt.Errorf("reading the examples of answers: %w", err)
	}
	one := examples[o.answer]
	if o.answer == "Endpoint" && (o.status == 201 || o.id == "rotateSecret") {
		one = examples["EndpointWithSecret"]
	}
	if !o.list {
		return one, nil
	}
	return json.Marshal(pageOf[json.RawMessage]{Data: []json.RawMessage{one}})
}
