package web

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

	"hookwell/models"
	"hookwell/webhook"
)

func TestAPIEventCreate(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		f.endpoint(t, f.own)
		f.endpoint(t, f.other)
		r := f.call(t, f.key, "POST", "/api/v1/events", report(t, "payment.failed"))
		accepted := r.object(t, http.StatusAccepted)
		id, _ := accepted["id"].(string)
		if !strings.HasPrefix(id, "evt_") || accepted["type"] != "payment.failed" || accepted["deliveries"] != 1.0 || len(accepted) != 3 {
			t.Errorf("answer %v", accepted)
		}
		if r.header.Get("Content-Type") != "application/json" || r.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("headers %v", r.header)
		}

		event := f.call(t, f.key, "GET", "/api/v1/events/"+id, "").object(t, http.StatusOK)
		if event["origin"] != "api" || event["test"] != false || event["deliveries"] != 1.0 || event["data"] == nil {
			t.Errorf("event %v", event)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", event["timestamp"].(string)); err != nil {
			t.Error(err)
		}
		list := f.call(t, f.key, "GET", "/api/v1/events?type=payment.*", "").object(t, http.StatusOK)
		rows := list["data"].([]any)
		if len(rows) != 1 || rows[0].(map[string]any)["id"] != id || list["nextCursor"] != nil {
			t.Errorf("list %v", list)
		}
		if none := f.call(t, f.key, "GET", "/api/v1/events?type=org.*", "").object(t, http.StatusOK); len(none["data"].([]any)) != 0 {
			t.Errorf("list of another type %v", none)
		}
	})
}

// storedBody is the envelope that an event's receivers get.
func (f *apiFixture) storedBody(t *testing.T, r reply) string {
	t.Helper()
	event, err := f.own.Event(t.Context(), r.object(t, http.StatusAccepted)["id"].(string))
	must(t, err)
	return string(event.Body)
}

func TestAPIEventCreate_keeps_the_text_of_its_data(t *testing.T) {
	f := newAPIFixture(t)
	data := strings.Replace(example(t, "org.created"), "{", `{"zeta": 9007199254740993, "huge":1e400,"tiny": -0.10, "alpha":{"b":1,"a":2}, "emoji":"\ud83d\ude00 é",`, 1)
	r := f.call(t, f.key, "POST", "/api/v1/events", `{"data": `+data+`, "timestamp":"2026-03-03T17:22:41.5309+02:00", "type":"org.created"}`)
	body := f.storedBody(t, r)
	for _, kept := range []string{`"data":{"zeta":9007199254740993,"huge":1e400,"tiny":-0.10,"alpha":{"b":1,"a":2},"emoji":"\ud83d\ude00 é",`,
		`"timestamp":"2026-03-03T15:22:41.530Z"`} {
		if !strings.Contains(body, kept) {
			t.Errorf("%s\nlacks %s", body, kept)
		}
	}
	read := f.call(t, f.key, "GET", "/api/v1/events/"+r.object(t, http.StatusAccepted)["id"].(string), "")
	if !bytes.Contains(read.body, []byte(`{"zeta":9007199254740993,"huge":1e400,"tiny":-0.10,"alpha":{"b":1,"a":2},"emoji":"\ud83d\ude00 é",`)) {
		t.Errorf("read again: %s", read.body)
	}
}

func TestAPIEventCreate_limits_the_data_to_256_KiB(t *testing.T) {
	f := newAPIFixture(t)
	sized := func(size int) string {
		data := strings.TrimSuffix(strings.TrimSpace(example(t, "org.created")), "}") + `,"padding":"`
		return fmt.Sprintf(`{"type":"org.created","data":%s%s"}}`, data, strings.Repeat("x", size-len(data)-2))
	}
	f.call(t, f.key, "POST", "/api/v1/events", sized(webhook.MaxData)).object(t, http.StatusAccepted)
	f.unchanged(t, func() {
		f.call(t, f.key, "POST", "/api/v1/events", sized(webhook.MaxData+1)).isProblem(t, 413, "data_too_large", "data")
	})
}

// badReports are bodies of POST /events and what each gets.
func badReports(t *testing.T) map[string]struct {
	body        string
	status      int
	code, field string
} {
	data := example(t, "payment.failed")
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
	apiStores(t, func(t *testing.T, f *apiFixture) {
		f.endpoint(t, f.own)
		f.unchanged(t, func() {
			for name, bad := range badReports(t) {
				t.Run(name, func(t *testing.T) {
					f.call(t, f.key, "POST", "/api/v1/events", bad.body).isProblem(t, bad.status, bad.code, bad.field)
				})
			}
			f.call(t, f.key, "POST", "/api/v1/events", report(t, "org.created"), "Idempotency-Key", strings.Repeat("k", 256)).
				isProblem(t, 422, "invalid", "Idempotency-Key")
			f.call(t, f.key, "POST", "/api/v1/events", report(t, "org.created"), "Idempotency-Key", " ").
				isProblem(t, 422, "invalid", "Idempotency-Key")
			f.call(t, f.key, "POST", "/api/v1/events", report(t, "org.created"), "Idempotency-Key", "k\xff").
				isProblem(t, 422, "invalid", "Idempotency-Key")
			f.call(t, f.key, "POST", "/api/v1/events", report(t, "org.created"), "Content-Type", "text/plain").
				isProblem(t, 415, "unsupported_media_type", "")
			f.call(t, f.key, "POST", "/api/v1/events", report(t, "org.created"), "Content-Encoding", "gzip").
				isProblem(t, 415, "unsupported_media_type", "")
			f.call(t, f.key, "POST", "/api/v1/events", "").isProblem(t, 415, "unsupported_media_type", "")
		})
	})
}

// Such a body is refused unread, so this one is not even sent.
func TestAPIEventCreate_refuses_a_body_longer_than_any(t *testing.T) {
	f := newAPIFixture(t)
	host := strings.TrimPrefix(f.base, "http://")
	conn, err := net.Dial("tcp", host)
	must(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", host, 2*maxBody)
	must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	body, err := io.ReadAll(response.Body)
	must(t, err)
	reply{response.StatusCode, response.Header, body}.isProblem(t, 413, "too_large", "data")
}

func TestAPIEventCreate_says_where_JSON_ends(t *testing.T) {
	f := newAPIFixture(t)
	detail := f.call(t, f.key, "POST", "/api/v1/events", "{\n  \"type\": nil}").object(t, 400)["detail"].(string)
	if !strings.Contains(detail, "line 2, column 12") {
		t.Error(detail)
	}
}

func TestAPIEventCreate_media_types(t *testing.T) {
	f := newAPIFixture(t)
	for _, mediaType := range []string{"application/json; charset=utf-8", "application/cloudevents+json", "Application/JSON"} {
		f.call(t, f.key, "POST", "/api/v1/events", report(t, "org.created"), "Content-Type", mediaType).object(t, http.StatusAccepted)
	}
}

func TestAPIEventCreate_idempotency(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		f.endpoint(t, f.own)
		send := func(key, body string) reply {
			return f.call(t, key, "POST", "/api/v1/events", body, "Idempotency-Key", "order-17")
		}
		first := send(f.key, report(t, "payment.failed"))
		again := send(f.key, report(t, "payment.failed"))
		if first.status != 202 || again.status != 202 || !bytes.Equal(first.body, again.body) {
			t.Errorf("first %d %s, again %d %s", first.status, first.body, again.status, again.body)
		}
		if first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("replayed: first %v, again %v", first.header, again.header)
		}
		f.unchanged(t, func() {
			send(f.key, report(t, "org.created")).isProblem(t, 409, "idempotency_conflict", "")
		})
		if send(f.otherKey, report(t, "org.created")).status != 202 {
			t.Error("another organization's key of the same text is not free")
		}
		if n := f.count(t, "deliveries"); n != 1 {
			t.Errorf("%d deliveries, want 1", n)
		}
		f.clock.Advance(24*time.Hour + time.Minute)
		if late := send(f.key, report(t, "org.created")); late.status != 202 || late.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("a day later: %d %s", late.status, late.body)
		}
	})
}

func TestAPIEventCreate_concurrent_twins_are_one_event(t *testing.T) {
	apiStores(t, func(t *testing.T, f *apiFixture) {
		f.endpoint(t, f.own)
		body := report(t, "payment.failed")
		replies := make([]reply, 20)
		var twins sync.WaitGroup
		for i := range replies {
			twins.Go(func() {
				replies[i] = f.call(t, f.key, "POST", "/api/v1/events", body, "Idempotency-Key", "twin")
			})
		}
		twins.Wait()
		fresh := 0
		for _, r := range replies {
			if r.status != 202 || !bytes.Equal(r.body, replies[0].body) {
				t.Errorf("%d %s, the first was %s", r.status, r.body, replies[0].body)
			}
			if r.header.Get("Idempotent-Replayed") == "" {
				fresh++
			}
		}
		if fresh != 1 || f.count(t, "events") != 1 || f.count(t, "deliveries") != 1 {
			t.Errorf("%d fresh answers, %d events, %d deliveries; want one of each", fresh, f.count(t, "events"), f.count(t, "deliveries"))
		}
	})
}

func TestAPIEventTypes(t *testing.T) {
	f := newAPIFixture(t)
	list := f.call(t, f.scoped(t, f.own, "read"), "GET", "/api/v1/event-types", "").object(t, http.StatusOK)
	if types := list["data"].([]any); len(types) != 22 || list["nextCursor"] != nil {
		t.Errorf("%d types, cursor %v", len(types), list["nextCursor"])
	}
	one := f.call(t, f.platform, "GET", "/api/v1/event-types/payment.failed", "").object(t, http.StatusOK)
	for _, name := range []string{"type", "category", "description", "firesWhen", "schema", "example"} {
		if one[name] == nil || one[name] == "" {
			t.Errorf("no %s in %v", name, one)
		}
	}
	f.call(t, f.key, "GET", "/api/v1/event-types/nothing", "").isProblem(t, 404, "not_found", "")
	f.call(t, f.key, "GET", "/api/v1/event-types?organizationId="+f.other.Organization().ID, "").isProblem(t, 404, "not_found", "")
}

func TestAPIEventList_pages(t *testing.T) {
	f := newAPIFixture(t)
	for range 5 {
		_, err := f.own.Publish(t.Context(), models.NewEvent{Type: "org.created", Data: []byte(example(t, "org.created"))})
		must(t, err)
	}
	seen := map[string]bool{}
	path := "/api/v1/events?limit=2"
	for pages := 1; ; pages++ {
		list := f.call(t, f.key, "GET", path, "").object(t, http.StatusOK)
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
