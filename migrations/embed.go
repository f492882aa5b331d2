// Package migrations carries the numbered SQL of both databases inside the
// binary. The two folders hold the same steps under the same numbers; a test
// in models compares the schemas that they make. A shipped file is never
// edited: a change is a new number.
package migrations

import "embed"

// Postgres and SQLite hold one goose migration per file, in folders of the
// same names.
var (
	//go:embed postgres/*.sql
	Postgres embed.FS
	//go:embed sqlite/*.sql
	SQLite embed.FS
)
