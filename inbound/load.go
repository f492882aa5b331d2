package inbound

import "sync"

type providerSet struct {
	list   []*Provider
	byName map[string]*Provider
}

var loaded = sync.OnceValue(func() providerSet { return providerSet{} })
