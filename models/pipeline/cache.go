package pipeline

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxCached is how many entries a Cache has at most.
const maxCached = 20_000

// Cache has what was read lately, by id: up to 20,000 entries, of which the one
// that was used the longest ago makes room for a new one. It says nothing of
// whether an entry still stands; each use asks the database for that. It is safe
// for concurrent use. NewCache makes one.
//
// The library's own lock is one for readers and writers, which costs a get, which
// always writes the order of use, more than this one does.
type Cache[T any] struct {
	mu      sync.Mutex
	entries *simplelru.LRU[string, T]
}

// NewCache returns an empty cache.
func NewCache[T any]() *Cache[T] {
	entries, err := simplelru.NewLRU[string, T](maxCached, nil)
	if err != nil {
		panic(err) // which it does for a size below 1 alone
	}
	return &Cache[T]{entries: entries}
}

// Get returns the entry of that id, and whether there is one.
func (c *Cache[T]) Get(id string) (T, bool) {
	c.mu.Lock()
	value, ok := c.entries.Get(id)
	c.mu.Unlock()
	return value, ok
}

// Put makes a value the entry of that id.
func (c *Cache[T]) Put(id string, value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Add(id, value)
}

// Remove removes the entry of that id, if there is one.
func (c *Cache[T]) Remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(id)
}
