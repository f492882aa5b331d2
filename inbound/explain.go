package inbound

import (
	"fmt"
	"time"
)

// Check is one line of what was checked.
type Check struct {
	Name   string // "Signature", "Time", "Body"
	Passed bool
	Text   string // for people
}

// Explain lists what Verify checked of a request and how each check went, for the
// page of one request. result is Verify's.
func (v *Verifier) Explain(request *Request, result Verification) []Check {
	if result.State == Unverified {
		return []Check{{"Signature", true, "This source verifies nothing."}}
	}
	early := result.Cause == CauseSignatureMissing || result.Cause == CauseSignatureMalformed
	matched := result.Secret >= 0
	signature := Check{"Signature", matched, "Checked: " + v.method + "."}
	switch {
	case early:
		signature.Text = "Not checked, because it is missing or can't be read. Expected: " + v.method + "."
	case matched:
		signature.Text += fmt.Sprintf(" Secret %d fits.", result.Secret+1)
	default:
		signature.Text += " None of the source's secrets fits."
	}
	checks := []Check{signature}
	if !result.SignedAt.IsZero() && matched {
		off := request.ReceivedAt.Sub(result.SignedAt).Round(time.Second)
		text := fmt.Sprintf("Signed %s before the request came; %s to either side is allowed.", off, v.tolerance)
		if off < 0 {
			text = fmt.Sprintf("Signed %s after the request came, by the sender's clock; %s to either side is allowed.", -off, v.tolerance)
		}
		checks = append(checks, Check{"Time", result.State != Refused, text})
	}
	if result.State == Authenticated {
		checks = append(checks, Check{"Body", false, "Not proven: the sender knew the credential, but nothing ties it to the body."})
	}
	return checks
}
