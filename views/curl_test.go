package views

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
)

// A shell reads the command back, whatever stands in it.
func TestCurl_is_read_by_a_shell_as_it_was_sent(t *testing.T) {
	body := "@{\"a\": \"it's $(id) `id` !! \\\\ \",\n\"b\": [\"é\"]}"
	attempt := &models.Attempt{RequestURL: "https://example.com/in?a[]={1,2}&b='c'", RequestHeaders: models.Headers{
		{Name: "content-type", Value: "application/json"}, {Name: "X-Own", Value: "••••"}, {Name: "accept-encoding", Value: "gzip"},
		{Name: "host", Value: "example.com"}, {Name: "content-length", Value: "9"},
	}}
	command := exec.CommandContext(t.Context(), "sh", "-c", `curl() { printf '%s\0' "$@"; }; `+curl(attempt, []byte(body)))
	read, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"--globoff", attempt.RequestURL, "--header", "content-type: application/json", "--header", "X-Own: ••••", "--data-raw", body, ""}
	if diff := cmp.Diff(want, strings.Split(string(read), "\x00")); diff != "" {
		t.Error(diff)
	}
}
