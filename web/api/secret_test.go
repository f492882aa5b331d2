package api_test

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"hookwell/models/store"
)

const importedText = "the text of an older sender"

var madeSecret = regexp.MustCompile(`^whsec_[A-Za-z0-9+/]{43}=$`)

func TestAPIRotateSecret(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		path := "/api/v1/endpoints/" + f.Endpoint(t, f.Own).ID
		read := f.Call(t, f.Key, "GET", path, "").Object(t, http.StatusOK)
		rotate := func(body string) map[string]any {
			t.Helper()
			r := f.Call(t, f.Key, "POST", path+"/rotate-secret", body)
			got := r.Object(t, http.StatusOK)
			if r.Header.Get("Cache-Control") != "no-store" {
				t.Error("the answer may be stored")
			}
			return got
		}
		got := rotate(`{}`)
		if secret, _ := got["secret"].(string); !madeSecret.MatchString(secret) || got["standardSecret"] != nil || got["id"] != read["id"] || got["url"] != read["url"] {
			t.Errorf("rotating answers %v", got)
		}
		got = rotate(`{"overlapHours":0,"secret":"` + importedText + `"}`)
		if got["secret"] != importedText || got["standardSecret"] != "whsec_"+base64.StdEncoding.EncodeToString([]byte(importedText)) {
			t.Errorf("importing answers %v", got)
		}
		if again := f.Call(t, f.Key, "GET", path, "").Object(t, http.StatusOK); again["secret"] != nil || again["standardSecret"] != nil {
			t.Error("reading shows the secret")
		}
		for range store.MaxSecrets - 1 {
			rotate(`{"overlapHours":168,"secret":null}`)
		}
		f.Unchanged(t, func() {
			f.Call(t, f.Key, "POST", path+"/rotate-secret", `{"overlapHours":1}`).IsProblem(t, 409, "too_many_secrets", "")
			for body, field := range map[string]string{
				`{"overlapHours":-1}`: "overlapHours", `{"overlapHours":169}`: "overlapHours", `{"overlapHours":1.5}`: "overlapHours",
				`{"overlapHours":"24"}`: "overlapHours", `{"secret":"short"}`: "secret", `{"secret":5}`: "secret", `{"secret":""}`: "secret",
				`{"secret":"` + importedText + `"}`: "secret", `{"secret":"` + strings.Repeat("x", 257) + `"}`: "secret",
				`{"secret":"whsec_AAAA"}`: "secret", `{"hours":1}`: "hours",
			} {
				f.Call(t, f.Key, "POST", path+"/rotate-secret", body).IsProblem(t, 422, "invalid", field)
			}
			f.Call(t, f.Key, "PATCH", path, `{"secret":"another text of a sender"}`).IsProblem(t, 422, "invalid", "secret")
		})
		made := f.Call(t, f.Key, "POST", "/api/v1/endpoints", `{"url":"`+f.Receiver.URL+`","eventTypes":["*"],"secret":"`+importedText+`"}`).Object(t, http.StatusCreated)
		if made["secret"] != importedText {
			t.Errorf("importing with a new endpoint answers %v", made)
		}
		if strings.Contains(f.Log.String(), importedText) {
			t.Error("the secret is in the log")
		}
	})
}
