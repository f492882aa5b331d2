package views

import (
	"slices"
	"strings"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
)

// refusedTitle says in one sentence why a request was refused.
func refusedTitle(cause inbound.Cause) string {
	switch cause {
	case inbound.CauseSourceDisabled:
		return "The source was paused"
	case inbound.CauseMethod:
		return "The provider doesn’t send with this method"
	case inbound.CauseAddress:
		return "The address isn’t on the source’s list"
	case inbound.CauseRate:
		return "More requests came than the source takes a second"
	case inbound.CauseTooLarge:
		return "The body is longer than the source takes"
	case inbound.CauseLoop:
		return "Hookwell sent this request itself"
	case inbound.CauseSignatureMissing:
		return "The signature is missing or incomplete"
	case inbound.CauseSignatureMalformed:
		return "The signature can’t be read"
	case inbound.CauseTooOld:
		return "The signature is too old"
	case inbound.CauseTooNew:
		return "The signature’s time is in the future"
	}
	return "No secret of the source fits the signature"
}

// diagnosedTitle says in one sentence why a request was refused, as exactly as that is
// known.
func diagnosedTitle(r *models.Request) string {
	switch r.Diagnosis {
	case inbound.ReasonNoSecret:
		return "The source had no secret"
	case inbound.ReasonEarlierSecret:
		return "The signature fits a secret that has ended"
	case inbound.ReasonSecretForm:
		return "The secret fits if it is read in another form"
	case inbound.ReasonBodyTrimmed, inbound.ReasonBodyReencoded:
		return "The body was changed on the way"
	case inbound.ReasonURL:
		return "The signature is of another form of the URL"
	case inbound.ReasonDowngrade:
		return "Only an older signature came"
	}
	return refusedTitle(r.Cause)
}

// refusedAdvice says what to do where there is no diagnosis.
func refusedAdvice(cause inbound.Cause) string {
	switch cause {
	case inbound.CauseSourceDisabled:
		return "Providers that repeat what was refused send it again. Resume the source to take it in."
	case inbound.CauseMethod:
		return "Somebody opened the URL in a browser, most likely. Nothing needs to be done."
	case inbound.CauseAddress:
		return "If it is the provider’s, add its network to the source’s settings."
	case inbound.CauseRate:
		return "Providers repeat what was answered 429. Raise the source’s limit if this is its normal load."
	case inbound.CauseTooLarge:
		return "Raise the source’s limit if the provider sends bodies of this size."
	case inbound.CauseLoop:
		return "An endpoint leads back to a source of this installation. Change one of the two URLs."
	case inbound.CauseSignatureMissing:
		return "Somebody else sent it, or the provider has no secret yet."
	case inbound.CauseSignatureMalformed:
		return "The header came twice, or has another length or alphabet than a signature of this provider. Check what changes it on the way."
	case inbound.CauseTooOld:
		return "Somebody sent an old request again, it waited on the way, or this server’s clock is off."
	case inbound.CauseTooNew:
		return "One of the clocks is off. Check this server’s clock first."
	}
	return "Compare the secret at the provider with the source’s. A request that is kept whole can be accepted once the secret is right."
}

// bannerOf returns what the page says first of a request that needs somebody; ok is
// false if none does. Who may not see bodies sees the place of an error alone, because
// its text may quote them.
func (v RequestView) bannerOf(bodies bool) (class, icon, title, text string, ok bool) {
	r := v.Request
	failure := r.Error
	if !bodies {
		failure = r.ErrorPlace()
	}
	switch {
	case r.State == inbound.Refused && v.passes():
		return "is-ok", "check", "This request passes by now", "It was refused, and since then a secret that fits was added or restored. Accept it, and it is processed as if it had just come.", true
	case r.State == inbound.Refused:
		text = r.DiagnosisText
		if text == "" {
			text = refusedAdvice(r.Cause)
		}
		return "is-bad", "failed", diagnosedTitle(r), text, true
	case r.Processing == models.ProcessingFailed && r.Reason == models.ReasonNoOrganization:
		return "is-warn", "warn", "It belongs to no organization that Hookwell knows", failure, true
	case r.Processing == models.ProcessingFailed:
		return "is-warn", "warn", "It couldn’t be turned into events", strings.TrimSuffix(failure, ".") + ". It is kept. Fix the mapping, then replay it.", true
	}
	return "", "", "", "", false
}

// mend returns where an admin changes what the banner is about. The path is empty where
// nothing of the source can help, as with a body that was changed on the way.
func (v RequestView) mend(slug string) (label, path string) {
	r := v.Request
	if v.Source == nil || v.passes() {
		return "", ""
	}
	settings := func() (string, string) { return "Source settings", SourceEditPath(slug, v.Source.ID) }
	if r.State != inbound.Refused {
		if r.Reason == models.ReasonMappingFailed {
			return "Edit the mappings", SourceMappingsPath(slug, v.Source.ID)
		}
		return "", ""
	}
	switch r.Diagnosis {
	case inbound.ReasonBodyTrimmed, inbound.ReasonBodyReencoded, inbound.ReasonMalformed:
		return "", ""
	case inbound.ReasonURL, inbound.ReasonDowngrade, inbound.ReasonMissing:
		return "View the source", SourcePath(slug, v.Source.ID)
	case inbound.ReasonSecretForm:
		return settings()
	}
	switch r.Cause {
	case inbound.CauseSignature:
		return "Fix the secret", SourceSecretsPath(slug, v.Source.ID)
	case inbound.CauseSourceDisabled, inbound.CauseSignatureMissing:
		return "View the source", SourcePath(slug, v.Source.ID)
	case inbound.CauseMethod, inbound.CauseLoop, inbound.CauseSignatureMalformed:
		return "", ""
	}
	return settings()
}

// check is one line of what was checked.
type check struct{ class, icon, what, result string }

// checkedSteps are what a request's checks are, in their order, each with the causes
// that it refuses for.
func (v RequestView) checkedSteps() []struct {
	what, passed string
	causes       []inbound.Cause
} {
	r := v.Request
	type step = struct {
		what, passed string
		causes       []inbound.Cause
	}
	from := "from Hookwell itself"
	if r.RemoteAddress != "" {
		from = "from " + r.RemoteAddress
	}
	steps := []step{
		{"Source is on; method, address and rate are allowed", r.Method + " " + from, []inbound.Cause{inbound.CauseSourceDisabled, inbound.CauseMethod, inbound.CauseAddress, inbound.CauseRate}},
		{"Body is within the limit, and didn’t come from Hookwell", ui.FormatSize(r.BodyBytes), []inbound.Cause{inbound.CauseTooLarge, inbound.CauseLoop}},
	}
	if r.State == inbound.Unverified {
		return steps
	}
	credential := v.Source != nil && v.credential()
	there := "Signature is there and well formed"
	if name := v.signatureHeader(); name != "" {
		there = name + " is there and well formed"
	} else if credential {
		there = "The credential is there"
	}
	if credential {
		return append(steps, step{there, "", []inbound.Cause{inbound.CauseSignatureMissing, inbound.CauseSignatureMalformed}},
			step{"It is one of the source’s", "the body isn’t proven", []inbound.Cause{inbound.CauseSignature}})
	}
	return append(steps, step{there, "", []inbound.Cause{inbound.CauseSignatureMissing, inbound.CauseSignatureMalformed}},
		step{"A secret of the source fits", "", []inbound.Cause{inbound.CauseSignature}},
		step{"Signed time is within the tolerance, if there is one", "", []inbound.Cause{inbound.CauseTooOld, inbound.CauseTooNew}})
}

// signatureHeader names the header that is checked, or is empty.
func (v RequestView) signatureHeader() string {
	if v.Source == nil {
		return ""
	}
	verifier, _ := sourceVerifier(v.Source)
	if verifier == nil {
		return ""
	}
	return verifier.SignatureHeader()
}

// triedWords says how many secrets were tried: "1 current, 2 ended".
func triedWords(s *models.SecretsTried) string {
	return ui.FormatCount(s.InForce) + " current, " + ui.FormatCount(s.Ended) + " ended"
}

func (v RequestView) credential() bool {
	p := inbound.Named(v.Source.Provider)
	return p != nil && (p.Scheme().Algorithm == "token" || p.Scheme().Algorithm == "basic")
}

// checks are the lines of what was checked. After the first failure they are grey.
func (v RequestView) checks() (list []check) {
	failed := false
	for _, s := range v.checkedSteps() {
		switch {
		case failed:
			list = append(list, check{"is-off", "pending", s.what, "not checked"})
		case slices.Contains(s.causes, v.Request.Cause) && v.Request.State == inbound.Refused:
			failed = true
			list = append(list, check{"is-failed", "failed", s.what, string(v.Request.Cause)})
		default:
			list = append(list, check{"is-ok", "check", s.what, s.passed})
		}
	}
	switch {
	case v.Request.Reason == models.ReasonHandshake:
		return append(list, check{"is-ok", "check", "A handshake: the challenge was answered", ""})
	case v.Request.State == inbound.Unverified:
		list = append(list, check{"is-warn", "unverified", "Nothing is verified", "the source checks nothing"})
	case failed:
		return append(list, check{"is-off", "pending", "Not a duplicate", "not checked"})
	}
	duplicates := "no repeat came"
	if v.Request.Duplicates > 0 {
		duplicates = ui.Plural(v.Request.Duplicates, "repeat") + " came later"
	}
	return append(list, check{"is-ok", "check", "Not a duplicate", duplicates})
}

// checkedWords returns how it was checked, as a sentence.
func checkedWords(r *models.Request) string {
	if r.Checked == "" {
		return ""
	}
	return strings.TrimSuffix(ui.UpperFirst(r.Checked), ".") + "."
}

// alike chooses the requests of which the same is to be said.
func (v RequestView) alike() RequestQuery {
	q := RequestQuery{SourceID: v.Request.SourceID}
	if v.Request.State == inbound.Refused {
		q.State, q.Cause = inbound.Refused, v.Request.Cause
	} else {
		q.Processing = v.Request.Processing
	}
	return q
}
