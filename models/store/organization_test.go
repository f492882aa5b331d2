package store_test

import (
	"strings"
	"sync"
	"testing"

	"hookwell/models"
)

func TestSlugs(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		create := func(name string) *models.Organization {
			t.Helper()
			org, _, err := f.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: name})
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			return org
		}
		for _, c := range []struct{ name, slug string }{
			{"Müller & Söhne", "muller-sohne"},
			{"MÜLLER & SÖHNE", "muller-sohne-2"},
			{"  muller   sohne ", "muller-sohne-3"},
			{"🚀🚀", "org"},
			{"東京", "org-2"},
			{"---", "org-3"},
			{"ﬁne Ⅳ", "fine-iv"},
			{"a_b%c", "a-b-c"},
			{"Acme 2", "acme-2"},
			{"Acme", "acme"},
			{"Acme", "acme-3"},
			{strings.Repeat("long ", 20), "long-long-long-long-long-long-long-long-lon"},
			{strings.Repeat("long ", 20), "long-long-long-long-long-long-long-long-lon-2"},
		} {
			if org := create(c.name); org.Slug != c.slug {
				t.Errorf("%q got the slug %q, want %q", c.name, org.Slug, c.slug)
			}
		}
		t.Run("a freed one is never given again", func(t *testing.T) {
			freed := create("Freed")
			if err := f.DB().Exec("UPDATE organizations SET slug = 'renamed' WHERE id = ?", freed.ID).Error; err != nil {
				t.Fatal(err)
			}
			if again := create("Freed"); again.Slug != "freed-2" {
				t.Errorf("made %q", again.Slug)
			}
			_, _, err := f.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "X", Slug: "freed"})
			if got := fields(t, err); len(got) != 1 || got[0] != "slug" {
				t.Errorf("asked for: faults at %v", got)
			}
		})
	})
}

func TestNewOrganizationFaults(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		before := dumpAll(t, f.Store)
		for _, c := range []struct {
			field string
			n     models.NewOrganization
		}{
			{"name", models.NewOrganization{Name: " "}},
			{"name", models.NewOrganization{Name: strings.Repeat("ä", 101)}},
			{"name", models.NewOrganization{Name: "a\x00b"}},
			{"name", models.NewOrganization{Name: "a\nb"}},
			{"name", models.NewOrganization{Name: "a\xffb"}},
			{"slug", models.NewOrganization{Name: "A", Slug: "Not-Lower"}},
			{"slug", models.NewOrganization{Name: "A", Slug: "-a"}},
			{"slug", models.NewOrganization{Name: "A", Slug: "a\n"}},
			{"slug", models.NewOrganization{Name: "A", Slug: strings.Repeat("a", 49)}},
			{"externalId", models.NewOrganization{Name: "A", ExternalID: strings.Repeat("x", 129)}},
			{"externalId", models.NewOrganization{Name: "A", ExternalID: " x"}},
			{"externalId", models.NewOrganization{Name: "A", ExternalID: "x\x00"}},
			{"externalId", models.NewOrganization{Name: "A", ExternalID: "x\xff"}},
			{"externalId", models.NewOrganization{Name: "A", ExternalID: f.tenant.Organization().ID}},
			{"externalId", models.NewOrganization{Name: "A", ExternalID: "org_" + strings.Repeat("z", 26)}},
			{"externalId", models.NewOrganization{Name: "A", ExternalID: "inv_" + strings.Repeat("0", 26)}},
			{"endpoints.0.url", models.NewOrganization{Name: "A", Endpoints: []models.EndpointInput{input("ftp://127.0.0.1/")}}},
			{"endpoints.1.url", models.NewOrganization{Name: "A", Endpoints: []models.EndpointInput{input("http://127.0.0.1/"), input("http://10.0.0.1/")}}},
		} {
			_, _, err := f.Operator().CreateOrganization(t.Context(), c.n)
			if got := fields(t, err); len(got) != 1 || got[0] != c.field {
				t.Errorf("%+v: faults at %v, want %s", c.n, got, c.field)
			}
		}
		sameRows(t, before, dumpAll(t, f.Store))
	})
}

// input is an endpoint for every event.
func input(url string) models.EndpointInput {
	in := models.NewEndpointInput()
	in.URL, in.EventTypes = url, []string{"*"}
	return in
}

func TestExternalID(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		n := models.NewOrganization{Name: "Cust", ExternalID: "cust_42' %", Endpoints: []models.EndpointInput{input("http://127.0.0.1:9/a"), input("http://127.0.0.1:9/b")}}
		org, secrets, err := f.Operator().CreateOrganization(t.Context(), n)
		if err != nil || len(secrets) != 2 || secrets[0].Equal(secrets[1]) {
			t.Fatal(org, len(secrets), err)
		}
		for _, name := range []string{org.ID, n.ExternalID} {
			if tenant, err := f.Operator().Tenant(t.Context(), name); err != nil || tenant.Organization().ID != org.ID {
				t.Errorf("%s: %v", name, err)
			}
		}
		before := dumpAll(t, f.Store)
		_, _, err = f.Operator().CreateOrganization(t.Context(), n)
		if e := refusal(t, err, models.Conflict); e.Code != "external_id_taken" {
			t.Errorf("the same external id: %s", e.Code)
		}
		sameRows(t, before, dumpAll(t, f.Store))
	})
}

func TestOrganizationsAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		var mu sync.Mutex
		slugs, externals := map[string]bool{}, 0
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				org, _, err := f.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "Same name"})
				if err != nil {
					if !models.IsKind(err, models.Conflict) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if slugs[org.Slug] {
					t.Errorf("the slug %s was given twice", org.Slug)
				}
				slugs[org.Slug] = true
			})
			all.Go(func() {
				_, _, err := f.Operator().CreateOrganization(t.Context(), models.NewOrganization{Name: "X", ExternalID: "one"})
				if err != nil {
					if !models.IsKind(err, models.Conflict) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				externals++
			})
		}
		all.Wait()
		if len(slugs) == 0 || externals != 1 {
			t.Errorf("%d slugs given, %d organizations have one external id", len(slugs), externals)
		}
	})
}
