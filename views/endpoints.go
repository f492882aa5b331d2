package views

import (
	"slices"
	"strings"

	"hookwell/models"
	"hookwell/views/ui"
)

// EndpointFilter is the query string of the list of endpoints: search, health,
// sort, cursor.
type EndpointFilter struct {
	models.EndpointFilter
	Cursor string
}

// ParseEndpointFilter reads the filter from a query string. What nobody can have
// chosen counts as none; a search is cut to what may be searched for.
func ParseEndpointFilter(query func(key string) string) EndpointFilter {
	f := EndpointFilter{Cursor: query("cursor"), EndpointFilter: models.EndpointFilter{
		Search: searchWords(query("search")), Health: models.Health(query("health")), Sort: models.EndpointSort(query("sort"))}}
	if !slices.Contains(models.Healths(), f.Health) {
		f.Health = ""
	}
	if !slices.Contains(models.EndpointSorts(), f.Sort) {
		f.Sort = models.SortNewest
	}
	return f
}

// searchWords is what was typed, cut to what may be searched for.
func searchWords(typed string) string {
	letters := []rune(strings.TrimSpace(typed))
	return string(letters[:min(len(letters), models.MaxSearch)])
}

// Path returns the list under this filter.
func (f EndpointFilter) Path(slug string) string {
	return filteredPath(EndpointsPath(slug), [][2]string{{"search", f.Search}, {"health", string(f.Health)}, {"sort", string(f.Sort)}, {"cursor", f.Cursor}})
}

func (f EndpointFilter) inHealth(health models.Health) EndpointFilter {
	f.Cursor, f.Health = "", health
	return f
}

func (f EndpointFilter) worstFirst() EndpointFilter {
	f.Cursor, f.Sort = "", models.SortHealth
	return f
}

func (f EndpointFilter) from(cursor string) EndpointFilter {
	f.Cursor = cursor
	return f
}

func (f EndpointFilter) withoutSearch() EndpointFilter {
	f.Cursor, f.Search = "", ""
	return f
}

// EndpointsView is one page of the list of endpoints. Counts are of all that
// the search finds, whatever their health.
type EndpointsView struct {
	Filter       EndpointFilter
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
func (v EndpointsView) none() bool { return v.found() == 0 && v.Filter.Search == "" }

// rangeWords returns "50 of 300 endpoints, the newest first".
func (v EndpointsView) rangeWords() string {
	all := v.found()
	if v.Filter.Health != "" {
		all = v.Counts[v.Filter.Health]
	}
	words := ui.Plural(all, "endpoint")
	if len(v.Rows) != all {
		words = ui.FormatCount(len(v.Rows)) + " of " + words
	}
	return words + ", " + sortWords(v.Filter.Sort)
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
	if v.Filter.Sort == models.SortNewest {
		return "Newer"
	}
	return "Previous"
}

func (v EndpointsView) nextWord() string {
	if v.Filter.Sort == models.SortNewest {
		return "Older"
	}
	return "Next"
}

// emptyText says why no row is left.
func (v EndpointsView) emptyText() (title, text string) {
	switch health := strings.ToLower(ui.HealthLook(v.Filter.Health).Word); {
	case v.Filter.Search == "":
		return "No endpoint is " + health, "The other endpoints are in another state."
	case v.Filter.Health == "" || v.found() == 0:
		return "No endpoint matches", "No name and no URL has “" + v.Filter.Search + "” in it."
	default:
		return "No endpoint that matches is " + health, ui.Plural(v.found(), "endpoint") + " in another state " + matchWord(v.found()) + " “" + v.Filter.Search + "”."
	}
}

func matchWord(n int) string {
	if n == 1 {
		return "matches"
	}
	return "match"
}
