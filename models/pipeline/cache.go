package pipeline

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxCached is how many entries a Cache has at most.
const maxCached = 20_000

// Cache keeps recently read values by id, up to 20,000; a new value replaces the
// least recently used one. It doesn't know whether a value is still current: each
// use asks the database for that. It is safe for concurrent use. NewCache makes
// one.
//
// It has its own lock. Each get writes the order of use, so the library's
// read-write lock costs more than a plain one.
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

// Get returns the value of an id, and whether there is one.
func (c *Cache[T]) Get(id string) (T, bool) {
	c.mu.Lock()
	value, ok := c.entries.Get(id)
	c.mu.Unlock()
	return value, ok
}

// Put sets the value of an id.
func (c *Cache[T]) Put(id string, value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Add(id, value)
}

// Remove removes the value of an id, if there is one.
func (c *Cache[T]) Remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(id)
}
