package api_test

import (
	"context"
	"os"
	"testing"
	"time"

	"hookwell/internal/apitest"
	"hookwell/internal/testenv"
	"hookwell/models"
	"hookwell/models/store"
	"hookwell/web"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(testenv.Run(m))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

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
	apitest.EachStore(t, func(t *testing.T, o store.Options) { test(t, newFixtureOn(t, o, nil)) })
}

func addEndpoint(t *testing.T, tenant *store.Tenant, name string, types ...string) *models.Endpoint {
	t.Helper()
	in := models.NewEndpointInput()
	in.URL, in.Name, in.EventTypes = "http://127.0.0.1:9/hook", name, types
	e, _, err := tenant.CreateEndpoint(t.Context(), in)
	must(t, err)
	return e
}
