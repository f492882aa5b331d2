package views

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// SchemeField is a field of the form of a source's own scheme.
type SchemeField struct {
	Name     string // in the form
	At       string // in faults, below "scheme."
	Label    string
	Note     string
	Hint     string
	Unit     string
	signs    bool // only of schemes that sign
	required bool
	none     string            // what an empty choice is called; "" if there has to be one
	words    map[string]string // of the choices; nil for text
	text     func(s *inbound.Scheme) *string
}

// schemeParts are the fields in the order of the form, by the titles of its parts.
var schemeParts = []struct {
	Title  string
	Fields []SchemeField
}{
	{"The signature", []SchemeField{
		{Name: "schemeAlgorithm", At: "algorithm", Label: "Algorithm", signs: true, words: map[string]string{"hmac-sha256": "HMAC-SHA256", "hmac-sha1": "HMAC-SHA1", "hmac-sha512": "HMAC-SHA512",
			"ed25519": "Ed25519", "ecdsa-p256-sha256": "ECDSA (P-256, SHA-256)"}, text: func(s *inbound.Scheme) *string { return &s.Algorithm }},
		{Name: "schemeHeader", At: "signature.header", Label: "Header", Hint: "Which header it is in, such as X-Webhook-Signature.", required: true, text: func(s *inbound.Scheme) *string { return &s.Signature.Header }},
		{Name: "schemeEncoding", At: "encoding", Label: "Written in", signs: true, words: map[string]string{"hex": "Hex", "base64": "Base64", "base64url": "Base64 for URLs"},
			text: func(s *inbound.Scheme) *string { return &s.Encoding }},
		{Name: "schemePrefix", At: "signature.prefix", Label: "Prefix", Note: "optional", Hint: "What stands before it, such as sha256=. Without that it is refused.", text: func(s *inbound.Scheme) *string { return &s.Signature.Prefix }},
		{Name: "schemeOptionalPrefix", At: "signature.optionalPrefix", Label: "Prefix that may be missing", Note: "optional", text: func(s *inbound.Scheme) *string { return &s.Signature.OptionalPrefix }},
		{Name: "schemeFormat", At: "signature.format", Label: "The header has", signs: true, words: map[string]string{"plain": "One signature", "list": "Several signatures", "pairs": "Pairs, such as t=1,v1=…", "tagged": "Tagged entries, such as v1,…"},
			text: func(s *inbound.Scheme) *string { return &s.Signature.Format }},
		{Name: "schemeEntry", At: "signature.key", Label: "Name of the signature’s entries", Note: "pairs, tagged entries", signs: true, text: func(s *inbound.Scheme) *string { return &s.Signature.Key }},
		{Name: "schemeSeparator", At: "signature.separator", Label: "Separator", Note: "all but one signature", Hint: "What stands between entries, such as a comma.", signs: true, text: func(s *inbound.Scheme) *string { return &s.Signature.Separator }},
	}},
	{"What is signed", []SchemeField{
		{Name: "schemeMessage", At: "message", Label: "Message", Hint: "Text with {body} once, and with {timestamp}, {url}, {method} or {header:NAME} as the sender has them. Most often {body} or {timestamp}.{body}", signs: true, required: true,
			text: func(s *inbound.Scheme) *string { return &s.Message }},
		{Name: "schemeKey", At: "key", Label: "Form of the secret", signs: true, words: map[string]string{"utf8": "Text as it is", "base64": "Base64", "hex": "Hex", "whsec": "whsec_ and Base64"}, text: func(s *inbound.Scheme) *string { return &s.Key }},
	}},
	{"When it was signed", []SchemeField{
		{Name: "schemeTimeFrom", At: "timestamp.from", Label: "Time", signs: true, none: "No time is signed", words: map[string]string{"header": "In a header", "signature": "In a pair of the signature’s header", "json": "In the body"},
			text: func(s *inbound.Scheme) *string { return &s.Timestamp.From }},
		{Name: "schemeTimeName", At: "timestamp.name", Label: "Its name", Note: "where a time is signed", Hint: "The header’s name, the pair’s name, or a path in the body such as $.timestamp", signs: true, text: func(s *inbound.Scheme) *string { return &s.Timestamp.Name }},
		{Name: "schemeTimeUnit", At: "timestamp.unit", Label: "Written as", signs: true, words: map[string]string{"s": "Seconds since 1970", "ms": "Milliseconds since 1970", "rfc3339": "RFC 3339"}, text: func(s *inbound.Scheme) *string { return &s.Timestamp.Unit }},
		{Name: "schemeTolerance", At: "timestamp.toleranceSeconds", Label: "May be off by", Hint: "To either side; up to 86,400.", Unit: "seconds", signs: true},
	}},
}

// schemeJSON is the field for a scheme as JSON, in place of the others.
const schemeJSON = "schemeJSON"

// SchemeFields returns the fields of a scheme's form, in its order.
func SchemeFields() (list []SchemeField) {
	for _, part := range schemeParts {
		list = append(list, part.Fields...)
	}
	return append(list, SchemeField{Name: schemeJSON, Label: "The scheme"})
}

// choices are the values that a field may have, with their words.
func (f SchemeField) choices() (list [][2]string) {
	if f.none != "" {
		list = append(list, [2]string{"", f.none})
	}
	for _, value := range inbound.SchemeChoices(f.At) {
		words := f.words[value]
		if words == "" {
			words = value
		}
		list = append(list, [2]string{value, words})
	}
	return list
}

// typedScheme returns a scheme as its form has it; nil if a provider's sources may have
// none of their own. saved is JSON, or empty for the provider's.
func typedScheme(p *inbound.Provider, saved string) map[string]string {
	if !p.OwnScheme() {
		return nil
	}
	scheme := p.Scheme()
	if saved != "" {
		own := inbound.Scheme{}
		if json.Unmarshal([]byte(saved), &own) != nil {
			return map[string]string{schemeJSON: saved}
		}
		scheme = own
	}
	return typeScheme(scheme)
}

// typeScheme writes a scheme into the fields of its form.
func typeScheme(scheme inbound.Scheme) map[string]string {
	typed := map[string]string{"schemeTolerance": "300"} // where a time is chosen later
	timed := scheme.Timestamp != nil
	if scheme.Signature == nil {
		scheme.Signature = &inbound.SignaturePlace{}
	}
	if timed {
		typed["schemeTolerance"] = strconv.Itoa(scheme.Timestamp.ToleranceSeconds)
	} else {
		scheme.Timestamp = &inbound.TimestampPlace{Unit: "s"}
	}
	for _, f := range SchemeFields() {
		if f.text != nil {
			typed[f.Name] = *f.text(&scheme)
		}
	}
	if typed["schemeFormat"] == "" {
		typed["schemeFormat"] = "plain"
	}
	return typed
}

// takesScheme reports whether the source may have a scheme of its own.
func (f SourceForm) takesScheme() bool { return f.Scheme != nil }

// signs reports whether the provider's sources sign what they send.
func (f SourceForm) signs() bool {
	return slices.Contains(inbound.SchemeChoices("algorithm"), f.Chosen.Scheme().Algorithm)
}

// ReadScheme returns the scheme that was typed, as JSON: what stands in the field for
// JSON, or else in the others. It is empty if the source has none of its own, or the
// provider's. JSON that is a scheme is moved to the other fields; what isn't stays to be
// corrected.
func (f *SourceForm) ReadScheme() string {
	if !f.takesScheme() {
		return ""
	}
	if text := strings.TrimSpace(f.Scheme[schemeJSON]); text != "" {
		var own inbound.Scheme
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		if decoder.Decode(&own) == nil && !decoder.More() && slices.Contains(inbound.SchemeChoices("algorithm"), own.Algorithm) == f.signs() {
			f.Scheme = typeScheme(own)
		}
		return text
	}
	scheme := inbound.Scheme{Algorithm: f.Chosen.Scheme().Algorithm, Signature: &inbound.SignaturePlace{}, Timestamp: &inbound.TimestampPlace{}}
	for _, field := range SchemeFields() {
		if field.text != nil && (f.signs() || !field.signs) {
			*field.text(&scheme) = f.Scheme[field.Name]
		}
	}
	scheme.Signature.Header, scheme.Timestamp.Name = strings.TrimSpace(scheme.Signature.Header), strings.TrimSpace(scheme.Timestamp.Name)
	if scheme.Signature.Format == "plain" {
		scheme.Signature.Format = ""
	}
	scheme.Timestamp.ToleranceSeconds, _ = models.WholeNumber(f.Scheme["schemeTolerance"]) // 0, which is refused, if it is none
	if scheme.Timestamp.From == "" {
		scheme.Timestamp = nil
	}
	own, ownErr := json.Marshal(scheme)
	usual, usualErr := json.Marshal(f.Chosen.Scheme())
	if ownErr != nil || usualErr != nil || string(own) == string(usual) {
		return ""
	}
	return string(own)
}

// schemeFault moves a fault of a scheme to its field of the form.
func schemeFault(fault *webhook.Fault) {
	at := strings.TrimPrefix(fault.Field, "scheme.")
	if at == "timestamp" {
		at = "timestamp.from"
	}
	for _, f := range SchemeFields() {
		if f.At == at {
			fault.Field, fault.Message = f.Name, f.Label+": "+strings.TrimSuffix(fault.Message, ".")+"."
			return
		}
	}
	fault.Field = schemeJSON
	if at != "scheme" {
		fault.Message = at + " " + strings.TrimSuffix(fault.Message, ".") + "."
	}
}

// schemeInput is a field of the scheme as it is drawn.
func (f SourceForm) schemeInput(field SchemeField) ui.Input {
	input := ui.Input{Name: field.Name, Label: field.Label, Note: field.Note, Hint: field.Hint, Required: field.required, Faults: f.Faults}
	if field.Name == "schemeHeader" && !f.signs() {
		input.Label, input.Hint = "Header with the token", "Such as Authorization or X-Webhook-Token."
	}
	return input
}
