package views

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// SourceView is one source's page. URL is empty for who may not see it.
type SourceView struct {
	Source models.SourceSummary
	URL    string
	Recent []models.Request // the newest, whatever became of them
	Token  string           // to type in at a provider that asks for one; empty for the others
	// Acceptable is how many refused requests pass by now; 0 for who can't accept them.
	Acceptable int
}

func (v SourceView) provider() *inbound.Provider { return inbound.Named(v.Source.Provider) }

// setupShown reports whether the steps of setting up are still shown.
func (v SourceView) setupShown() bool {
	if v.provider() == nil || v.Source.FirstVerifiedAt != nil {
		return false
	}
	return v.Source.Provider != "none" || v.Source.LastRequestAt == nil // nothing of it ever verifies
}

// sampled reports whether all that came so far are samples of Hookwell's own.
func (v SourceView) sampled() bool {
	return len(v.Recent) > 0 && !slices.ContainsFunc(v.Recent, func(r models.Request) bool { return r.RemoteAddress != "" })
}

// lastRefused returns the newest refused one of the newest requests; nil if there is none.
func (v SourceView) lastRefused() *models.Request {
	at := slices.IndexFunc(v.Recent, func(r models.Request) bool { return r.State == inbound.Refused })
	if at < 0 {
		return nil
	}
	return &v.Recent[at]
}

// refusedSoFar says how many requests were refused. Only those of the last day are counted.
func (v SourceView) refusedSoFar() string {
	if v.Source.Refused == 0 {
		return "Requests were refused before"
	}
	return pluralOf(v.Source.Refused, "request", "was", "were") + " refused within 24 hours"
}

// refusedFor says of one request why it was refused and what to do: what was diagnosed, or
// what its cause says.
func refusedFor(r *models.Request) string {
	if r.DiagnosisText != "" {
		return r.DiagnosisText
	}
	return refusedTitle(r.Cause) + ". " + refusedAdvice(r.Cause)
}

func (v SourceView) setupVersion() string {
	return digest(SourceID+"-setup", func(sum io.Writer) {
		last := v.lastRefused()
		fmt.Fprintln(sum, v.Source.FirstVerifiedAt != nil, v.Source.Secrets, v.Source.Enabled(), v.URL, v.Source.Refused, v.Acceptable)
		if last != nil {
			fmt.Fprintln(sum, last.ID, last.Diagnosis)
		}
		if v.Source.Health() == models.SourceRefusing {
			fmt.Fprintln(sum, v.Source.LacksSecret())
			if row := v.Source.Refusals; row != nil {
				fmt.Fprintln(sum, *row)
			}
		}
	})
}

func (v SourceView) stateVersion() string {
	return digest(SourceID+"-state", func(sum io.Writer) { fmt.Fprintln(sum, v.Source.Health()) })
}

func (v SourceView) recentVersion() string {
	return digest(SourceID+"-recent", func(sum io.Writer) {
		fmt.Fprintln(sum, v.Source.Accepted, v.Source.Refused, v.Source.Failed)
		digestRequests(sum, v.Recent)
	})
}

// log returns the recent requests as the log draws them.
func (v SourceView) log() RequestsView {
	return RequestsView{Rows: v.Recent, Sources: []models.Source{v.Source.Source}}
}

// typeNames are the provider's types that the source's mappings are for, to be copied.
func (v SourceView) typeNames() string {
	var names []string
	for _, b := range becomings(&v.Source.Source) {
		if b.from != "*" {
			names = append(names, b.from)
		}
	}
	return strings.Join(names, "\n")
}

func (v SourceView) samples() []inbound.Sample {
	if p := v.provider(); p != nil {
		return p.Samples
	}
	return nil
}

// sampleHint says why no sample can be sent; empty if one can.
func (v SourceView) sampleHint() string {
	switch {
	case v.provider() == nil:
		return "This version of Hookwell doesn’t know the source’s provider."
	case len(v.samples()) == 0:
		return v.provider().Title + " signs with a private key, so nobody else can sign a sample."
	case v.Source.LacksSecret():
		return "Save the secret first: a sample is signed with it."
	case !v.Source.Enabled():
		return "The source is paused. Resume it first."
	}
	return ""
}

// sender returns how people call who sends to a source: its provider, or the source's own
// name if that is only a method.
func sender(s *models.Source) string {
	if ui.IsMethod(s.Provider) {
		return s.Name
	}
	return providerTitle(s.Provider)
}

// possessive returns "Stripe’s".
func possessive(name string) string { return name + "’s" }

// schemeWords says how a source's requests are verified, as every verification does.
func (v SourceView) schemeWords() string {
	verifier, _ := sourceVerifier(&v.Source.Source)
	if verifier == nil {
		return "Nothing passes: the provider or its scheme isn’t known"
	}
	return ui.UpperFirst(verifier.Verify(&inbound.Request{}, nil).Method)
}

func sourceVerifier(s *models.Source) (*inbound.Verifier, webhook.Faults) {
	p := inbound.Named(s.Provider)
	if p == nil {
		return nil, nil
	}
	o := inbound.Options{Tolerance: time.Duration(s.ToleranceSeconds) * time.Second}
	if s.Scheme != "" {
		o.Scheme = &inbound.Scheme{}
		if json.Unmarshal([]byte(s.Scheme), o.Scheme) != nil {
			return nil, nil
		}
	}
	return p.Verifier(o)
}

// toleranceWords say how far a signature's time may be off; empty if none is signed.
func toleranceWords(s *models.Source) string {
	verifier, _ := sourceVerifier(s)
	if verifier == nil || verifier.Tolerance() == 0 {
		return ""
	}
	return ui.FormatSpan(verifier.Tolerance()) + " to either side"
}

func networksWords(list []string) string {
	if len(list) == 0 {
		return "every address"
	}
	return ui.Plural(len(list), "network")
}

// responseWords say what the source answers to what it accepts.
func responseWords(s *models.Source) string {
	if s.Response.Status == 0 {
		return "the provider’s usual answer"
	}
	words := fmt.Sprintf("%d", s.Response.Status)
	if s.Response.Body != "" {
		words += ", " + s.Response.MediaType + ", " + ui.Plural(len([]rune(s.Response.Body)), "character")
	}
	return words
}

// bodiesKeptWords say how long bodies, headers and queries are kept.
func bodiesKeptWords(s *models.Source) string {
	if s.BodyRetentionDays == 0 {
		return "as long as requests"
	}
	return ui.Plural(s.BodyRetentionDays, "day")
}

// dedupeWords say by what a repeat is known.
func dedupeWords(d inbound.Dedupe) string {
	switch d {
	case inbound.DedupeID:
		return "the provider’s id"
	case inbound.DedupeBody:
		return "the body"
	case inbound.DedupeIDOrBody:
		return "the provider’s id, or the body"
	case inbound.DedupeIDWithBody:
		return "the provider’s id together with the body"
	case inbound.DedupeNone:
		return "nothing: each request counts"
	}
	return string(d)
}

// SourceSecretsView is a source's URL and its secrets. Faults stand at secret and
// overlapHours (of the secret's form), and at hours (of the URL's).
type SourceSecretsView struct {
	Source       *models.Source
	URL          string
	Earlier      bool // the URL before it works too
	Secrets      []models.SourceSecret
	EndOthers    bool
	OverlapHours string // after which the others end
	RotateHours  string // how long the present URL goes on
	Faults       webhook.Faults
}

// waitWords say what the page waits for, and how to bring it about.
func waitWords(v SourceView) string {
	if hint := v.sampleHint(); hint != "" {
		return hint
	}
	return "The set-up is done once a request verifies. Have " + sender(&v.Source.Source) + " send one, or try it from here."
}

// secretTitle is the heading of the step that takes the secret.
func secretTitle(made, name string) string {
	name = strings.ToLower(name[:1]) + name[1:]
	if strings.HasPrefix(name, "hMAC") || strings.HasPrefix(name, "hTTP") {
		name = strings.ToUpper(name[:4]) + name[4:]
	}
	if made == "user" {
		return "Enter the " + name
	}
	return "Paste the " + name
}

// shortURL returns a source's URL without its host and with most of its token left out.
func shortURL(address string) string {
	at := strings.LastIndex(address, models.ReceivePath)
	if at < 0 || len(address)-at < 16 {
		return address
	}
	return address[at:at+8] + "…" + address[len(address)-4:]
}

// dedupeOf returns by what a source knows a repeat.
func dedupeOf(s *models.Source) inbound.Dedupe {
	if p := inbound.Named(s.Provider); s.Dedupe == "" && p != nil {
		return p.Dedupe()
	}
	return s.Dedupe
}
