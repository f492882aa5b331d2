package inbound

import (
	"fmt"
	"strings"
	"time"
)

// Reason names what went wrong with a signature. Its text is the API's value.
type Reason string

// The reasons of a Diagnosis.
const (
	ReasonNoSecret      Reason = "no_secret"      // the source has no secret in force
	ReasonWrongSecret   Reason = "wrong_secret"   // no secret of the source fits, however the body is read
	ReasonEarlierSecret Reason = "earlier_secret" // a secret that has ended fits
	ReasonSecretForm    Reason = "secret_form"    // the secret fits if its text is read in another form
	ReasonBodyTrimmed   Reason = "body_trimmed"   // line breaks or spaces at the end were removed or added
	ReasonBodyReencoded Reason = "body_reencoded" // the body was parsed and written anew, or its charset changed
	ReasonURL           Reason = "url"            // the signature is of another form of the URL
	ReasonClock         Reason = "clock"          // the signature fits, but its time is off
	ReasonDowngrade     Reason = "downgrade"      // only a weaker, older signature came along
	ReasonMissing       Reason = "missing"        // the header isn't there
	ReasonMalformed     Reason = "malformed"      // the header or the body's signature can't be read
)

// Diagnosis says why a request was refused.
type Diagnosis struct {
	Reason Reason
	Text   string // what happened and what to do, for people

	// Earlier is, for ReasonEarlierSecret, the index of the earlier secret that fits.
	Earlier int
}

// maxDiagnosed bounds the bodies that are tried in other forms. Each form is a
// copy, made one at a time.
const maxDiagnosed = 1 << 20

// Diagnose says why Verify refused a request. It tries many forms of body and
// secret and takes far longer than Verify: call it once for a refused request that
// is kept, or when a person looks. earlier are secrets that the source once had.
// It returns the zero Diagnosis if Verify doesn't refuse the request. No expected
// signature is ever part of it.
func (v *Verifier) Diagnose(request *Request, secrets, earlier []Secret) Diagnosis {
	result := v.Verify(request, secrets)
	switch {
	case result.State != Refused:
		return Diagnosis{}
	case result.Cause == CauseTooOld || result.Cause == CauseTooNew:
		return v.diagnoseClock(request, result)
	case result.Cause == CauseSignatureMissing:
		return v.diagnoseMissing(request)
	case result.Cause == CauseSignatureMalformed:
		return Diagnosis{Reason: ReasonMalformed, Text: v.malformedText()}
	}
	if fitting := v.Verify(request, earlier).Secret; len(earlier) > 0 && fitting >= 0 {
		return Diagnosis{Reason: ReasonEarlierSecret, Earlier: fitting, Text: earlierText(len(secrets) > 0)}
	}
	if len(secrets) == 0 {
		return Diagnosis{Reason: ReasonNoSecret, Text: "The source has no secret, so nothing can be verified. Add the provider's secret, then accept this request."}
	}
	if v.scheme().signs() && len(request.Body) <= maxDiagnosed {
		if found, ok := v.diagnoseForms(request, secrets); ok {
			return found
		}
	}
	if !v.scheme().signs() {
		return Diagnosis{Reason: ReasonWrongSecret, Text: "The credential is none of this source's. Compare what is set at the provider with the secret here."}
	}
	return Diagnosis{Reason: ReasonWrongSecret, Text: "No secret of this source fits, in whatever form the body is read. Most often the secret is another endpoint's, or of the provider's other mode (test or live). Copy it anew, then accept this request."}
}

// earlierText says what to do about a secret that has ended; replaced reports whether
// the source has another one.
func earlierText(replaced bool) string {
	if replaced {
		return "The provider still signs with a secret that was replaced here. Restore it, or put the new one into the provider. After that this request can be accepted."
	}
	return "The provider signs with a secret that has ended here, and the source has no other. Restore it. After that this request can be accepted."
}

// fits reports whether a request's signature is one of the secrets', whatever its
// age.
func (v *Verifier) fits(request *Request, secrets []Secret) bool {
	return len(secrets) > 0 && v.Verify(request, secrets).Secret >= 0
}

func (v *Verifier) diagnoseClock(request *Request, result Verification) Diagnosis {
	off := request.ReceivedAt.Sub(result.SignedAt).Round(time.Second)
	if result.Cause == CauseTooNew {
		return Diagnosis{Reason: ReasonClock, Text: fmt.Sprintf("The signature fits, but its time is %s in the future, and %s is allowed. One of the clocks is off: check this server's clock first.", -off, v.tolerance)}
	}
	return Diagnosis{Reason: ReasonClock, Text: fmt.Sprintf("The signature fits, but it was made %s before the request came, and %s is allowed. Either somebody sent an old request again, or it waited on the way, or this server's clock is off.", off, v.tolerance)}
}

// weaker are headers of older signatures that are never accepted.
var weaker = map[string]string{"X-Hub-Signature-256": "X-Hub-Signature", "X-HubSpot-Signature-v3": "X-HubSpot-Signature"}

func (v *Verifier) diagnoseMissing(request *Request) Diagnosis {
	scheme := v.scheme()
	if scheme.Signature == nil {
		return Diagnosis{Reason: ReasonMissing, Text: "The body has no signature. Check that the provider signs, and that it sends JSON."}
	}
	header := scheme.Signature.Header
	if value, count := request.header(header); count > 0 {
		if scheme.Signature.Key != "" && !strings.Contains(value, scheme.Signature.Key) {
			return Diagnosis{Reason: ReasonDowngrade, Text: fmt.Sprintf("%s has no entry %s. Other entries are older or meant for tests, and are never accepted.", header, scheme.Signature.Key)}
		}
		return Diagnosis{Reason: ReasonMissing, Text: fmt.Sprintf("%s has no signature, or its time is missing.", header)}
	}
	if old := weaker[header]; old != "" {
		if _, count := request.header(old); count > 0 {
			return Diagnosis{Reason: ReasonDowngrade, Text: fmt.Sprintf("Only %s came, an older and weaker signature. Set the secret at the provider anew, so that it sends %s too.", old, header)}
		}
	}
	if !scheme.signs() {
		return Diagnosis{Reason: ReasonMissing, Text: fmt.Sprintf("The header %s isn't there. Set the credential at the provider.", header)}
	}
	return Diagnosis{Reason: ReasonMissing, Text: fmt.Sprintf("The header %s isn't there. Either somebody else sent the request, or the provider has no secret yet, or something on the way removed the header.", header)}
}

func (v *Verifier) malformedText() string {
	scheme := v.scheme()
	if scheme.Signature == nil {
		return "The signature in the body can't be read. Check that the provider sends JSON, and that nothing on the way changes it."
	}
	text := fmt.Sprintf("%s can't be read: it came twice, or has another length or alphabet than a signature of this provider.", scheme.Signature.Header)
	if scheme.Timestamp != nil || strings.Contains(scheme.Message, "{header:") {
		text += " Or a header that is signed along is missing, came twice, or has another form."
	}
	return text
}

// diagnoseForms tries other forms of secret, body and URL.
func (v *Verifier) diagnoseForms(request *Request, secrets []Secret) (Diagnosis, bool) {
	if v.fits(request, v.otherForms(secrets)) {
		return Diagnosis{Reason: ReasonSecretForm, Text: "The signature fits if the secret's text is read in another form. Choose the other form of the key in the source's scheme."}, true
	}
	for _, change := range bodyChanges {
		changed := *request
		if changed.Body = change.undo(request.Body); changed.Body != nil && v.fits(&changed, secrets) {
			return Diagnosis{Reason: change.reason, Text: change.text}, true
		}
	}
	if strings.Contains(v.scheme().Message, "{url}") {
		for _, url := range urlVariants(request.URL) {
			changed := *request
			changed.URL = url
			if v.fits(&changed, secrets) {
				return Diagnosis{Reason: ReasonURL, Text: "The signature fits another form of the URL. Set the address at the provider exactly as this source shows it."}, true
			}
		}
	}
	return Diagnosis{}, false
}

// otherForms returns the secrets with their texts read in every other form.
func (v *Verifier) otherForms(secrets []Secret) (others []Secret) {
	scheme := v.scheme()
	if !scheme.isMAC() {
		return nil
	}
	for _, form := range secretKeys {
		if form == scheme.Key {
			continue
		}
		other := scheme
		other.Key = form
		for _, secret := range secrets {
			if read, err := newSecret(secret.Reveal(), other); err == nil {
				others = append(others, read)
			}
		}
	}
	return others
}

// urlVariants lists other forms of a URL that people type in.
func urlVariants(url string) []string {
	path, _, _ := strings.Cut(url, "?")
	variants := []string{path, strings.Replace(url, "https://", "http://", 1), strings.Replace(url, "http://", "https://", 1), strings.Replace(url, "://", "://www.", 1)}
	return append(variants, twilioURLs(url)...)
}
