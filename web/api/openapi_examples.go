package api

import (
	_ "embed"
	"encoding/json"
)

// answerExamples are answers as they may look, by their schemas' names.
//
//go:embed openapi_answers.json
var answerExamples []byte

// exampleOf is an answer of the operation.
func exampleOf(o operation) any {
	var examples map[string]json.RawMessage
	if err := json.Unmarshal(answerExamples, &examples); err != nil {
		panic(err) // the file is the build's own, and the tests read it
	}
	one := examples[o.answer]
	if o.answer == "Endpoint" && (o.status == 201 || o.id == "rotateSecret") {
		one = examples["EndpointWithSecret"]
	}
	if !o.list {
		return one
	}
	return object{"data": []json.RawMessage{one}, "nextCursor": nil}
}
