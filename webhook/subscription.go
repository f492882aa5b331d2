package webhook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Subscriptions are the event types that an endpoint wants: "*" for all, "org.*"
// for all that begin with "org.", or exact types. ParseSubscriptions returns them
// sorted, and none covers another.
type Subscriptions []string

// ParseSubscriptions checks an endpoint's subscriptions. Its faults are at the
// field "eventTypes": nothing chosen, a type that the catalog does not have, or a
// prefix that none of its types has. It accepts patterns that the endpoint
// already has, even if the catalog lost their types. It drops patterns that a
// wider one in the list covers; "*" doesn't cover what sources relay.
func (c *Catalog) ParseSubscriptions(list []string, standing ...string) (Subscriptions, Faults) {
	return c.ParseSubscriptionsTo(nil, list, standing...)
}

// ParseSubscriptionsTo is ParseSubscriptions that also accepts types and prefixes
// of sources, by their slugs: "stripe.*".
func (c *Catalog) ParseSubscriptionsTo(slugs, list []string, standing ...string) (Subscriptions, Faults) {
	if len(list) == 0 {
		return nil, Faults{{Field: "eventTypes", Message: "Choose at least one event type."}}
	}
	var faults Faults
	var message string
	chosen := make(Subscriptions, 0, len(list))
	for _, pattern := range list {
		pattern = strings.ToLower(pasted(pattern)) // every type is in lower case
		if !c.knows(pattern) && !slices.Contains(standing, pattern) && !relays(slugs, pattern) {
			if len(faults) < MaxFaults {
				message = fmt.Sprintf("No event type of the catalog is named by %s.", printable(pattern))
				if category := strings.TrimRight(pattern, ".*") + ".*"; c.knows(category) {
					message += " For all of them write " + category + "."
				} else if word, _, ok := strings.Cut(pattern, "."); ok && word != "" && !slices.Contains(c.FirstWords(), word) {
					message += " Types of a source can be chosen once it exists: make a source with the slug " + printable(word) + " first."
				}
			}
			faults.Add("eventTypes", message)
		}
		chosen = append(chosen, pattern)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	slices.Sort(chosen)
	chosen = slices.Compact(chosen)
	return slices.DeleteFunc(slices.Clone(chosen), func(pattern string) bool {
		return slices.ContainsFunc(chosen, func(wider string) bool {
			return wider != pattern && covers(wider, pattern) && (wider != "*" || !relays(slugs, pattern))
		})
	}), nil
}

// relays reports whether a pattern names types that sources relay.
func relays(slugs []string, pattern string) bool {
	slug, rest, ok := strings.Cut(pattern, ".")
	return ok && slices.Contains(slugs, slug) && len(pattern) <= maxReceivedType && receivedType.MatchString(rest)
}

// maxReceivedType is the longest type that a source relays, in bytes.
const maxReceivedType = 200

var receivedType = regexp.MustCompile(`^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$`)

// FirstWords lists the first words of the catalog's types, which no source's slug
// may be.
func (c *Catalog) FirstWords() []string {
	var words []string
	for _, t := range c.types {
		if word, _, _ := strings.Cut(t.Type, "."); !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

func (c *Catalog) knows(pattern string) bool {
	if pattern == "*" || c.byName[pattern] != nil {
		return true
	}
	return strings.HasSuffix(pattern, ".*") &&
		slices.ContainsFunc(c.types, func(t *EventType) bool { return covers(pattern, t.Type) })
}

// Matches reports whether the endpoint wants events of this type. It does not
// allocate.
func (s Subscriptions) Matches(eventType string) bool {
	for _, pattern := range s {
		if covers(pattern, eventType) {
			return true
		}
	}
	return false
}

// Names is Matches without "*", for types that are not of the catalog: those have
// to be asked for by name or prefix.
func (s Subscriptions) Names(eventType string) bool {
	for _, pattern := range s {
		if pattern != "*" && covers(pattern, eventType) {
			return true
		}
	}
	return false
}

// covers reports whether a pattern takes in a type, or all that a narrower
// pattern does: "org.*" covers "org.created" and "org.member.*".
func covers(pattern, eventType string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(eventType, prefix)
	}
	return pattern == eventType
}
