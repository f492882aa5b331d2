package api

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"hookwell/internal/apitest"
	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/webhook"
)

var must = storetest.Must

// must is for the tests that know the package from inside.
func readReport(body []byte) (eventBody, webhook.Faults, error) {
	var b eventBody
	faults, err := readBody(body, b.member)
	return b, faults, err
}

func TestReadBody_names_every_field_at_fault(t *testing.T) {
	_, faults, err := readReport([]byte(`{"type":1,"data":{},"timestamp":"x","organizationId":[],"colour":{"a":1,"a":2},"data":{}}`))
	must(t, err)
	var fields []string
	for _, fault := range faults {
		fields = append(fields, fault.Field)
	}
	if diff := cmp.Diff([]string{"type", "timestamp", "organizationId", "colour", "data"}, fields); diff != "" {
		t.Error(diff)
	}
}

func TestReadBody_takes_no_flood_of_members(t *testing.T) {
	var flood strings.Builder
	for i := range 100_000 {
		flood.WriteString(`,"` + strings.Repeat("m", i%300) + `":1`)
	}
	_, faults, err := readReport([]byte(`{"type":"org.created"` + flood.String() + `}`))
	must(t, err)
	if len(faults) > maxMembers+1 {
		t.Errorf("%d faults", len(faults))
	}
	for _, fault := range faults {
		if len(fault.Field) > maxFieldName+len("…") {
			t.Fatalf("a field of %d bytes", len(fault.Field))
		}
	}
}

// The data must outlive the request, whose memory is used again.
func TestEventBody_data_is_a_copy(t *testing.T) {
	body := []byte(`{"type":"org.created","data":{"a":1}}`)
	b, _, err := readReport(body)
	must(t, err)
	clear(body)
	if string(b.event.Data) != `{"a":1}` || b.event.Type != "org.created" {
		t.Errorf("type %q, data %q", b.event.Type, b.event.Data)
	}
}

// FuzzEventBody holds the reader against the JSON package's own strict reading:
// what it refuses is refused here, and what it accepts is read the same.
func FuzzEventBody(f *testing.F) {
	for _, seed := range []string{
		`{"type":"org.created","data":{"a":[1,2,{"b":1e400}]},"timestamp":"2026-03-03T15:22:41Z","organizationId":"x"}`,
		`{"type":"a","data":{"x":"\ud800"}}`, "{\"type\":\"\xff\"}", `{"type":"a","type":"b"}`, `{"data":{"a":1,"a":2}}`, `[]`, `{`, ``, ` `, `{}{}`, `null`,
		`{"type":null,"data":null,"timestamp":null,"organizationId":null}`, `{"a":1}`, `{"\u0074ype":"escaped"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, faults, err := readReport(body)
		var strict struct {
			Type           string         `json:"type"`
			Data           jsontext.Value `json:"data"`
			Timestamp      *string        `json:"timestamp"`
			OrganizationID *string        `json:"organizationId"`
		}
		strictErr := jsonx.Unmarshal(body, &strict, jsonx.RejectUnknownMembers(true))
		if err != nil {
			var told *models.Error
			if !errors.As(err, &told) || told.Kind != models.Malformed {
				t.Fatalf("an error of another kind: %v", err)
			}
			if strictErr == nil && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
				t.Fatalf("refused though it is JSON: %v", err)
			}
			return
		}
		if len(faults) == 0 {
			faults = webhook.CheckData(b.event.Data)
		}
		if len(faults) > 0 {
			return
		}
		if strictErr != nil {
			t.Fatalf("accepted, but %v", strictErr)
		}
		if b.event.Type != strict.Type || !bytes.Equal(b.event.Data, strict.Data) {
			t.Fatalf("read %q and %s, want %q and %s", b.event.Type, b.event.Data, strict.Type, strict.Data)
		}
	})
}

// BenchmarkReadBody is the reading alone.
func BenchmarkReadBody(b *testing.B) {
	body := []byte(apitest.Report(b, "payment.failed"))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, faults, err := readReport(body); err != nil || len(faults) > 0 {
			b.Fatal(faults, err)
		}
	}
}
