package webhook

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func catalog(t testing.TB) *Catalog {
	t.Helper()
	c, err := NewCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCatalog_built_in(t *testing.T) {
	c := catalog(t)
	if got := len(c.Types()); got != 22 {
		t.Errorf("%d types, want 22", got)
	}
	var titles []string
	types := 0
	for _, category := range c.Categories() {
		titles = append(titles, category.Title)
		types += len(category.Types)
	}
	if diff := cmp.Diff([]string{"Organization", "Payment", "Subscription", "API keys", "Security"}, titles); diff != "" {
		t.Error(diff)
	}
	if types != 22 {
		t.Errorf("%d types in categories, want 22", types)
	}
	if _, ok := c.Lookup("org.exploded"); ok {
		t.Error("an unknown type is found")
	}
}

func TestCatalog_every_example_fits_its_schema(t *testing.T) {
	c := catalog(t)
	for _, eventType := range c.Types() {
		t.Run(eventType.Type, func(t *testing.T) {
			if faults := c.Validate(eventType.Type, eventType.Example); len(faults) > 0 {
				t.Error(faults)
			}
			if eventType.Description == "" || eventType.FiresWhen == "" || eventType.ExampleTimestamp.IsZero() || len(eventType.Fields()) == 0 {
				t.Errorf("incomplete: %+v", eventType)
			}
		})
	}
}

func TestCatalog_keeps_the_order_of_the_file(t *testing.T) {
	created, _ := catalog(t).Lookup("org.created")
	want := []Field{
		{"organizationId", "string", true, "Id of the organization."},
		{"name", "string", true, "Display name."},
		{"slug", "string", false, "URL slug."},
		{"plan", "string", false, "Plan at creation."},
		{"createdBy", "object", false, "User who created the organization."},
		{"createdAt", "string", false, "Creation time."},
	}
	if diff := cmp.Diff(want, created.Fields()); diff != "" {
		t.Error(diff)
	}
	if !bytes.HasPrefix(created.Example, []byte("{\n  \"organizationId\": \"org_7Qm2xV4kLwTz\",\n  \"name\": \"Acme\",\n")) {
		t.Errorf("example: %s", created.Example)
	}
	if !bytes.HasPrefix(created.Schema, []byte("{\n  \"$schema\": ")) {
		t.Errorf("schema: %s", created.Schema)
	}
}

// entry writes a catalog file of one entry, with some of its parts replaced.
func entry(t *testing.T, change map[string]string) []byte {
	t.Helper()
	parts := map[string]string{
		"type": `"invoice.sent"`, "category": `"invoiceItem"`, "description": `"An invoice was sent."`, "fires_when": `"It is sent."`,
		"schema":  `{"type":"object","properties":{"total":{"type":"integer"},"any":true},"required":["total"]}`,
		"example": `{"type":"invoice.sent","timestamp":"2026-03-02T09:14:07.412Z","data":{"total":3}}`,
	}
	for name, value := range change {
		parts[name] = value
	}
	raw := map[string]json.RawMessage{}
	for name, value := range parts {
		raw[name] = json.RawMessage(value)
	}
	file, err := json.Marshal([]any{raw})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestNewCatalog_adds_an_operators_types(t *testing.T) {
	c, err := NewCatalog(entry(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	last := c.Categories()[len(c.Categories())-1]
	if last.Title != "Invoice item" || len(last.Types) != 1 || len(c.Types()) != 23 {
		t.Errorf("category %+v, %d types", last, len(c.Types()))
	}
	if diff := cmp.Diff([]Field{{"total", "integer", true, ""}, {"any", "any", false, ""}}, last.Types[0].Fields()); diff != "" {
		t.Error(diff)
	}
}

func TestNewCatalog_names_the_entry_at_fault(t *testing.T) {
	example := func(name string) string {
		return `{"type":"` + name + `","timestamp":"2026-03-02T09:14:07Z","data":{"total":3}}`
	}
	cases := map[string]struct {
		change map[string]string
		want   string
	}{
		"duplicate_of_a_built_in_type": {map[string]string{"type": `"org.created"`, "example": example("org.created")}, `entry 1 ("org.created")`},
		"upper_case_type":              {map[string]string{"type": `"Invoice.sent"`}, `entry 1 ("Invoice.sent")`},
		"line_break_in_type":           {map[string]string{"type": `"invoice.sent\r\nx: y"`}, `entry 1`},
		"empty_word_in_type":           {map[string]string{"type": `"invoice..sent"`}, `entry 1`},
		"too_long_type":                {map[string]string{"type": `"` + strings.Repeat("a", 129) + `"`}, `entry 1`},
		"no_category":                  {map[string]string{"category": `""`}, "the category is missing"},
		"bad_schema":                   {map[string]string{"schema": `{"type":"wish"}`}, "compiling the schema"},
		"schema_refers_to_the_network": {map[string]string{"schema": `{"$ref":"https://example.com/x.json"}`}, "only to its own parts"},
		"schema_refers_to_a_file":      {map[string]string{"schema": `{"$ref":"file:///etc/passwd"}`}, "only to its own parts"},
		"example_fails_its_schema":     {map[string]string{"example": `{"type":"invoice.sent","timestamp":"2026-03-02T09:14:07Z","data":{"total":"3"}}`}, "data.total: must be an integer"},
		"example_of_another_type":      {map[string]string{"example": example("invoice.paid")}, "its example is of the type"},
		"unknown_member":               {map[string]string{"colour": `"red"`}, "colour"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := NewCatalog(entry(t, c.change))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to contain %q", err, c.want)
			}
		})
	}
	for name, file := range map[string]string{"not_json": "{", "not_a_list": "{}", "empty": ""} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewCatalog([]byte(file)); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestCatalog_Validate(t *testing.T) {
	c, err := NewCatalog(entry(t, map[string]string{
		"schema": `{"type":"object","required":["total"],"additionalProperties":false,"properties":{
			"total":{"type":"integer","minimum":1,"maximum":9007199254740993},
			"rate":{"type":"number","exclusiveMaximum":0.5},
			"currency":{"type":"string","pattern":"^[A-Z]{3}$"},
			"state":{"enum":["open","paid",null]},
			"note":{"type":["string","null"],"minLength":1},
			"customer":{"type":"object","properties":{"email":{"type":"string","format":"email"}},"required":["email"]},
			"items":{"type":"array","maxItems":2,"items":{"type":"object","required":["price"],"properties":{"price":{"type":"integer"}}}},
			"at":{"type":"string","format":"date-time"},
			"link":{"type":"string","format":"uri"},
			"either":{"anyOf":[{"type":"string"},{"type":"integer"}]},
			"a/b~c":{"type":"string"}}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		data string
		want Faults
	}{
		"fits":                    {`{"total":3,"note":null}`, nil},
		"big_integer_survives":    {`{"total":9007199254740993}`, nil},
		"big_integer_is_compared": {`{"total":9007199254740994}`, Faults{{Field: "data.total", Message: "must be at most 9007199254740993"}}},
		"missing":                 {`{}`, Faults{{Field: "data.total", Message: "is required"}}},
		"wrong_type":              {`{"total":"3"}`, Faults{{Field: "data.total", Message: "must be an integer"}}},
		"one_of_two_types":        {`{"total":3,"note":1}`, Faults{{Field: "data.note", Message: "must be a string or null"}}},
		"too_short":               {`{"total":3,"note":""}`, Faults{{Field: "data.note", Message: "must have at least 1 character"}}},
		"too_small":               {`{"total":0}`, Faults{{Field: "data.total", Message: "must be at least 1"}}},
		"fraction_bound":          {`{"total":3,"rate":1}`, Faults{{Field: "data.rate", Message: "must be less than 0.5"}}},
		"not_in_the_list":         {`{"total":3,"state":"lost"}`, Faults{{Field: "data.state", Message: "must be one of open, paid, null"}}},
		"pattern":                 {`{"total":3,"currency":"eur"}`, Faults{{Field: "data.currency", Message: "must match the pattern ^[A-Z]{3}$"}}},
		"email":                   {`{"total":3,"customer":{"email":"x"}}`, Faults{{Field: "data.customer.email", Message: "must be an email address"}}},
		"date-time":               {`{"total":3,"at":"yesterday"}`, Faults{{Field: "data.at", Message: "must be a date and time such as 2026-03-03T15:22:41Z"}}},
		"uri":                     {`{"total":3,"link":"/x"}`, Faults{{Field: "data.link", Message: "must be an absolute URI such as https://example.com/"}}},
		"nested_missing":          {`{"total":3,"customer":{}}`, Faults{{Field: "data.customer.email", Message: "is required"}}},
		"array_index":             {`{"total":3,"items":[{"price":"1"}]}`, Faults{{Field: "data.items.0.price", Message: "must be an integer"}}},
		"too_many_items":          {`{"total":3,"items":[{"price":1},{"price":1},{"price":1}]}`, Faults{{Field: "data.items", Message: "must have at most 2 items"}}},
		"alternatives":            {`{"total":3,"either":true}`, Faults{{Field: "data.either", Message: "has none of the forms that the schema allows"}}},
		"unknown_field":           {`{"total":3,"colour":1}`, Faults{{Field: "data.colour", Message: "is not a field of this event type"}}},
		"odd_name":                {`{"total":3,"a/b~c":1}`, Faults{{Field: "data.a/b~c", Message: "must be a string"}}},
		"each_field_once_in_order": {`{"note":"","currency":1}`, Faults{
			{Field: "data.currency", Message: "must be a string"}, {Field: "data.note", Message: "must have at least 1 character"}, {Field: "data.total", Message: "is required"}}},
		"not_an_object":  {`[]`, Faults{{Field: "data", Message: "must be a JSON object"}}},
		"duplicate_keys": {`{"total":3,"total":3}`, Faults{{Field: "data.total", Message: "occurs twice in the same object"}}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, c.Validate("invoice.sent", []byte(test.data))); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("unknown_type_is_invalid", func(t *testing.T) {
		want := Faults{{Field: "type", Message: "There is no event type org.exploded in the catalog."}}
		if diff := cmp.Diff(want, c.Validate("org.exploded", []byte(`{}`))); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("line_break_in_a_type_is_not_repeated", func(t *testing.T) {
		if got := c.Validate("a\r\nb", []byte(`{}`)).Error(); strings.ContainsAny(got, "\r\n") {
			t.Errorf("%q", got)
		}
	})
}

func TestFaults_Error(t *testing.T) {
	got := Faults{{Field: "url", Message: "is required"}, {Field: "data.a", Message: "must be a string"}, {More: 3}}.Error()
	if want := "url: is required; data.a: must be a string; and 3 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
