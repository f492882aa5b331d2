package web

import (
	"context"
	"testing"

	"hookwell/internal/apitest"
	"hookwell/internal/storetest"
	"hookwell/models/store"
)

// apiFixture is a fixture of the API on a whole server.
type apiFixture struct {
	*apitest.Fixture
	server *Server
}

func newAPIFixture(t testing.TB) *apiFixture { return newAPIFixtureOn(t, store.Options{}, nil) }

// newAPIFixtureOn is newAPIFixture on a store with these options; change may be nil.
func newAPIFixtureOn(t testing.TB, o store.Options, change func(*Options)) *apiFixture {
	t.Helper()
	f := &apiFixture{}
	f.Fixture = apitest.New(t, o, func(with apitest.Setup) apitest.Server {
		options := Options{Store: with.Store, Tester: with.Tester, Log: with.Log, BaseURL: with.BaseURL, Ready: func(context.Context) error { return nil }}
		if change != nil {
			change(&options)
		}
		f.server = New(options)
		return f.server
	})
	return f
}

// apiStores runs a test on both databases.
func apiStores(t *testing.T, test func(t *testing.T, f *apiFixture)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, o store.Options) { test(t, newAPIFixtureOn(t, o, nil)) })
}
