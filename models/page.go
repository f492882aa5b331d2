package models

// Page asks for one stretch of a list that is ordered by id, the newest first.
// Cursor is a row's id that the page begins after. Limit 0 is DefaultLimit.
type Page struct {
	Limit  int
	Cursor string
}

// Limits of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Size returns how many rows the page has at most.
func (p Page) Size() int {
	if p.Limit == 0 {
		return DefaultLimit
	}
	return p.Limit
}
