package models

import (
	"regexp"
	"strings"
)

// mappingPlace is the beginning of a mapping's error: the mapping's name, and the field
// or the type that it is about. None of it is from the request.
var mappingPlace = regexp.MustCompile(`^[a-z0-9_]+: (?:[A-Za-z0-9_.\[\]]+|what it makes doesn’t fit [a-z0-9_.]+)(?:: )`)

// ErrorPlace returns what failed, for people who may not see the request's body: the
// mapping and the place in it. What Error says beyond that may quote the body. It is
// empty if Error is.
func (r *Request) ErrorPlace() string {
	switch place := mappingPlace.FindString(r.Error); {
	case r.Error == "":
		return ""
	case r.Reason == ReasonNoOrganization:
		return "The organization that the request names isn’t known."
	case r.Reason == ReasonMappingFailed && place != "":
		return strings.TrimSuffix(place, ": ") + "."
	}
	return "Members see what failed."
}
