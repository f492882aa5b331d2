package api

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/webhook"
)

// queryReader reads the parameters of a list and collects what is wrong with them.
type queryReader struct {
	call   *call
	faults webhook.Faults
}

// query reads the parameters of the call's list. One that the list does not know,
// or that is given twice where one value is meant, is a fault: who mistypes a
// filter's name must not take all rows for what it lets through.
func (c *call) query() *queryReader {
	q := &queryReader{call: c}
	given := map[string]int{}
	for name := range c.Context().QueryArgs().All() {
		given[string(name)]++
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		at := slices.IndexFunc(c.parameters, func(p parameter) bool { return p.name == name })
		switch {
		case at < 0 && len(c.parameters) == 0:
			q.fault(shownName(name), "This list takes no parameters.")
		case at < 0:
			q.fault(shownName(name), "This list has no such parameter. It takes "+namesOf(c.parameters)+".")
		case given[name] > 1 && !c.parameters[at].many:
			q.fault(name, "Give it once.")
		}
	}
	return q
}

// shownName returns a parameter's name as it was sent, cut to what an answer has room for.
func shownName(name string) string {
	const most = 64
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most]) + "…"
	}
	return name
}

func namesOf(parameters []parameter) string {
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

func (q *queryReader) fault(name, message string) {
	q.faults.Add(name, message)
}

func (q *queryReader) err() error {
	if len(q.faults) == 0 {
		return nil
	}
	return models.NewInvalid(q.faults)
}

// page reads limit and cursor; models judges the cursor.
func (q *queryReader) page() models.Page {
	page := models.Page{Cursor: q.call.Query("cursor")}
	if text := q.call.Query("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > models.MaxLimit {
			q.fault("limit", fmt.Sprintf("Choose a limit from 1 to %d.", models.MaxLimit))
		}
		page.Limit = n
	}
	return page
}

// list reads a parameter that may be repeated, have commas, or both.
func (q *queryReader) list(name string) []string {
	var values []string
	for _, raw := range q.call.Context().QueryArgs().PeekMulti(name) {
		for value := range strings.SplitSeq(string(raw), ",") {
			if value = strings.TrimSpace(value); value != "" {
				values = append(values, value)
			}
		}
	}
	return values
}

// maxChoices bounds what a filter names: more would make a query that no
// database likes.
const maxChoices = 50

func (q *queryReader) states() []models.State {
	var states []models.State
	for _, name := range q.list("state") {
		state := models.State(name)
		switch {
		case !slices.Contains(models.States(), state):
			q.fault("state", "The states are pending, retrying, delivered, failed and cancelled.")
			return nil
		case !slices.Contains(states, state):
			states = append(states, state)
		}
	}
	return states
}

func (q *queryReader) types() []string {
	types := q.list("type")
	switch {
	case len(types) > maxChoices:
		q.fault("type", fmt.Sprintf("Name at most %d event types.", maxChoices))
	case slices.ContainsFunc(types, func(t string) bool { return !store.IsTypePattern(t) }):
		q.fault("type", "Use an event type such as payment.failed, or a prefix such as payment.*")
	}
	return types
}

func (q *queryReader) time(name string) time.Time {
	text := q.call.Query(name)
	if text == "" {
		return time.Time{}
	}
	// The + of an offset means a space unless it is escaped, and no time has a space.
	at, err := webhook.ParseTime(strings.Replace(text, " ", "+", 1))
	if err != nil || !webhook.InRange(at) {
		q.fault(name, timeMessage)
	}
	return at
}

func (q *queryReader) id(name, prefix string) string {
	id := q.call.Query(name)
	if id != "" && !idShaped(prefix, id) {
		q.fault(name, "An id begins with "+prefix+" here.")
	}
	return id
}

// idShaped reports whether text could be an id, so that no other is looked up.
func idShaped(prefix, text string) bool {
	rest, ok := strings.CutPrefix(text, prefix)
	return ok && rest != "" && len(rest) <= 64 && strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// id returns the id in the path. What can't be one is NotFound.
func (c *call) id(prefix, noun string) (string, error) {
	id := c.Params("id")
	if !idShaped(prefix, id) {
		return "", &models.Error{Kind: models.NotFound, Code: "not_found", Message: "There is no such " + noun + "."}
	}
	return id, nil
}
