package webhook

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEnvelope_Bytes(t *testing.T) {
	at := time.Date(2026, 3, 3, 16, 22, 41, 530_999_999, time.FixedZone("CET", 3600))
	cases := map[string]struct {
		envelope Envelope
		want     string
	}{
		"as_the_design_writes_it": {
			Envelope{EventID: "evt_1", Type: "org.member.added", Timestamp: at, OrganizationID: "org_1", Data: []byte(`{"a":1}`)},
			`{"id":"evt_1","type":"org.member.added","timestamp":"2026-03-03T15:22:41.530Z","organizationId":"org_1","data":{"a":1}}`},
		"test_stands_beside_type": {
			Envelope{EventID: "evt_1", Type: "a.b", Timestamp: at, OrganizationID: "o", Test: true, Data: []byte(`{}`)},
			`{"id":"evt_1","type":"a.b","test":true,"timestamp":"2026-03-03T15:22:41.530Z","organizationId":"o","data":{}}`},
		"whole_second_has_three_decimals": {
			Envelope{EventID: "e", Type: "a.b", Timestamp: at.Truncate(time.Second), OrganizationID: "o", Data: []byte(`{}`)},
			`{"id":"e","type":"a.b","timestamp":"2026-03-03T15:22:41.000Z","organizationId":"o","data":{}}`},
		"organization_id_is_quoted": {
			Envelope{EventID: "e", Type: "a.b", Timestamp: at, OrganizationID: `a"b\` + "\n", Data: []byte(`{}`)},
			`{"id":"e","type":"a.b","timestamp":"2026-03-03T15:22:41.530Z","organizationId":"a\"b\\\n","data":{}}`},
		"data_keeps_its_text": {
			Envelope{EventID: "e", Type: "a.b", Timestamp: at, OrganizationID: "o",
				Data: []byte(" {\n \"z\" : 9007199254740993 , \"a\":[1e400, 1.10, -0],\"e\":\"\\u00e9\\/<>&\U0001F600\\ud83d\\ude00 \\u0000\" }\n")},
			`{"id":"e","type":"a.b","timestamp":"2026-03-03T15:22:41.530Z","organizationId":"o","data":` +
				`{"z":9007199254740993,"a":[1e400,1.10,-0],"e":"\u00e9\/<>&` + "\U0001F600" + `\ud83d\ude00 \u0000"}}`},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := test.envelope.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, envelope := range map[string]Envelope{
		"no_data_fails":        {Timestamp: at},
		"bad_data_fails":       {Timestamp: at, Data: []byte(`{"a":}`)},
		"second_value_fails":   {Timestamp: at, Data: []byte(`{},"organizationId":"x"`)},
		"year_10000_fails":     {Timestamp: at.AddDate(9000, 0, 0), Data: []byte(`{}`)},
		"invalid_UTF-8_fails":  {Timestamp: at, EventID: "\xff", Data: []byte(`{}`)},
		"unclosed_data_fails":  {Timestamp: at, Data: []byte(`{`)},
		"bad_UTF-8_data_fails": {Timestamp: at, Data: []byte("{\"a\":\"\xff\"}")},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := envelope.Bytes(); err == nil {
				t.Errorf("got %s", got)
			}
		})
	}
}

func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth-1) + "{}" + strings.Repeat("}", depth-1)
}

func TestCheckData(t *testing.T) {
	filled := func(size int) string { return `{"a":"` + strings.Repeat("x", size-8) + `"}` }
	cases := map[string]struct {
		data string
		want Faults
	}{
		"object":                   {`{"a":[1,{"b":null}],"c":"x"}`, nil},
		"surrounding_whitespace":   {" {} \n", nil},
		"256_KiB_passes":           {filled(MaxData), nil},
		"one_byte_more_is_refused": {filled(MaxData + 1), Faults{{Field: "data", Message: "must have at most 262144 bytes (256 KiB), it has 262145"}}},
		"nothing":                  {" ", Faults{{Field: "data", Message: "is required"}}},
		"array":                    {`[]`, Faults{{Field: "data", Message: "must be a JSON object"}}},
		"null":                     {`null`, Faults{{Field: "data", Message: "must be a JSON object"}}},
		"text":                     {`"a"`, Faults{{Field: "data", Message: "must be a JSON object"}}},
		"trailing_bytes":           {`{} {}`, Faults{{Field: "data", Message: "must end after its object"}}},
		"trailing_rubbish":         {`{}x`, Faults{{Field: "data", Message: "must end after its object"}}},
		"cut_short":                {`{"a":1`, Faults{{Field: "data", Message: "must be JSON: it ends too early"}}},
		"not_json":                 {`{a:1}`, Faults{{Field: "data", Message: "must be JSON: there is a fault at byte 1"}}},
		"leading_zero":             {`{"a":01}`, Faults{{Field: "data", Message: "must be JSON: there is a fault at byte 6"}}},
		"duplicate_keys":           {`{"a":1,"a":2}`, Faults{{Field: "data.a", Message: "occurs twice in the same object"}}},
		"duplicate_keys_inside":    {`{"a":[{"b":1,"b":2}]}`, Faults{{Field: "data.a.0.b", Message: "occurs twice in the same object"}}},
		"duplicate_by_escape":      {`{"a":1,"\u0061":2}`, Faults{{Field: "data.a", Message: "occurs twice in the same object"}}},
		"unpaired_high_surrogate":  {`{"a":"x\ud83dy"}`, Faults{{Field: "data.a", Message: "has an unpaired surrogate"}}},
		"unpaired_low_surrogate":   {`{"a":"\uDE00"}`, Faults{{Field: "data.a", Message: "has an unpaired surrogate"}}},
		"two_high_surrogates":      {`{"a":"\ud83d\ud83d"}`, Faults{{Field: "data.a", Message: "has an unpaired surrogate"}}},
		"paired_surrogates":        {`{"a":"\ud83d\ude00"}`, nil},
		"emoji":                    {"{\"a\":\"\U0001F469\u200D\U0001F469\u200D\U0001F467\"}", nil},
		"invalid_UTF-8":            {"{\"a\":\"\xff\"}", Faults{{Field: "data", Message: "must be valid UTF-8"}}},
		"2_to_the_53_plus_1":       {`{"a":9007199254740993}`, nil},
		"1e400":                    {`{"a":1e400}`, nil},
		"exponent_of_five_digits":  {`{"a":{"b":1E+10000}}`, Faults{{Field: "data.a.b", Message: "has an exponent of more than four digits"}}},
		"exponent_of_zeros":        {`{"a":1e` + strings.Repeat("0", 5000) + `1}`, Faults{{Field: "data.a", Message: "has an exponent of more than four digits"}}},
		"exponent_of_five_zeros":   {`{"a":1e-00000}`, Faults{{Field: "data.a", Message: "has an exponent of more than four digits"}}},
		"exponent_past_an_integer": {`{"a":1e-99999999999999999999}`, Faults{{Field: "data.a", Message: "has an exponent of more than four digits"}}},
		"128_deep_passes":          {nested(128), nil},
		"129_deep_is_refused":      {nested(129), Faults{{Field: "data", Message: "must be nested at most 128 deep"}}},
		"very_deep_is_refused":     {`{"a":` + strings.Repeat("[", 200_000), Faults{{Field: "data", Message: "must be nested at most 128 deep"}}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, CheckData([]byte(test.data))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzEnvelope holds that what CheckData accepts can be written, and read again
// as the same value, and that it is never refused without a fault to show.
func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1e400}`, "{ \"a\" : \"\\u00e9\" }", `{"a":1,"a":2}`, `{"a":"\ud83d"}`, nested(128), `{} {}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if faults := CheckData(data); len(faults) > 0 {
			return
		}
		body, err := Envelope{EventID: "e", Type: "a.b", Data: data}.Bytes()
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		var read struct{ Data json.RawMessage }
		if err := json.Unmarshal(body, &read); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, data); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if diff := cmp.Diff(want.String(), string(read.Data)); diff != "" {
			t.Error(diff)
		}
	})
}
