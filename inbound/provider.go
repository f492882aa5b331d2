// Package inbound holds the rules of receiving webhooks: who sends them, how a
// request is verified, and what it becomes. It uses no database and no web
// framework. Its parts, in the order in which a request meets them:
//
//   - A Provider is a template for the sources of one sender (provider.go,
//     providers.json). It is checked as it is loaded (load.go).
//   - A handshake is what a provider asks before it sends (handshake.go).
//   - A Scheme says how a request is signed (scheme.go, message.go). A Verifier
//     checks requests by it (verifier.go, verify.go, signature.go) with Secrets
//     (secret.go). Twilio, Adyen and Mailgun have code of their own (twilio.go,
//     adyen.go, mailgun.go).
//   - A Diagnosis says why a signature didn't match (diagnosis.go,
//     body_change.go), Checks what was checked (explain.go).
//   - An Identity says what was sent: id, type, time, and the keys by which a
//     repeat is known (identity.go). A batch is split into Items (batch.go).
//   - Mappings turn Items into events of the catalog (mapping.go, value.go,
//     function.go, expression.go, apply.go, mappings.json). An installation's
//     source finds each item's Organization (organization.go).
//   - A MailReport is what an item says of a mail (mail.go).
//   - A Sample is a request to try a source with (sample.go).
//
// JSON is read once: paths (path.go) lead to values that a finder picks out of a
// document (document.go).
//
// Start with Provider.Verifier and Verifier.Verify.
package inbound

import "encoding/json"

// Provider is a template for sources: a sender of webhooks, how its requests are
// verified, and what its requests become. All callers share it; don't change it.
type Provider struct {
	Name    string // as a source's row and the API have it: "stripe"
	Title   string // for people: "Stripe"
	Summary string // what it sends, for the grid: "Payments and billing"
	Setup   Setup
	Methods []string // the HTTP methods that a source of it takes
	Success Answer   // the response to a request that was accepted or is a duplicate
	Refusal int      // the status of a bad signature: 401 unless the provider demands another

	// Networks are the provider's published address ranges. A source offers them;
	// none applies them by itself.
	Networks Networks

	Samples  []Sample          // requests to try a source with; none if the provider signs with a private key
	Mappings []json.RawMessage // the mappings that a new source gets, each a Mapping
	Mail     bool              // whether it reports what became of mail: Item.MailReport

	scheme        Scheme // of a provider with code, only its algorithm and key
	ownScheme     bool
	code          string
	method        string
	tolerance     int // seconds, of a provider with code
	families      []string
	secret        secretForm
	credentials   []string
	carriers      []string
	handshake     *handshake
	identity      identityRule
	batch         *batchRule
	dedupe        Dedupe
	organization  organizationRule
	buyerControls []path
}

// Setup is what a person does at the provider. Its texts are plain and complete
// sentences.
type Setup struct {
	Steps       []string // in order; where the URL goes, which events to choose
	Events      string   // which events to choose: "invoice.paid, invoice.payment_failed"
	SecretName  string   // what the provider calls the secret: "Signing secret"
	SecretPlace string   // where the secret is
	SecretMade  string   // "provider" if the provider makes the secret, "user" if a person chooses it, "" if there is none
	Guide       string   // the URL of the provider's own page; "" if there is none
}

// Answer is a fixed response.
type Answer struct {
	Status      int
	ContentType string // "" without a body
	Body        string
}

// Networks are address ranges that a provider published.
type Networks struct {
	Ranges []string // CIDR
	Source string   // the page that lists them
	Date   string   // when it was read: "2026-08-14"
}

// OwnScheme reports whether a source of this provider may have a Scheme of its
// own: the generic HMAC, token and basic providers.
func (p *Provider) OwnScheme() bool { return p.ownScheme }

// Scheme returns how the provider's requests are verified, to show or to begin an
// own scheme with.
func (p *Provider) Scheme() Scheme { return p.scheme }

// Dedupe returns by what the provider's repeats are known, unless a source
// chooses otherwise.
func (p *Provider) Dedupe() Dedupe { return p.dedupe }

// Providers lists every template in the order of the grid. The list is shared;
// don't change it.
func Providers() []*Provider { return loaded().list }

// Named returns the template of a name, or nil if there is none. A source without
// a template must let nothing in.
func Named(name string) *Provider { return loaded().byName[name] }
