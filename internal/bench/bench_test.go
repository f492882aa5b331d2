package bench

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hookwell/internal/program"
	"hookwell/internal/testenv"
	"hookwell/webhook"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	if served, err := ServeRole(os.Args); served {
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	folder, err := os.MkdirTemp("", "hookwell-bench-test-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(folder, "hookwell")
	if err := program.Build(context.Background(), binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := testenv.Run(m)
	os.RemoveAll(folder)
	os.Exit(status)
}

// TestSources makes a result from before a change to the program stale.
func TestSources(t *testing.T) {
	if err := program.LookAtSources("../.."); err != nil {
		t.Fatal(err)
	}
}

// TestRun measures a little of everything. How fast it was is nobody's business
// here; that it is measured, and that every event arrived once, is.
func TestRun(t *testing.T) {
	for name, embedded := range map[string]bool{"embedded": true, "on_Postgres_and_Redis": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Defaults()
			o.Binary, o.Rounds, o.Count, o.Warm, o.Embedded = binary, 1, 20, 5, embedded
			o.Only = []string{"plain", "throughput", "keyless", "tls", "large", "fanout", "batch", "receive", "idle"}
			o.Idle = time.Millisecond
			if !embedded {
				o.Only = append(o.Only, "bare", "workers")
			}
			report, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			wanted := []string{plainFigure, throughputFigure, throughputFigure + ", ratio", keylessFigure, "accepted and delivered over TLS", "resident at most, 10 kB", fanoutFigure, "per delivery, 1 to 10, hookwell", "accepted, 100 per request", receiveFigure, receiveFigure + ", ratio", answerFigure + ", p99, to the plain client's"}
			if !embedded {
				wanted = append(wanted, bareFigure, throughputFigure+", to the bare program")
			}
			for _, want := range wanted {
				if !slices.ContainsFunc(report.Figures, func(f *Figure) bool { return f.Name == want && len(f.Values) == 1 }) {
					t.Errorf("%s was not measured", want)
				}
			}
			if report.Machine.Cores == 0 || !embedded && (report.Machine.Postgres == "" || report.Machine.Redis == "") {
				t.Errorf("the machine is not described: %+v", report.Machine)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	for name, test := range map[string]struct {
		only     []string
		embedded bool
		want     string
	}{
		"that_name_a_case_that_is_none_are_refused":          {[]string{"speed"}, false, `no case "speed"`},
		"that_ask_the_embedded_default_for_more_are_refused": {[]string{"workers"}, true, "needs Postgres and Redis"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Defaults()
			o.Only, o.Embedded = test.only, test.embedded
			if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// sent is one request to the receiver, as a sender that goes wrong would make it.
type sent struct {
	path, id, signer string
	number           int
}

func TestCheck(t *testing.T) {
	const one, other = pathHealthy + "one", pathHealthy + "other"
	secrets := map[string]string{one: webhook.NewSecret().Reveal(), other: webhook.NewSecret().Reveal()}
	right := []sent{{one, "evt_a", one, 0}, {other, "evt_a", other, 0}, {one, "evt_b", one, 1}, {other, "evt_b", other, 1}}
	for name, test := range map[string]struct {
		sent []sent
		want string
	}{
		"passes_what_is_right":             {right, ""},
		"finds_an_event_that_was_lost":     {right[:3], "evt_b never came to /healthy/other"},
		"finds_one_that_came_twice":        {append(right[:4:4], right[1]), "evt_a came to /healthy/other more than once"},
		"finds_one_that_nobody_reported":   {append(right[:4:4], sent{one, "evt_c", one, 2}), "evt_c came to /healthy/one, but was never accepted"},
		"finds_a_path_that_nobody_has":     {append(right[:4:4], sent{"/healthy/none", "evt_a", one, 0}), "1 requests came to no endpoint"},
		"finds_one_with_another's_data":    {append(right[:3:3], sent{other, "evt_b", other, 0}), "evt_b came to /healthy/other with the data of report 0, not 1"},
		"finds_one_signed_for_another":     {append(right[:3:3], sent{other, "evt_b", one, 1}), "evt_b at /healthy/other: "},
		"finds_one_that_has_no_signature":  {append(right[:3:3], sent{other, "evt_b", "", 1}), "evt_b at /healthy/other: "},
		"finds_one_lost_behind_a_repeated": {append(right[:3:3], right[0]), "evt_b never came to /healthy/other"},
	} {
		t.Run(name, func(t *testing.T) {
			r := receiving(t, secrets)
			for _, s := range test.sent {
				send(t, r, secrets, s)
			}
			var record Record
			if err := r.Collect(struct{}{}, &record); err != nil {
				t.Fatal(err)
			}
			s := &scenario{targets: []Target{{}}, paths: [][]string{{one, other}}}
			err := check(s, Reported{Accepted: []Accepted{{ID: "evt_a"}, {ID: "evt_b", Sequence: 1}}}, record).err()
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	t.Run("finds_events_that_were_refused", func(t *testing.T) {
		s := &scenario{targets: []Target{{}}, paths: [][]string{{}}}
		if err := check(s, Reported{Refused: 1, Fault: "status 503"}, Record{}).err(); err == nil {
			t.Error("found nothing")
		}
	})
}

func receiving(t *testing.T, secrets map[string]string) *receiver {
	t.Helper()
	r, err := newReceiver()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	var trusts []Trust
	for path, secret := range secrets {
		trusts = append(trusts, Trust{path, secret})
	}
	if err := r.Reset(trusts, nil); err != nil {
		t.Fatal(err)
	}
	return r
}

func send(t *testing.T, r *receiver, secrets map[string]string, s sent) {
	t.Helper()
	body := fmt.Sprintf(`{"id":"%s","type":"payment.failed","data":%s}`, s.id, appendData(nil, s.number))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.listener.Addr().String()+s.path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	request.Header.Set(standardwebhooks.HeaderWebhookID, s.id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	if s.signer != "" {
		signer, err := standardwebhooks.NewWebhook(secrets[s.signer])
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signer.Sign(s.id, now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestFigure(t *testing.T) {
	t.Run("has_the_median_of_its_rounds", func(t *testing.T) {
		var f figures
		for _, value := range []float64{3, 1, 2, 10} {
			f.add("speed", "/s", value)
		}
		want := &Figure{Name: "speed", Unit: "/s", Values: []float64{3, 1, 2, 10}, Min: 1, Median: 2.5, Max: 10}
		if diff := cmp.Diff(want, f[0]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestProcessTime(t *testing.T) {
	t.Run("is_read_behind_a_name_with_anything_in_it", func(t *testing.T) {
		got, err := parseStat([]byte("42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 5"))
		if want := (processTime{7, 1200 * time.Millisecond, 70 * time.Millisecond}); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	})
	t.Run("of_a_process_that_has_ended_is_a_fault", func(t *testing.T) {
		if _, err := treeTime(1 << 30); err == nil {
			t.Error("no fault")
		}
	})
}
