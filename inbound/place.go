package inbound

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// maxPlaceText is how much of a mapping Place returns at most.
const maxPlaceText = 500

// Place returns what a person wrote at the place where a mapping failed, such as
// {"path":"$.total"} or a condition, as one line of at most 500 bytes. It is empty
// if the error is about no such place. The list is the one that was compiled.
func (e *MappingError) Place(list []json.RawMessage) string {
	at, rest := -1, e.Field
	if index, after, ok := strings.Cut(strings.TrimPrefix(e.Field, "mappings["), "]"); ok && index != e.Field {
		if n, err := strconv.Atoi(index); err == nil {
			at, rest = n, after
		}
	}
	for i := 0; at < 0 && i < len(list); i++ { // a condition's place doesn't say in which mapping it is
		var named struct{ Name string }
		if json.Unmarshal(list[i], &named) == nil && named.Name == e.Mapping {
			at, rest = i, "."+e.Field
		}
	}
	if at < 0 || at >= len(list) {
		return ""
	}
	return placeIn(list[at], rest)
}

// placeIn returns the text below a JSON value. A member's name may itself have dots,
// so the longest one that fits is taken.
func placeIn(text json.RawMessage, rest string) string {
	if rest == "" {
		var line bytes.Buffer
		if json.Compact(&line, text) != nil {
			return ""
		}
		return strings.ToValidUTF8(line.String()[:min(line.Len(), maxPlaceText)], "")
	}
	if index, after, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]"); ok && rest[0] == '[' {
		var elements []json.RawMessage
		n, err := strconv.Atoi(index)
		if err != nil || json.Unmarshal(text, &elements) != nil || n < 0 || n >= len(elements) {
			return ""
		}
		return placeIn(elements[n], after)
	}
	var members map[string]json.RawMessage
	if rest[0] != '.' || json.Unmarshal(text, &members) != nil {
		return ""
	}
	found := ""
	for name := range members {
		after, ok := strings.CutPrefix(rest[1:], name)
		if ok && len(name) > len(found) && (after == "" || after[0] == '.' || after[0] == '[') {
			found = name
		}
	}
	if found == "" {
		return ""
	}
	return placeIn(members[found], rest[1+len(found):])
}
