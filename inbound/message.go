package inbound

import (
	"errors"
	"fmt"
	"strings"
)

type partKind byte

const (
	partLiteral partKind = iota
	partBody
	partTimestamp
	partURL
	partMethod
	partHeader
)

// messagePart is one piece of what is signed.
type messagePart struct {
	kind partKind
	text string // the literal, or the header's name
}

// message is a compiled message template.
type message []messagePart

// maxMessageParts bounds a template, and so what one check writes.
const maxMessageParts = 32

func (m message) count(kind partKind) (n int) {
	for _, part := range m {
		if part.kind == kind {
			n++
		}
	}
	return n
}

// parseMessage compiles a template. Its error continues the sentence "The message
// ...".
func parseMessage(template string) (message, error) {
	if template == "" {
		return nil, errors.New("is required")
	}
	if len(template) > maxSchemeText || !printableRun.MatchString(template) {
		return nil, fmt.Errorf("has at most %d printable ASCII characters", maxSchemeText)
	}
	var parts message
	for rest := template; rest != ""; {
		open := strings.IndexAny(rest, "{}")
		if open != 0 {
			if open < 0 {
				open = len(rest)
			}
			parts = append(parts, messagePart{partLiteral, rest[:open]})
			rest = rest[open:]
			continue
		}
		name, after, closed := strings.Cut(rest[1:], "}")
		if rest[0] == '}' || !closed {
			return nil, errors.New("has a brace without its partner")
		}
		part, err := placeholder(name)
		if err != nil {
			return nil, err
		}
		parts, rest = append(parts, part), after
	}
	if len(parts) > maxMessageParts {
		return nil, fmt.Errorf("has at most %d parts", maxMessageParts)
	}
	return parts, nil
}

func placeholder(name string) (messagePart, error) {
	switch name {
	case "body":
		return messagePart{kind: partBody}, nil
	case "timestamp":
		return messagePart{kind: partTimestamp}, nil
	case "url":
		return messagePart{kind: partURL}, nil
	case "method":
		return messagePart{kind: partMethod}, nil
	}
	if header, ok := strings.CutPrefix(name, "header:"); ok && headerName.MatchString(header) {
		return messagePart{partHeader, header}, nil
	}
	return messagePart{}, errors.New("has only {body}, {timestamp}, {url}, {method} and {header:NAME} in braces")
}

// ambiguous reports whether a header's value contains the text beside its place,
// so that the same bytes could have been signed for other values.
func (m message) ambiguous(i int, value string) bool {
	if value == "" {
		return true
	}
	if i > 0 && m[i-1].kind == partLiteral && strings.Contains(value, m[i-1].text) {
		return true
	}
	return i+1 < len(m) && m[i+1].kind == partLiteral && strings.Contains(value, m[i+1].text)
}
