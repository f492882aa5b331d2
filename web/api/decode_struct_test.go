package api

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
)

// bodies are the structs that bodies are read into, and their fields.
func bodies() map[string]struct {
	new    func() any
	fields []string
} {
	type body = struct {
		new    func() any
		fields []string
	}
	return map[string]body{
		"portal_link":         {func() any { return new(portalLinkBody) }, []string{"role", "minutes", "name", "navigation", "frameOrigin"}},
		"recovery":            {func() any { return new(recoveryBody) }, []string{"since", "until", "types", "causes", "kind", "perSecond", organizationField}},
		"organization":        {func() any { return new(organizationBody) }, []string{"name", "slug", "externalId", "endpoints"}},
		"organization_change": {func() any { return new(organizationChangeBody) }, []string{"name", "slug", "externalId"}},
		"rotation":            {func() any { return new(rotationBody) }, []string{"overlapHours", "secret", organizationField}},
		"test":                {func() any { return new(testBody) }, []string{"type", organizationField}},
		"organization_only":   {func() any { return new(ofOrganization) }, []string{organizationField}},
	}
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }

// Each field is at fault with a value of another kind, beside all others, and so
// is each member that there is none for.
func TestDecodeBody_names_every_field_at_fault(t *testing.T) {
	for name, body := range bodies() {
		t.Run(name, func(t *testing.T) {
			want := append([]string{"colour", "sub.unknown"}, body.fields...)
			var text strings.Builder
			fmt.Fprintf(&text, `{"colour":{"a":1,"a":2},"sub.unknown":null`)
			for _, field := range body.fields {
				fmt.Fprintf(&text, `,%q:{"kind":"other"}`, field)
			}
			faults, err := decodeBody([]byte(text.String()+"}"), body.new())
			must(t, err)
			var got []string
			for _, fault := range faults {
				got = append(got, fault.Field)
				if fault.Text() == "" {
					t.Errorf("decodeBody() names %s without saying what is wrong", fault.Field)
				}
			}
			if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
				t.Errorf("decodeBody(%s) has faults at other fields (-want +got):\n%s", text.String(), diff)
			}
		})
	}
}

// A member that comes again is a fault, whatever it holds.
func TestDecodeBody_takes_nothing_twice(t *testing.T) {
	for name, body := range bodies() {
		for _, field := range append([]string{"colour"}, body.fields...) {
			for _, twin := range []string{"null", `{"kind":"other"}`} {
				text := fmt.Sprintf(`{%q:null,%q:%s}`, field, field, twin)
				faults, err := decodeBody([]byte(text), body.new())
				must(t, err)
				if len(faults) == 0 || faults[len(faults)-1].Field != field || faults[len(faults)-1].Text() != "This stands twice in the same object." {
					t.Errorf("%s: decodeBody(%s) returned %v; want a fault that it stands twice", name, text, faults)
				}
			}
		}
	}
}

func TestDecodeBody_takes_no_broken_text(t *testing.T) {
	for _, text := range []string{"\"\xff\"", `"\ud800"`} {
		for _, field := range []string{"role", "name", "frameOrigin"} {
			body := fmt.Sprintf(`{%q:%s}`, field, text)
			faults, err := decodeBody([]byte(body), new(portalLinkBody))
			must(t, err)
			if len(faults) != 1 || faults[0].Field != field || faults[0].Text() != "This has an unpaired surrogate or bytes that are not UTF-8." {
				t.Errorf("decodeBody(%q) returned %v; want a fault at %s", body, faults, field)
			}
		}
	}
}

func TestDecodeBody_null_is_as_left_out(t *testing.T) {
	recovery := recoveryBody{Types: []string{"payment.*"}, PerSecond: 10}
	link := portalLinkBody{Minutes: 10, Navigation: true}
	rotation := rotationBody{OverlapHours: 24}
	change := organizationChangeBody{}
	for _, test := range []struct {
		into any
		text string
	}{
		{&recovery, `{"since":null,"until":null,"types":null,"causes":null,"kind":null,"perSecond":null,"organizationId":null}`},
		{&link, `{"role":"admin","minutes":null,"name":null,"navigation":null,"frameOrigin":null}`},
		{&rotation, `{"overlapHours":null,"secret":null,"organizationId":null}`},
		{&change, `{"name":null,"slug":null}`},
	} {
		faults, err := decodeBody([]byte(test.text), test.into)
		must(t, err)
		if len(faults) > 0 {
			t.Errorf("decodeBody(%s) returned %v; want no fault", test.text, faults)
		}
	}
	if len(recovery.Types) != 1 || recovery.PerSecond != 10 || link.Minutes != 10 || !link.Navigation || rotation.OverlapHours != 24 || change.Name != nil || change.ExternalID.id != nil {
		t.Errorf("null changed a default: %+v, %+v, %+v, %+v", recovery, link, rotation, change)
	}
	faults, err := decodeBody([]byte(`{"externalId":null}`), &change)
	must(t, err)
	if len(faults) > 0 || change.ExternalID.id == nil || *change.ExternalID.id != "" {
		t.Errorf("an external id of null was read as %v, %v; want it taken back", change.ExternalID.id, faults)
	}
}

func TestDecodeBody_takes_no_flood_of_members(t *testing.T) {
	var flood strings.Builder
	for i := range 100_000 {
		flood.WriteString(`,"` + strings.Repeat("m", i%300) + `":1`)
	}
	var b ofOrganization
	faults, err := decodeBody([]byte(`{"organizationId":"x"`+flood.String()+`}`), &b)
	must(t, err)
	if count := faults.Count(); count != maxMembers {
		t.Errorf("decodeBody() found %d faults; want %d, and to pass over the rest", count, maxMembers)
	}
	for _, fault := range faults {
		if len(fault.Field) > maxFieldName+len("…") {
			t.Fatalf("decodeBody() names a field of %d bytes", len(fault.Field))
		}
	}
}

// What a body holds must outlive the request, whose memory is used again.
func TestDecodeBody_copies(t *testing.T) {
	body := []byte(`{"type":"org.created","data":{"a":1},"organizationId":"customer-17"}`)
	var b testBody
	_, err := decodeBody(body, &b)
	must(t, err)
	clear(body)
	if string(b.Data) != `{"a":1}` || b.Type != "org.created" || b.named() != "customer-17" {
		t.Errorf("type %q, data %q, organization %q", b.Type, b.Data, b.named())
	}
}

// A struct with a field that the reader does not know is a fault of ours.
func TestDecodeBody_names_its_own_faults(t *testing.T) {
	var b struct {
		Ratio float64 `json:"ratio"`
	}
	_, err := decodeBody([]byte(`{"ratio":1}`), &b)
	var told *models.Error
	if err == nil || errors.As(err, &told) {
		t.Errorf("decodeBody() into a float returned %v; want an error that is not the client's", err)
	}
}

// FuzzDecodeBody holds the reading of structs against that of members, which
// both read the same fields here.
func FuzzDecodeBody(f *testing.F) {
	for _, seed := range []string{
		`{"organizationId":"x"}`, `{"organizationId":null}`, `{"organizationId":""}`, `{"organizationId":1}`, `{"a":{"b":1},"a":2}`, `[]`, `{`, ``, `{}{}`, `{} x`, `null`,
		"{\"\xff\":1,\"organizationId\":\"\xff\"}", `{"organizationId":"a","organizationId":"b"}`, `{"a/b":1,"a~b":2,"a.b":3,"":4}`, `{"\u006frganizationId":"x"}`, `{"organizationId":}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var b ofOrganization
		faults, err := decodeBody(body, &b)
		named := ""
		want, wantErr := readBody(body, func(r *bodyReader, name, field string) bool {
			if name != organizationField {
				return false
			}
			named = r.organization(field)
			return true
		})
		// Of JSON that is broken in two ways each may name another.
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("decodeBody(%q) returned %v, want %v", body, err, wantErr)
		}
		if fmt.Sprint(faults) != fmt.Sprint(want) || len(faults) == 0 && err == nil && named != b.named() {
			t.Fatalf("decodeBody(%q) read %q with %v, want %q with %v", body, b.named(), faults, named, want)
		}
	})
}

func TestBodies_are_documented(t *testing.T) {
	schemas, err := documentSchemas()
	must(t, err)
	for name, schema := range map[string]string{"portal_link": "NewPortalLink", "recovery": "NewRecovery", "organization": "NewOrganization",
		"organization_change": "OrganizationChange", "rotation": "SecretRotation", "organization_only": "OrganizationOnly"} {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(schemas[schema].Properties)), sorted(bodies()[name].fields)); diff != "" {
			t.Errorf("%s and its schema have other fields:\n%s", name, diff)
		}
	}
}
