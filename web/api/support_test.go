package api_test

import (
	"context"
	"os"
	"testing"
	"time"

	"hookwell/internal/apitest"
	"hookwell/internal/storetest"
	"hookwell/internal/testenv"
	"hookwell/models/store"
	"hookwell/web"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(testenv.Run(m))
}

// What storetest has and the tests of this package use on every page.
var (
	must        = storetest.Must
	addEndpoint = storetest.NamedEndpoint
)

// fixture is the API on a whole server, as clients see it.
type fixture struct{ *apitest.Fixture }

func newFixture(t testing.TB) *fixture {
	t.Helper()
	return newFixtureOn(t, store.Options{}, nil)
}

// newFixtureOn is newFixture on a store with these options; change may be nil.
func newFixtureOn(t testing.TB, o store.Options, change func(*web.Options)) *fixture {
	t.Helper()
	return &fixture{apitest.New(t, o, func(with apitest.Setup) apitest.Server {
		options := web.Options{Store: with.Store, Tester: with.Tester, Log: with.Log, BaseURL: with.BaseURL, Ready: func(context.Context) error { return nil }}
		if change != nil {
			change(&options)
		}
		return web.New(options)
	})}
}

// eachStore runs a test on both databases.
func eachStore(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, o store.Options) { test(t, newFixtureOn(t, o, nil)) })
}
