package inbound

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// step is one step of a path: a name, an index, or every element.
type step struct {
	name  string
	index int // -1 for a name, every for [*]
}

const every = -2

// path leads to a value in a JSON document.
type path []step

// Limits of paths.
const (
	maxPathText  = 300
	maxPathSteps = 20
	maxPathIndex = 9999
)

var errPathForm = errors.New("is a path such as $.data.items[0].id: a $, then names after dots and numbers in brackets")

// parsePath reads a path of names and indices. Its error continues the sentence
// "The path ...".
func parsePath(text string) (path, error) {
	p, err := parsePathEvery(text)
	if err != nil {
		return nil, err
	}
	for _, s := range p {
		if s.index == every {
			return nil, errPathForm
		}
	}
	return p, nil
}

// parsePathEvery reads a path that may have [*].
func parsePathEvery(text string) (path, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, errPathForm
	}
	if len(text) > maxPathText {
		return nil, fmt.Errorf("has at most %d characters", maxPathText)
	}
	p := path{}
	for rest != "" {
		s, after, err := parseStep(rest)
		if err != nil {
			return nil, err
		}
		p, rest = append(p, s), after
	}
	if len(p) > maxPathSteps {
		return nil, fmt.Errorf("has at most %d steps", maxPathSteps)
	}
	return p, nil
}

func parseStep(text string) (step, string, error) {
	if rest, ok := strings.CutPrefix(text, "."); ok {
		end := strings.IndexAny(rest, ".[]")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return step{}, "", errPathForm
		}
		return step{rest[:end], -1}, rest[end:], nil
	}
	inside, after, closed := strings.Cut(strings.TrimPrefix(text, "["), "]")
	if text[0] != '[' || !closed {
		return step{}, "", errPathForm
	}
	if inside == "*" {
		return step{"", every}, after, nil
	}
	index, err := strconv.Atoi(inside)
	if err != nil || index < 0 || index > maxPathIndex || strconv.Itoa(index) != inside {
		return step{}, "", errPathForm
	}
	return step{"", index}, after, nil
}

// in returns the value at the path of a decoded document, and whether there is
// one. A null is none.
func (p path) in(value any) (any, bool) {
	for _, s := range p {
		switch within := value.(type) {
		case map[string]any:
			if s.index >= 0 {
				return nil, false
			}
			value = within[s.name]
		case []any:
			if s.index < 0 || s.index >= len(within) {
				return nil, false
			}
			value = within[s.index]
		default:
			return nil, false
		}
	}
	return value, value != nil
}

// under reports whether the path is prefix, or leads to something inside of it.
func (p path) under(prefix path) bool {
	if len(p) < len(prefix) {
		return false
	}
	for i := range prefix {
		if p[i] != prefix[i] {
			return false
		}
	}
	return true
}
