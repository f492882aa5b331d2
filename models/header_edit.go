package models

import (
	"slices"
	"strings"

	"hookwell/webhook"
)

// HeaderEdit changes some of an endpoint's own headers and leaves the others,
// whose values nobody but the store knows. Names compare without regard to case.
type HeaderEdit struct {
	Set    []webhook.Header // added, or given a new value
	Remove []string
}

// apply answers the headers after the edit. A header that is set twice stands
// twice, which is refused where headers are checked.
func (h *HeaderEdit) apply(kept []webhook.Header) []webhook.Header {
	headers := slices.DeleteFunc(slices.Clone(kept), func(k webhook.Header) bool {
		same := func(name string) bool { return strings.EqualFold(name, k.Name) }
		return slices.ContainsFunc(h.Remove, same)
	})
	had := len(headers)
	for _, set := range h.Set {
		at := slices.IndexFunc(headers[:had], func(k webhook.Header) bool { return strings.EqualFold(k.Name, set.Name) })
		if at >= 0 {
			headers[at] = set
			continue
		}
		headers = append(headers, set)
	}
	return append([]webhook.Header{}, headers...) // never nil, which would keep all
}
