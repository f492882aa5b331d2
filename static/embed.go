// Package static embeds the files that a browser fetches beside the pages: the
// style, the icons and the scripts.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"sync"
)

// Files are the files by their plain names, with the licences of those that
// others wrote.
//
//go:embed *.css *.js *.svg LICENSES.txt
var Files embed.FS

// versions maps each file's name to a short hash of its content.
var versions = sync.OnceValue(func() map[string]string {
	hashes := map[string]string{}
	names, _ := fs.Glob(Files, "*")
	for _, name := range names {
		content, err := Files.ReadFile(name)
		if err != nil {
			continue
		}
		sum := sha256.Sum256(content)
		hashes[name] = base64.RawURLEncoding.EncodeToString(sum[:9])
	}
	return hashes
})

// Path returns the URL of a file, with its content's hash, so that a browser may
// keep the answer for ever. A name that is not in Files gets no hash.
func Path(name string) string {
	version, ok := versions()[name]
	if !ok {
		return "/static/" + name
	}
	return "/static/" + name + "?v=" + version
}
