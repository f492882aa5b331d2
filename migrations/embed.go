// Package migrations embeds the numbered SQL of both databases. The two folders
// have the same steps under the same numbers; a test in models/store compares the
// schemas that they make. Never edit a shipped file: add the next number instead.
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
