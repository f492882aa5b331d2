package acceptance

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hookwell/client"
)

var opsLine = regexp.MustCompile(`msg=operations address=(http://\S+)`)

// get answers a page's status and content.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// eventually waits until the check is met.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); !met(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s did not come", what)
		}
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	here := embedded(t)
	here.env = append(here.env, "HOOKWELL_OPS_ADDR=127.0.0.1:0", "HOOKWELL_LOG_LEVEL=info")
	server := here.start(t)
	var operations []string
	eventually(t, "the address of operations", func() bool {
		operations = opsLine.FindStringSubmatch(server.Output())
		return operations != nil
	})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(receiver.Close)
	platform := strings.TrimSpace(here.run(t, "", "platform-key", "create", "--name", "back end"))
	api := server.api(platform)
	org, err := api.CreateOrganization(t.Context(), client.NewOrganization{Name: "Acme", Endpoints: []client.EndpointSettings{{URL: &receiver.URL, EventTypes: []string{"payment.*"}}}})
	if err != nil {
		t.Fatal(err)
	}
	api.Organization = org.ID
	accepted, err := api.SendEvent(t.Context(), client.Event{Type: "payment.failed", Data: map[string]any{
		"paymentId": "p", "amount": 1, "currency": "usd", "status": "failed", "errorMessage": "The card was declined."}})
	if err != nil {
		t.Fatal(err)
	}
	id := accepted.RequestID

	t.Run("one_id_leads_from_the_call_to_the_attempt", func(t *testing.T) {
		lines := func(message string) (found []string) {
			for line := range strings.Lines(server.Output()) {
				if strings.Contains(line, "msg="+message) && strings.Contains(line, "request="+id) {
					found = append(found, line)
				}
			}
			return found
		}
		eventually(t, "the attempt's line", func() bool { return len(lines("attempt")) == 1 })
		if call := lines("request"); len(call) != 1 || !strings.Contains(call[0], "route=/api/v1/events") || !strings.Contains(call[0], "status=202") || !strings.Contains(call[0], "key=key_") {
			t.Errorf("the call's line: %v", call)
		}
		if line := lines("attempt")[0]; !strings.Contains(line, "event="+accepted.ID) || !strings.Contains(line, "status=418") || !strings.Contains(line, "cause=status") {
			t.Errorf("the attempt's line: %s", line)
		}
	})
	t.Run("metrics_count_it", func(t *testing.T) {
		_, metrics := get(t, operations[1]+"/metrics")
		for _, series := range []string{`hookwell_events_accepted_total{origin="api"} 1`, `hookwell_attempts_total{cause="status",outcome="failure",trigger="schedule"} 1`,
			`hookwell_accept_duration_seconds_count 1`, `hookwell_api_request_duration_seconds_count{method="POST",route="/api/v1/events",status="202"} 1`, `hookwell_deliveries_waiting 1`} {
			if !strings.Contains(metrics, series+"\n") {
				t.Errorf("the metrics lack %s:\n%s", series, metrics)
			}
		}
	})
	t.Run("ready_with_details", func(t *testing.T) {
		if status, body := get(t, operations[1]+"/readyz"); status != http.StatusOK || !strings.Contains(body, `"workers"`) {
			t.Errorf("%d %s", status, body)
		}
		for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 404, "/asynq/": 404} {
			if status, _ := get(t, server.url+path); status != want {
				t.Errorf("%s on the main address: %d, want %d", path, status, want)
			}
		}
	})
	t.Run("no_secret_is_in_the_log", func(t *testing.T) {
		if output := server.Output(); strings.Contains(output, platform) || strings.Contains(output, "hwk_") || strings.Contains(output, "whsec_") {
			t.Errorf("the log has a secret:\n%s", output)
		}
	})
}

func TestOperationsAddress(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	for name, test := range map[string]struct{ address, says string }{
		"that_is_taken_is_an_error_naming_the_variable": {taken.Addr().String(), "HOOKWELL_OPS_ADDR: "},
		"that_is_none_is_an_error_naming_the_variable":  {"somewhere", "HOOKWELL_OPS_ADDR: write it as host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			here := embedded(t)
			here.env = append(here.env, "HOOKWELL_OPS_ADDR="+test.address)
			out, err := here.command("serve").CombinedOutput()
			if err == nil || !strings.Contains(string(out), test.says) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Run("off_leaves_them_out", func(t *testing.T) {
		here := embedded(t)
		here.env = append(here.env, "HOOKWELL_OPS_ADDR=off", "HOOKWELL_LOG_LEVEL=info")
		server := here.start(t)
		if opsLine.MatchString(server.Output()) {
			t.Error("operations were started")
		}
		server.terminate(t)
	})
	t.Run("unset_and_taken_by_another_process_is_a_warning", func(t *testing.T) {
		first, err := net.Listen("tcp", "127.0.0.1:3001")
		if err == nil { // else another process has it, which serves as well
			t.Cleanup(func() { first.Close() })
		}
		here := embedded(t)
		here.env = slices.DeleteFunc(here.env, func(line string) bool { return strings.HasPrefix(line, "HOOKWELL_OPS_ADDR=") })
		server := here.start(t)
		eventually(t, "the warning", func() bool { return strings.Contains(server.Output(), "HOOKWELL_OPS_ADDR: 127.0.0.1:3001 is taken") })
		server.terminate(t)
	})
}
