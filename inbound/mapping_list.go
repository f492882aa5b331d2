package inbound

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"hookwell/webhook"
)

// ReadMappings reads a source's mappings as people write them: a JSON list. Its fault is
// at "mappings", with the line and column of what isn't JSON.
func ReadMappings(text []byte) ([]json.RawMessage, webhook.Faults) {
	var list []json.RawMessage
	err := json.Unmarshal(text, &list)
	if err == nil {
		return list, nil
	}
	message := "This must be a list of mappings: begin with [ and end with ]."
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		message = "This isn’t valid JSON. " + syntaxWords(text, syntax)
	}
	return nil, webhook.Faults{{Field: "mappings", Message: message}}
}

// syntaxWords say where JSON breaks, and by what.
func syntaxWords(text []byte, fault *json.SyntaxError) string {
	at := max(min(int(fault.Offset), len(text))-1, 0) // Offset counts the byte that doesn't fit
	before := text[:at]
	line, column := bytes.Count(before, []byte("\n"))+1, len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:])))+1
	if fault.Error() == "unexpected end of JSON input" {
		return fmt.Sprintf("It ends too early, in line %d: a bracket, a brace or a quotation mark isn’t closed.", line)
	}
	return fmt.Sprintf("Line %d, column %d: %s.", line, column, fault.Error())
}
