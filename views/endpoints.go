package views

import (
	"slices"
	"strings"

	"hookwell/models"
	"hookwell/views/ui"
)

// EndpointQuery is the query string of the list of endpoints: search, health,
// sort, cursor.
type EndpointQuery struct {
	Search string
	Health models.Health
	Sort   models.EndpointSort
	Cursor string
}

// ParseEndpointQuery reads the filter from a query string. What nobody can have
// chosen counts as none; a search is cut to what may be searched for.
func ParseEndpointQuery(query func(key string) string) EndpointQuery {
	q := EndpointQuery{Search: searchWords(query("search")), Health: models.Health(query("health")), Sort: models.EndpointSort(query("sort")), Cursor: query("cursor")}
	if !slices.Contains(models.Healths(), q.Health) {
		q.Health = ""
	}
	if !slices.Contains(models.EndpointSorts(), q.Sort) {
		q.Sort = models.SortNewest
	}
	return q
}

// Filter returns what the store is asked for.
func (q EndpointQuery) Filter() models.EndpointFilter {
	return models.EndpointFilter{Search: q.Search, Health: q.Health, Sort: q.Sort}
}

// searchWords is what was typed, cut to what may be searched for.
func searchWords(typed string) string {
	letters := []rune(strings.TrimSpace(typed))
	return string(letters[:min(len(letters), models.MaxSearch)])
}

// Path returns the list under this filter.
func (q EndpointQuery) Path(slug string) string {
	return filteredPath(EndpointsPath(slug), [][2]string{{"search", q.Search}, {"health", string(q.Health)}, {"sort", string(q.Sort)}, {"cursor", q.Cursor}})
}

func (q EndpointQuery) inHealth(health models.Health) EndpointQuery {
	q.Cursor, q.Health = "", health
	return q
}

func (q EndpointQuery) worstFirst() EndpointQuery {
	q.Cursor, q.Sort = "", models.SortHealth
	return q
}

func (q EndpointQuery) from(cursor string) EndpointQuery {
	q.Cursor = cursor
	return q
}

func (q EndpointQuery) withoutSearch() EndpointQuery {
	q.Cursor, q.Search = "", ""
	return q
}

// EndpointsView is one page of the list of endpoints. Counts are of all that
// the search finds, whatever their health.
type EndpointsView struct {
	Query        EndpointQuery
	Rows         []EndpointRow
	Before, Next string // cursors; empty where there is no such page
	Counts       map[models.Health]int
	Notices      []models.Notice
}

// found returns how many endpoints the search finds.
func (v EndpointsView) found() (n int) {
	for _, count := range v.Counts {
		n += count
	}
	return n
}

// none reports whether the organization has no endpoint at all.
func (v EndpointsView) none() bool { return v.found() == 0 && v.Query.Search == "" }

// rangeWords returns "50 of 300 endpoints, the newest first".
func (v EndpointsView) rangeWords() string {
	all := v.found()
	if v.Query.Health != "" {
		all = v.Counts[v.Query.Health]
	}
	words := ui.Plural(all, "endpoint")
	if len(v.Rows) != all {
		words = ui.FormatCount(len(v.Rows)) + " of " + words
	}
	return words + ", " + sortWords(v.Query.Sort)
}

func sortWords(sort models.EndpointSort) string {
	switch sort {
	case models.SortName:
		return "by name"
	case models.SortHealth:
		return "worst health first"
	default:
		return "newest first"
	}
}

// beforeWord and nextWord call the pages around by what they hold.
func (v EndpointsView) beforeWord() string {
	if v.Query.Sort == models.SortNewest {
		return "Newer"
	}
	return "Previous"
}

func (v EndpointsView) nextWord() string {
	if v.Query.Sort == models.SortNewest {
		return "Older"
	}
	return "Next"
}

// emptyText says why no row is left.
func (v EndpointsView) emptyText() (title, text string) {
	switch health := strings.ToLower(ui.HealthLook(v.Query.Health).Word); {
	case v.Query.Search == "":
		return "No endpoint is " + health, "The other endpoints are in another state."
	case v.Query.Health == "" || v.found() == 0:
		return "No endpoint matches", "No name and no URL has “" + v.Query.Search + "” in it."
	default:
		return "No endpoint that matches is " + health, ui.Plural(v.found(), "endpoint") + " in another state " + matchWord(v.found()) + " “" + v.Query.Search + "”."
	}
}

func matchWord(n int) string {
	if n == 1 {
		return "matches"
	}
	return "match"
}
