package pipeline

import (
	"strconv"
	"testing"
)

func cachedIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = "org_01abcdefghijklmnopqr" + strconv.Itoa(100_000+i)
	}
	return ids
}

// TestCache_gives_up_what_was_used_the_longest_ago fills a cache and puts in some
// more: of all that was there, as much makes room.
func TestCache_gives_up_what_was_used_the_longest_ago(t *testing.T) {
	const more = 10
	cache, ids := NewCache[int](), cachedIDs(maxCached+more)
	for i, id := range ids[:maxCached] {
		cache.Put(id, i)
	}
	if _, ok := cache.Get(ids[0]); !ok { // which is used from now on
		t.Fatalf("Get(%s) found nothing in a cache of %d", ids[0], maxCached)
	}
	for i, id := range ids[maxCached:] {
		cache.Put(id, maxCached+i)
	}
	for i, id := range ids {
		value, ok := cache.Get(id)
		if want := i == 0 || i > more; ok != want || ok && value != i {
			t.Errorf("Get(%s) of entry %d = %d, %t; want it there: %t", id, i, value, ok, want)
		}
	}
}

func TestCache_has_what_was_put_last(t *testing.T) {
	cache := NewCache[string]()
	cache.Put("org_a", "one")
	cache.Put("org_a", "two")
	if value, ok := cache.Get("org_a"); !ok || value != "two" {
		t.Errorf("Get(org_a) = %q, %t; want two, true", value, ok)
	}
	cache.Remove("org_a")
	cache.Remove("org_b")
	if value, ok := cache.Get("org_a"); ok {
		t.Errorf("Get(org_a) = %q after Remove", value)
	}
}

// BenchmarkCacheGet is the get on the way of every event and every claim.
func BenchmarkCacheGet(b *testing.B) {
	for _, n := range []int{1, 1000} {
		cache, ids := NewCache[*acceptRules](), cachedIDs(n)
		for _, id := range ids {
			cache.Put(id, &acceptRules{})
		}
		b.Run("serial/"+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				cache.Get(ids[i%n])
			}
		})
		b.Run("parallel/"+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					cache.Get(ids[i%n])
				}
			})
		})
	}
}
