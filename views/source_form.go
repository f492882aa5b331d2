package views

import (
	"strconv"
	"strings"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// SourceForm is a source's settings as they were typed. Faults stand at the fields of
// models.SourceInput, and at secret.
type SourceForm struct {
	ID        string // empty for a new source
	Title     string // the saved name
	Version   string
	Chosen    *inbound.Provider // nil until one is chosen
	Search    string            // of the grid
	Name      string
	Slug      string
	Scheme    map[string]string // the fields of its own scheme, by SchemeField.Name; nil if it may have none
	Tolerance string            // seconds; empty is the scheme's
	Networks  string            // one on each line
	MaxBody   string            // KiB
	Rate      string            // a second
	Kept      string            // days; empty is as long as requests
	Status    string            // 0 is the provider's
	MediaType string
	Body      string
	Dedupe    inbound.Dedupe
	Relay     bool // what was not verified
	Direct    bool // requests come without a proxy that is trusted
	Faults    webhook.Faults
}

// NewSourceForm returns the form for a new source of a provider.
func NewSourceForm(provider *inbound.Provider) SourceForm {
	form := SourceForm{Chosen: provider}
	if provider != nil {
		form.Name, form.Scheme = provider.Title, typedScheme(provider, "")
	}
	return form
}

// EditSourceForm returns the form with a source's present settings.
func EditSourceForm(s *models.Source) SourceForm {
	form := SourceForm{ID: s.ID, Title: s.Name, Version: s.Version().Form, Chosen: inbound.Named(s.Provider), Name: s.Name, Slug: s.Slug,
		Networks: strings.Join(s.AllowNetworks, "\n"), MaxBody: kibibytes(s.MaxBodyBytes), Rate: strconv.Itoa(s.RateLimitPerSecond),
		Status: strconv.Itoa(s.Response.Status), MediaType: s.Response.MediaType, Body: s.Response.Body, Dedupe: s.Dedupe, Relay: s.RelayUnverified}
	if s.BodyRetentionDays > 0 {
		form.Kept = strconv.Itoa(s.BodyRetentionDays)
	}
	if form.Chosen != nil {
		form.Scheme = typedScheme(form.Chosen, s.Scheme)
	}
	if s.ToleranceSeconds != 0 {
		form.Tolerance = strconv.Itoa(s.ToleranceSeconds)
	}
	return form
}

// kibibytes writes a size in KiB, with a fraction where it needs one.
func kibibytes(n int) string {
	if n%1024 == 0 {
		return strconv.Itoa(n / 1024)
	}
	return strconv.FormatFloat(float64(n)/1024, 'f', -1, 64)
}

// ReadKibibytes returns the bytes of a size in KiB; 0 if it is none.
func ReadKibibytes(text string) int {
	kib, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(kib > 0 && kib < 1<<30) {
		return 0
	}
	return int(kib*1024 + 0.5)
}

// ReadNetworks returns the lines of a list of networks that are not empty.
func ReadNetworks(text string) []string {
	list := []string{}
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ',' || r == '\r' }) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// found are the providers that the search leaves.
func (f SourceForm) found() (list []*inbound.Provider) {
	words := strings.Fields(strings.ToLower(f.Search))
	for _, p := range inbound.Providers() {
		text := strings.ToLower(p.Title + " " + p.Summary)
		fits := true
		for _, word := range words {
			fits = fits && strings.Contains(text, word)
		}
		if fits {
			list = append(list, p)
		}
	}
	return list
}

// takesTolerance reports whether a signature's time is judged by more than an own
// scheme.
func (f SourceForm) takesTolerance() bool {
	if f.Tolerance != "" {
		return true
	}
	return f.Chosen != nil && !f.takesScheme() && f.usualTolerance() > 0
}

// usualTolerance returns the provider's tolerance in seconds; 0 if no time is signed.
func (f SourceForm) usualTolerance() int {
	verifier, _ := f.Chosen.Verifier(inbound.Options{}) // which has no faults
	return int(verifier.Tolerance().Seconds())
}

func (f SourceForm) toleranceHint() string {
	if f.takesScheme() {
		return "It takes the place of the scheme’s. Empty is the scheme’s."
	}
	return "To either side; up to 86,400. Empty is the provider’s: " + ui.FormatCount(f.usualTolerance()) + "."
}

// ReadTolerance returns the tolerance that was typed, in seconds: 0 for none, and -1,
// which no source may have, for what is no number.
func (f SourceForm) ReadTolerance() int {
	text := strings.TrimSpace(f.Tolerance)
	if text == "" {
		return 0
	}
	seconds, fault := models.WholeNumber(text)
	if fault != "" || seconds == 0 {
		return -1
	}
	return seconds
}

// unproven reports whether nothing of what comes is verified.
func (f SourceForm) unproven() bool { return f.Chosen != nil && f.Chosen.Scheme().Algorithm == "none" }

func (f SourceForm) secretField() ui.Input {
	setup := f.Chosen.Setup
	field := ui.Input{Name: "secret", Label: setup.SecretName, Note: "optional", Hint: setup.SecretPlace, Faults: f.Faults}
	if setup.SecretMade == "provider" {
		field.Hint += " You can paste it on the next page, once the URL is in place there."
	}
	return field
}

// SourceFaults returns the store's faults at the fields of the forms.
func SourceFaults(faults webhook.Faults) webhook.Faults {
	for i := range faults {
		switch field := &faults[i].Field; {
		case strings.HasPrefix(*field, "secrets"):
			*field = "secret"
		case strings.HasPrefix(*field, "response."):
			*field = "response" + ui.UpperFirst(strings.TrimPrefix(*field, "response."))
		case *field == "scheme" || strings.HasPrefix(*field, "scheme."):
			schemeFault(&faults[i])
		case *field == "toleranceSeconds":
			faults[i].Message = "Write 1 to 86,400 seconds, or leave it empty. Only a signature with a time has one."
		case *field == "maxBodyBytes":
			faults[i].Message = "Write a size in KiB, up to " + kibibytes(models.MaxSourceBody) + "."
		}
	}
	return faults
}

// published lists the provider's address ranges, to be copied.
func (f SourceForm) published() string {
	if f.Chosen == nil {
		return ""
	}
	return strings.Join(f.Chosen.Networks.Ranges, "\n")
}

// networksHint says what the list of networks does here.
func (f SourceForm) networksHint() string {
	hint := "One on each line. Without any, requests from every address are taken; their signatures are checked all the same."
	if f.Direct {
		hint += " No proxy is trusted here (HOOKWELL_TRUSTED_PROXIES): if one stands before Hookwell, the list is compared with the proxy’s own address."
	}
	return hint
}
