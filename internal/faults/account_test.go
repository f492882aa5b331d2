package faults

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hookwell/client"
)

// records are those of one event that went to one endpoint and was taken, as a
// case changes them.
func records(change func(e *evidence)) *evidence {
	e := &evidence{
		accepted:   []client.AcceptedEvent{{ID: "evt_1", Deliveries: 1}},
		deliveries: []delivery{{"dlv_1", "evt_1", "ep_1", "delivered"}},
		attempts:   []attempt{{"dlv_1", 1, ""}},
		arrivals:   []arrival{{Event: "evt_1", Delivery: "dlv_1", Number: 1, At: time.Unix(10, 0), Status: 204}},
		excused:    map[string]bool{},
		over:       time.Unix(8, 0),
	}
	if change != nil {
		change(e)
	}
	return e
}

// again adds an attempt that arrived and was taken.
func again(e *evidence, number int) {
	e.attempts = append(e.attempts, attempt{"dlv_1", number, ""})
	e.arrivals = append(e.arrivals, arrival{Event: "evt_1", Delivery: "dlv_1", Number: number, At: time.Unix(20, 0), Status: 204})
}

func TestAccount(t *testing.T) {
	type counts struct{ Accepted, Delivered, VisiblyFailed, Lost, Duplicates int }
	for name, test := range map[string]struct {
		change func(e *evidence)
		want   counts
		wrong  string // in what is wrong; "" is nothing
	}{
		"arrived": {nil, counts{1, 1, 0, 0, 0}, ""},
		"failed visibly": {func(e *evidence) {
			e.deliveries[0].State, e.attempts[0].Cause, e.arrivals[0].Status = "failed", "status", 404
		}, counts{1, 0, 1, 0, 0}, ""},
		"cancelled before it was sent": {func(e *evidence) {
			e.deliveries[0].State, e.attempts, e.arrivals = "cancelled", nil, nil
		}, counts{1, 0, 1, 0, 0}, ""},
		"an event that left no trace":  {func(e *evidence) { e.deliveries, e.attempts, e.arrivals = nil, nil, nil }, counts{1, 0, 0, 1, 0}, "not on record"},
		"delivered, and never arrived": {func(e *evidence) { e.arrivals = nil }, counts{1, 0, 0, 1, 0}, "never took it"},
		"delivered, and was refused":   {func(e *evidence) { e.arrivals[0].Status = 500 }, counts{1, 0, 0, 1, 0}, "never took it"},
		"never ended":                  {func(e *evidence) { e.deliveries[0].State = "retrying" }, counts{1, 1, 0, 0, 0}, "has not ended"},
		"arrived, and is failed":       {func(e *evidence) { e.deliveries[0].State, e.attempts[0].Cause = "failed", "status" }, counts{1, 1, 0, 0, 0}, "on record as failed"},
		"an attempt off the record":    {func(e *evidence) { e.attempts = nil }, counts{1, 1, 0, 0, 0}, "is not on record"},
		"one attempt twice":            {func(e *evidence) { e.arrivals = append(e.arrivals, e.arrivals[0]) }, counts{1, 1, 0, 0, 1}, "arrived twice"},
		"a forged one":                 {func(e *evidence) { e.arrivals[0].Forged = true }, counts{1, 1, 0, 0, 0}, "does not verify"},
		"an event that nobody was promised": {func(e *evidence) {
			e.deliveries = append(e.deliveries, delivery{"dlv_2", "evt_2", "ep_1", "delivered"})
		}, counts{1, 1, 0, 0, 0}, "no report was answered"},
		"again for nothing": {func(e *evidence) { again(e, 2) }, counts{1, 1, 0, 0, 1}, "arrived again"},
		"again after a lost answer": {func(e *evidence) {
			e.attempts[0].Cause = "timeout"
			again(e, 2)
		}, counts{1, 1, 0, 0, 1}, ""},
		"again after its worker died": {func(e *evidence) {
			e.attempts[0].Cause, e.excused["dlv_1"] = "interrupted", true
			again(e, 2)
		}, counts{1, 1, 0, 0, 1}, ""},
		"again after an interruption that nobody made": {func(e *evidence) {
			e.attempts[0].Cause = "interrupted"
			again(e, 2)
		}, counts{1, 1, 0, 0, 1}, "arrived again"},
		"again after its worker was cut off past the lease": {func(e *evidence) {
			e.pastLease, e.excused["dlv_1"] = true, true
			again(e, 2)
		}, counts{1, 1, 0, 0, 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			row := records(test.change).account()
			got := counts{row.Accepted, row.Delivered, row.VisiblyFailed, row.Lost, row.Duplicates}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			said := strings.Join(row.Wrong, "\n")
			if (said != "") != (test.wrong != "") || !strings.Contains(said, test.wrong) {
				t.Errorf("it says %q, want %q", said, test.wrong)
			}
		})
	}
	t.Run("the last one is counted from the end of the fault", func(t *testing.T) {
		if row := records(nil).account(); row.Last != 2*time.Second {
			t.Error(row.Last)
		}
	})
}

func TestWrite(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("# Page\n\n"+"<!-- begin: task faults -->\n"+"old\n"+"<!-- end: task faults -->\n"+"\nthe rest\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	row := records(nil).account()
	row.Fault.Name, row.Fault.Meaning = "a fault", "It means this."
	if err := Write(page, []Row{row}); err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(page)
	for _, want := range []string{"# Page\n\n", "| a fault | 1 | 1 | 0 | 0 | 0 | 2.0 s |", "It means this.", "\nthe rest\n"} {
		if !strings.Contains(string(content), want) {
			t.Errorf("%q is missing in\n%s", want, content)
		}
	}
	if strings.Contains(string(content), "old") {
		t.Error("the table before is still there")
	}
	os.WriteFile(page, []byte("# Page\n"), 0o600)
	if err := Write(page, []Row{row}); err == nil {
		t.Error("a page without a place for the table was taken")
	}
}
