package jobs_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"hookwell/models"
	"hookwell/webhook"
)

// anID is what tasks and messages may carry.
var anID = regexp.MustCompile(`^(org|ep|dlv)_[0-9a-z-]+$`)

// texts are all strings of a JSON document, names of members too, but for the
// names that the program itself gives.
func texts(t *testing.T, document []byte, given ...string) (found []string) {
	t.Helper()
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case string:
			found = append(found, v)
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for name, item := range v {
				if !slices.Contains(given, name) {
					found = append(found, name)
				}
				walk(item)
			}
		}
	}
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	walk(value)
	return found
}

// TestRedisCarriesIDsAlone accepts events and mail, and reads what lies in
// Redis before a worker takes it, and what the pages of all processes are told.
func TestRedisCarriesIDsAlone(t *testing.T) {
	eachPair(t, func(t *testing.T, f *fixture) {
		f.wakeQueue()
		changes := f.redis.Subscribe(t.Context(), f.queue.ChangesChannel())
		defer changes.Close()
		if _, err := changes.Receive(t.Context()); err != nil { // it listens
			t.Fatal(err)
		}
		e, secret := f.endpoint(t, "http://127.0.0.1:9/the-path?token=the-token", func(in *models.EndpointInput) {
			in.Name = "The name"
			in.Headers = []webhook.Header{{Name: "x-own", Value: "the-header"}}
		})
		f.publish(t, 3)
		f.queue.WakeMail()

		list := f.until(t, "the deliveries", models.DeliveryFilter{}, all(3, models.Pending))
		for _, task := range f.tasks(t) {
			if task.Type == "mail" {
				if len(task.Payload) > 0 {
					t.Errorf("the task for mail carries %s", task.Payload)
				}
				continue
			}
			for _, text := range texts(t, task.Payload, "lanes", "OrganizationID", "EndpointID", "DeliveryIDs", "More", "Urgent") {
				if !anID.MatchString(text) {
					t.Errorf("a task carries %q: %s", text, task.Payload)
				}
			}
		}
		for told := map[string]bool{}; len(told) < len(list); {
			message, err := changes.ReceiveMessage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range texts(t, []byte(message.Payload)) {
				if !anID.MatchString(text) {
					t.Errorf("pages are told %q: %s", text, message.Payload)
				}
				for _, d := range list {
					told[text] = told[text] || d.ID == text
				}
			}
			delete(told, f.tenant.Organization().ID)
		}
		var whole string
		f.until(t, "Redis has all of it", models.DeliveryFilter{}, func([]models.Delivery) bool {
			whole = f.everything(t)
			return strings.Contains(whole, list[0].ID) && strings.Contains(whole, e.ID)
		})
		for _, private := range []string{"127.0.0.1:9", "the-token", "the-header", "The name", secret.Reveal(), "payment.failed", "card"} {
			if strings.Contains(whole, private) {
				t.Errorf("Redis holds %q", private)
			}
		}
	})
}

// tasks are those that wait, once there is one for deliveries and one for mail.
func (f *fixture) tasks(t *testing.T) []*asynq.TaskInfo {
	t.Helper()
	inspector := asynq.NewInspectorFromRedisClient(f.redis)
	late := time.After(30 * time.Second)
	for {
		list, _ := inspector.ListPendingTasks(f.queue.QueueName("fresh")) // an error while the queue is unknown
		kinds := map[string]bool{}
		for _, task := range list {
			kinds[task.Type] = true
		}
		if kinds["deliver"] && kinds["mail"] {
			return list
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			t.Fatalf("only these tasks came: %v", kinds)
		}
	}
}

// everything is all names and values in Redis.
func (f *fixture) everything(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	keys, err := f.redis.Keys(t.Context(), "*").Result()
	must(t, err)
	for _, key := range keys {
		kind, err := f.redis.Type(t.Context(), key).Result()
		must(t, err)
		var value any
		switch kind {
		case "string":
			value, err = f.redis.Get(t.Context(), key).Result()
		case "list":
			value, err = f.redis.LRange(t.Context(), key, 0, -1).Result()
		case "set":
			value, err = f.redis.SMembers(t.Context(), key).Result()
		case "zset":
			value, err = f.redis.ZRange(t.Context(), key, 0, -1).Result()
		case "hash":
			value, err = f.redis.HGetAll(t.Context(), key).Result()
		default:
			t.Fatalf("%s is a %s, which this test can't read", key, kind)
		}
		must(t, err)
		fmt.Fprintln(&all, key, value)
	}
	return all.String()
}
