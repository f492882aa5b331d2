package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hookwell/internal/apitest"
	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/web/request"
	"hookwell/webhook"
)

func TestAPIEventCreate(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.Endpoint(t, f.Own)
		f.Endpoint(t, f.Other)
		r := f.Call(t, f.Key, "POST", "/api/v1/events", apitest.Report(t, "payment.failed"))
		accepted := r.Object(t, http.StatusAccepted)
		id, _ := accepted["id"].(string)
		if !strings.HasPrefix(id, "evt_") || accepted["type"] != "payment.failed" || accepted["deliveries"] != 1.0 || len(accepted) != 3 {
			t.Errorf("answer %v", accepted)
		}
		if r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("headers %v", r.Header)
		}

		event := f.Call(t, f.Key, "GET", "/api/v1/events/"+id, "").Object(t, http.StatusOK)
		if event["origin"] != "api" || event["test"] != false || event["deliveries"] != 1.0 || event["data"] == nil {
			t.Errorf("event %v", event)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", event["timestamp"].(string)); err != nil {
			t.Error(err)
		}
		list := f.Call(t, f.Key, "GET", "/api/v1/events?type=payment.*", "").Object(t, http.StatusOK)
		rows := list["data"].([]any)
		if len(rows) != 1 || rows[0].(map[string]any)["id"] != id || list["nextCursor"] != nil {
			t.Errorf("list %v", list)
		}
		if none := f.Call(t, f.Key, "GET", "/api/v1/events?type=org.*", "").Object(t, http.StatusOK); len(none["data"].([]any)) != 0 {
			t.Errorf("list of another type %v", none)
		}
	})
}

// storedBody is the envelope that an event's receivers get.
func (f *fixture) storedBody(t *testing.T, r apitest.Reply) string {
	t.Helper()
	event, err := f.Own.Event(t.Context(), r.Object(t, http.StatusAccepted)["id"].(string))
	must(t, err)
	return string(event.Body)
}

func TestAPIEventCreate_keeps_the_text_of_its_data(t *testing.T) {
	f := newFixture(t)
	data := strings.Replace(storetest.Example(t, "org.created"), "{", `{"zeta": 9007199254740993, "huge":1e400,"tiny": -0.10, "alpha":{"b":1,"a":2}, "emoji":"\ud83d\ude00 é",`, 1)
	r := f.Call(t, f.Key, "POST", "/api/v1/events", `{"data": `+data+`, "timestamp":"2026-03-03T17:22:41.5309+02:00", "type":"org.created"}`)
	body := f.storedBody(t, r)
	for _, kept := range []string{`"data":{"zeta":9007199254740993,"huge":1e400,"tiny":-0.10,"alpha":{"b":1,"a":2},"emoji":"\ud83d\ude00 é",`,
		`"timestamp":"2026-03-03T15:22:41.530Z"`} {
		if !strings.Contains(body, kept) {
			t.Errorf("%s\nlacks %s", body, kept)
		}
	}
	read := f.Call(t, f.Key, "GET", "/api/v1/events/"+r.Object(t, http.StatusAccepted)["id"].(string), "")
	if !bytes.Contains(read.Body, []byte(`{"zeta":9007199254740993,"huge":1e400,"tiny":-0.10,"alpha":{"b":1,"a":2},"emoji":"\ud83d\ude00 é",`)) {
		t.Errorf("read again: %s", read.Body)
	}
}

func TestAPIEventCreate_limits_the_data_to_256_KiB(t *testing.T) {
	f := newFixture(t)
	sized := func(size int) string {
		data := strings.TrimSuffix(strings.TrimSpace(storetest.Example(t, "org.created")), "}") + `,"padding":"`
		return fmt.Sprintf(`{"type":"org.created","data":%s%s"}}`, data, strings.Repeat("x", size-len(data)-2))
	}
	f.Call(t, f.Key, "POST", "/api/v1/events", sized(webhook.MaxData)).Object(t, http.StatusAccepted)
	f.Unchanged(t, func() {
		f.Call(t, f.Key, "POST", "/api/v1/events", sized(webhook.MaxData+1)).IsProblem(t, 413, "data_too_large", "data")
	})
}

// badReports are bodies of POST /events and what each gets.
func badReports(t *testing.T) map[string]struct {
	body        string
	status      int
	code, field string
} {
	data := storetest.Example(t, "payment.failed")
	with := func(data string) string { return `{"type":"payment.failed","data":` + data + `}` }
	adding := func(member string) string { return strings.Replace(data, "{", "{"+member+",", 1) }
	return map[string]struct {
		body        string
		status      int
		code, field string
	}{
		"no JSON":                  {`{"type":`, 400, "invalid_json", ""},
		"half of JSON":             {`{"type":"a" "data"}`, 400, "invalid_json", ""},
		"two values":               {with(data) + `{}`, 400, "invalid_json", ""},
		"a word behind it":         {with(data) + `x`, 400, "invalid_json", ""},
		"nothing but space":        {"  \n", 400, "invalid_json", ""},
		"a list":                   {`[` + with(data) + `]`, 400, "not_an_object", ""},
		"null":                     {`null`, 400, "not_an_object", ""},
		"an unfinished list":       {`[1`, 400, "invalid_json", ""},
		"unknown type":             {`{"type":"nothing.happened","data":{}}`, 422, "invalid", "type"},
		"no type":                  {`{"data":{}}`, 422, "invalid", "type"},
		"type of the wrong type":   {`{"type":7,"data":{}}`, 422, "invalid", "type"},
		"no data":                  {`{"type":"payment.failed"}`, 422, "invalid", "data"},
		"data null":                {with(`null`), 422, "invalid", "data"},
		"data a list":              {with(`[]`), 422, "invalid", "data"},
		"data against its schema":  {with(`{}`), 422, "invalid", "data.paymentId"},
		"unknown field":            {strings.Replace(with(data), `"type"`, `"kind":"x","type"`, 1), 422, "invalid", "kind"},
		"a field twice":            {strings.Replace(with(data), `"type"`, `"type":"org.created","type"`, 1), 422, "invalid", "type"},
		"data twice":               {strings.TrimSuffix(with(data), "}") + `,"data":{}}`, 422, "invalid", "data"},
		"a key of data twice":      {with(adding(`"same":1,"same":2`)), 422, "invalid", "data.same"},
		"a deep key twice":         {with(adding(`"in":{"side":[{"k":1,"k":2}]}`)), 422, "invalid", "data.in.side.0.k"},
		"half a character in data": {with(adding(`"half":"\ud800"`)), 422, "invalid", "data.half"},
		"half a character":         {`{"type":"\udc00","data":{}}`, 422, "invalid", "type"},
		"no UTF-8 in data":         {with(adding("\"bytes\":\"\xff\"")), 422, "invalid", "data"},
		"no UTF-8":                 {"{\"type\":\"\xff\",\"data\":{}}", 422, "invalid", "type"},
		"bad time":                 {strings.Replace(with(data), `"type"`, `"timestamp":"yesterday","type"`, 1), 422, "invalid", "timestamp"},
		"a number as time":         {strings.Replace(with(data), `"type"`, `"timestamp":1773000000,"type"`, 1), 422, "invalid", "timestamp"},
		"a time before all others": {strings.Replace(with(data), `"type"`, `"timestamp":"0001-01-01T00:00:00Z","type"`, 1), 422, "invalid", "timestamp"},
		"organization a number":    {strings.Replace(with(data), `"type"`, `"organizationId":1,"type"`, 1), 422, "invalid", "organizationId"},
		"deeper than anything":     {with(`{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`), 422, "invalid", "data"},
		"more members than any":    {with(`{}`)[:1] + strings.Repeat(`"a":1,`, 1) + manyMembers(300) + `}`, 422, "invalid", "m0"},
	}
}

func manyMembers(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"m%d":1`, i)
	}
	return strings.Join(members, ",")
}

func TestAPIEventCreate_bad_input(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.Endpoint(t, f.Own)
		f.Unchanged(t, func() {
			for name, bad := range badReports(t) {
				t.Run(name, func(t *testing.T) {
					f.Call(t, f.Key, "POST", "/api/v1/events", bad.body).IsProblem(t, bad.status, bad.code, bad.field)
				})
			}
			f.Call(t, f.Key, "POST", "/api/v1/events", apitest.Report(t, "org.created"), "Idempotency-Key", strings.Repeat("k", 256)).
				IsProblem(t, 422, "invalid", "Idempotency-Key")
			f.Call(t, f.Key, "POST", "/api/v1/events", apitest.Report(t, "org.created"), "Idempotency-Key", " ").
				IsProblem(t, 422, "invalid", "Idempotency-Key")
			f.Call(t, f.Key, "POST", "/api/v1/events", apitest.Report(t, "org.created"), "Idempotency-Key", "k\xff").
				IsProblem(t, 422, "invalid", "Idempotency-Key")
			f.Call(t, f.Key, "POST", "/api/v1/events", apitest.Report(t, "org.created"), "Content-Type", "text/plain").
				IsProblem(t, 415, "unsupported_media_type", "")
			f.Call(t, f.Key, "POST", "/api/v1/events", apitest.Report(t, "org.created"), "Content-Encoding", "gzip").
				IsProblem(t, 415, "unsupported_media_type", "")
			f.Call(t, f.Key, "POST", "/api/v1/events", "").IsProblem(t, 415, "unsupported_media_type", "")
		})
	})
}

// Such a body is refused unread, so this one is not even sent.
func TestAPIEventCreate_refuses_a_body_longer_than_any(t *testing.T) {
	f := newFixture(t)
	host := strings.TrimPrefix(f.Base, "http://")
	conn, err := net.Dial("tcp", host)
	must(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", host, 2*request.MaxBody)
	must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	body, err := io.ReadAll(response.Body)
	must(t, err)
	apitest.Reply{Status: response.StatusCode, Header: response.Header, Body: body}.IsProblem(t, 413, "too_large", "data")
}

func TestAPIEventCreate_says_where_JSON_ends(t *testing.T) {
	f := newFixture(t)
	detail := f.Call(t, f.Key, "POST", "/api/v1/events", "{\n  \"type\": nil}").Object(t, 400)["detail"].(string)
	if !strings.Contains(detail, "line 2, column 12") {
		t.Error(detail)
	}
}

func TestAPIEventCreate_media_types(t *testing.T) {
	f := newFixture(t)
	for _, mediaType := range []string{"application/json; charset=utf-8", "application/cloudevents+json", "Application/JSON"} {
		f.Call(t, f.Key, "POST", "/api/v1/events", apitest.Report(t, "org.created"), "Content-Type", mediaType).Object(t, http.StatusAccepted)
	}
}

func TestAPIEventCreate_idempotency(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.Endpoint(t, f.Own)
		send := func(key, body string) apitest.Reply {
			return f.Call(t, key, "POST", "/api/v1/events", body, "Idempotency-Key", "order-17")
		}
		first := send(f.Key, apitest.Report(t, "payment.failed"))
		again := send(f.Key, apitest.Report(t, "payment.failed"))
		if first.Status != 202 || again.Status != 202 || !bytes.Equal(first.Body, again.Body) {
			t.Errorf("first %d %s, again %d %s", first.Status, first.Body, again.Status, again.Body)
		}
		if first.Header.Get("Idempotent-Replayed") != "" || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("replayed: first %v, again %v", first.Header, again.Header)
		}
		f.Unchanged(t, func() {
			send(f.Key, apitest.Report(t, "org.created")).IsProblem(t, 409, "idempotency_conflict", "")
		})
		if send(f.OtherKey, apitest.Report(t, "org.created")).Status != 202 {
			t.Error("another organization's key of the same text is not free")
		}
		if n := f.Count(t, "deliveries"); n != 1 {
			t.Errorf("%d deliveries, want 1", n)
		}
		f.Clock.Advance(24*time.Hour + time.Minute)
		if late := send(f.Key, apitest.Report(t, "org.created")); late.Status != 202 || late.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("a day later: %d %s", late.Status, late.Body)
		}
	})
}

func TestAPIEventCreate_concurrent_twins_are_one_event(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		f.Endpoint(t, f.Own)
		body := apitest.Report(t, "payment.failed")
		replies := make([]apitest.Reply, 20)
		var twins sync.WaitGroup
		for i := range replies {
			twins.Go(func() {
				replies[i] = f.Call(t, f.Key, "POST", "/api/v1/events", body, "Idempotency-Key", "twin")
			})
		}
		twins.Wait()
		fresh := 0
		for _, r := range replies {
			if r.Status != 202 || !bytes.Equal(r.Body, replies[0].Body) {
				t.Errorf("%d %s, the first was %s", r.Status, r.Body, replies[0].Body)
			}
			if r.Header.Get("Idempotent-Replayed") == "" {
				fresh++
			}
		}
		if fresh != 1 || f.Count(t, "events") != 1 || f.Count(t, "deliveries") != 1 {
			t.Errorf("%d fresh answers, %d events, %d deliveries; want one of each", fresh, f.Count(t, "events"), f.Count(t, "deliveries"))
		}
	})
}

func TestAPIEventTypes(t *testing.T) {
	f := newFixture(t)
	list := f.Call(t, f.Scoped(t, f.Own, "read"), "GET", "/api/v1/event-types", "").Object(t, http.StatusOK)
	if types := list["data"].([]any); len(types) != 22 || list["nextCursor"] != nil {
		t.Errorf("%d types, cursor %v", len(types), list["nextCursor"])
	}
	one := f.Call(t, f.Platform, "GET", "/api/v1/event-types/payment.failed", "").Object(t, http.StatusOK)
	for _, name := range []string{"type", "category", "description", "firesWhen", "schema", "example"} {
		if one[name] == nil || one[name] == "" {
			t.Errorf("no %s in %v", name, one)
		}
	}
	f.Call(t, f.Key, "GET", "/api/v1/event-types/nothing", "").IsProblem(t, 404, "not_found", "")
	f.Call(t, f.Key, "GET", "/api/v1/event-types?organizationId="+f.Other.Organization().ID, "").IsProblem(t, 404, "not_found", "")
}

func TestAPIEventList_pages(t *testing.T) {
	f := newFixture(t)
	for range 5 {
		_, err := f.Own.Publish(t.Context(), models.NewEvent{Type: "org.created", Data: []byte(storetest.Example(t, "org.created"))})
		must(t, err)
	}
	seen := map[string]bool{}
	path := "/api/v1/events?limit=2"
	for pages := 1; ; pages++ {
		list := f.Call(t, f.Key, "GET", path, "").Object(t, http.StatusOK)
		for _, row := range list["data"].([]any) {
			seen[row.(map[string]any)["id"].(string)] = true
		}
		if list["nextCursor"] == nil {
			if pages != 3 || len(seen) != 5 {
				t.Errorf("%d pages with %d events, want 3 with 5", pages, len(seen))
			}
			return
		}
		path = "/api/v1/events?limit=2&cursor=" + list["nextCursor"].(string)
	}
}
