package api

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"hookwell/models"
	"hookwell/webhook"
)

// TestDocs_have_the_bounds_of_an_endpoint holds the numbers of the docs to those
// that the server checks.
func TestDocs_have_the_bounds_of_an_endpoint(t *testing.T) {
	page := func(name string) string {
		text, err := os.ReadFile("../../docs/" + name)
		must(t, err)
		return string(text)
	}
	api, delivery := page("api.md"), page("delivery.md")
	row := func(names string) string {
		_, row, found := strings.Cut(api, "\n| "+names+" | ")
		if !found {
			t.Fatalf("docs/api.md has no row of %s", names)
		}
		row, _, _ = strings.Cut(row, "\n")
		return row
	}
	wants := func(where, text string, words ...string) {
		for _, want := range words {
			if !strings.Contains(text, want) {
				t.Errorf("%s says %q; want %q in it", where, text, want)
			}
		}
	}
	in := models.NewEndpointInput()
	for _, field := range models.EndpointFields() {
		switch {
		case field.IsNumber():
			wants(field.Name, row("`"+field.Name+"`"), fmt.Sprintf("1 to %d", field.Most), fmt.Sprintf("| `%d` |", field.Value(&in)))
		case field.Choices != nil:
			wants(field.Name, row("`"+field.Name+"`"), "`"+strings.Join(field.Choices, "`, `")+"`")
		case field.MaxLength > 0 && field.Part != models.AddressPart:
			wants(field.Name, row("`"+field.Name+"`"), fmt.Sprintf("up to %d characters", field.MaxLength))
		}
	}
	wants("name", row("`name`, `description`"), fmt.Sprintf("up to %d and %d characters", models.MaxName, models.MaxEndpointDescription))
	wants("schedule", row("`schedule`"), fmt.Sprintf("1 to %d delays in seconds, %d days in all", webhook.MaxDelays, webhook.MaxScheduleDays), "`"+webhook.Schedules()[0].Name+"` |")
	wants("secret", row("`secret`"), fmt.Sprintf("%d to %d characters", webhook.MinSecretText, webhook.MaxSecretText))
	wants("headers", row("`headers`"), fmt.Sprintf("up to %d;", models.MaxOwnHeaders))
	if want := fmt.Sprintf("(1 to %d seconds, %d by default,", models.MaxTimeoutSeconds, models.DefaultTimeoutSeconds); !strings.Contains(delivery, want) {
		t.Errorf("docs/delivery.md does not say %q", want)
	}
	if want := fmt.Sprintf("`maxInFlight` attempts (%d by default)", models.DefaultMaxInFlight); !strings.Contains(delivery, want) {
		t.Errorf("docs/delivery.md does not say %q", want)
	}
	if want := fmt.Sprintf("| your own | 1 to %d | at most %d days in all", webhook.MaxDelays, webhook.MaxScheduleDays); !strings.Contains(delivery, want) {
		t.Errorf("docs/delivery.md does not say %q", want)
	}
}

// A receiver reads in the document what follows its answers.
func TestDocumentWebhooks_name_the_setting_of_retries(t *testing.T) {
	catalog, err := webhook.NewCatalog(nil)
	must(t, err)
	hooks := documentWebhooks(catalog)
	if len(hooks) == 0 {
		t.Fatal("documentWebhooks() returned none")
	}
	for name, item := range hooks {
		if said := item["post"].Responses["2XX"].Description; !strings.Contains(said, "unless the endpoint's retryStatuses say otherwise") {
			t.Errorf("%s says %q; want that retryStatuses may say otherwise", name, said)
		}
	}
}
