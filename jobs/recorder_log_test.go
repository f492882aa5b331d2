package jobs

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hookwell/models/pipeline"
	"hookwell/webhook"
)

func TestAttemptLine(t *testing.T) {
	result := &pipeline.Result{Job: &pipeline.Job{RequestID: "req_1"}, Exchange: webhook.Exchange{StatusCode: 503, Cause: "server_error", Duration: 1500 * time.Millisecond}}
	result.Job.DeliveryID, result.Job.EndpointID, result.Job.Message.EventID, result.Job.Message.Number = "dlv_1", "ep_1", "evt_1", 2
	var lines strings.Builder
	(&recorder{log: slog.New(slog.NewTextHandler(&lines, nil))}).logAttempt(result)
	const want = "level=INFO msg=attempt delivery=dlv_1 endpoint=ep_1 number=2 status=503 cause=server_error ms=1500 event=evt_1 request=req_1\n"
	if _, line, _ := strings.Cut(lines.String(), " "); line != want {
		t.Errorf("logAttempt() wrote %q, want %q", line, want)
	}
	const most = 1 // of the record, for what exceeds five attributes
	r := &recorder{log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if n := testing.AllocsPerRun(100, func() { r.logAttempt(result) }); n > most {
		t.Errorf("logAttempt() makes %v allocations, want %d at most", n, most)
	}
}
