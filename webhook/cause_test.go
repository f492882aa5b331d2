package webhook

import (
	"strings"
	"testing"
)

func TestCause_Advice(t *testing.T) {
	causes := []Cause{CauseDNS, CauseConnect, CauseRefused, CauseReset, CauseTLS, CauseTimeout, CauseBlocked,
		CauseRedirect, CauseResponseTooLarge, CauseProtocol, CauseInterrupted, CauseExpired}
	check := func(what, do string) {
		t.Helper()
		for _, text := range []string{what, do} {
			if !strings.HasSuffix(text, ".") || strings.ContainsAny(text, "!%") {
				t.Errorf("no sentence: %q", text)
			}
		}
	}
	for _, cause := range causes {
		check(cause.Advice(0))
	}
	for code := 100; code < 600; code++ {
		if code/100 != 2 {
			check(CauseStatus.Advice(code))
		}
	}
	if what, do := Cause("").Advice(200); what != "" || do != "" {
		t.Errorf("success is advised %q, %q", what, do)
	}
	if what, _ := CauseStatus.Advice(401); what != "The receiver refused the signature (401)." {
		t.Errorf("401 is %q", what)
	}
}
