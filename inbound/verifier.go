package inbound

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hookwell/webhook"
)

// Verifier checks the requests of one source. It is safe for concurrent use; make
// it once and keep it.
type Verifier struct {
	provider   *Provider
	schemes    []*compiledScheme // tried in order until one finds its signature's header
	code       checker           // in place of the schemes; nil for most
	tolerance  time.Duration
	dedupe     Dedupe
	method     string            // Verification.Method
	identities []*identityReader // one for each of the schemes

	organization organizationRule
}

// checker verifies the requests of a provider whose scheme isn't data.
type checker interface {
	verify(v *Verifier, request *Request, secrets []Secret) Verification
	keys(request *Request) []Key // beside those of the provider's rule
	sign(request *Request, secret Secret, at time.Time)
}

// Options are what a source may set besides its provider. The zero value keeps
// everything as the provider has it.
type Options struct {
	Scheme    *Scheme       // an own scheme; only where Provider.OwnScheme
	Tolerance time.Duration // how far a signature's time may be off to either side; 0 is the scheme's
	Dedupe    Dedupe        // "" is the provider's

	// Organization is where a source of the installation finds each item's
	// organization; nil is the provider's.
	Organization *OrganizationRule
}

// MaxTolerance bounds Options.Tolerance.
const MaxTolerance = maxToleranceSeconds * time.Second

// Verifier returns a verifier of this provider's requests. The zero Options have
// no faults. Others have them at the fields "scheme.algorithm" and the like,
// "toleranceSeconds", "dedupe" and "organizationRule.ids[0]".
func (p *Provider) Verifier(options Options) (*Verifier, webhook.Faults) {
	var faults webhook.Faults
	scheme := p.scheme
	if options.Scheme != nil {
		scheme = *options.Scheme
		for _, fault := range scheme.faults() {
			faults.Add(fault.Field, fault.Message)
		}
		if fault := p.ownSchemeFault(scheme); fault != "" && len(faults) == 0 {
			faults.Add("scheme.algorithm", fault)
		}
	}
	if options.Tolerance < 0 || options.Tolerance > MaxTolerance || options.Tolerance%time.Second != 0 {
		faults.Add("toleranceSeconds", fmt.Sprintf("is 1 to %d seconds", maxToleranceSeconds))
	}
	if options.Dedupe != "" && !slices.Contains(Dedupes(), options.Dedupe) {
		faults.Add("dedupe", "is one of id, body, id_or_body, id_with_body, none")
	}
	organization := p.organization
	if options.Organization != nil {
		organization = options.Organization.compile(&faults, "organizationRule", p)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	v := p.verifier(scheme, options)
	if options.Tolerance > 0 && !p.signsTime(scheme) {
		faults.Add("toleranceSeconds", "has no effect, because the signature has no time; leave it out")
		return nil, faults
	}
	v.organization = organization
	return v, nil
}

// ownSchemeFault says why a source of this provider may not have a scheme.
func (p *Provider) ownSchemeFault(scheme Scheme) string {
	switch {
	case !p.ownScheme:
		return fmt.Sprintf("is %s's own; choose one of the generic providers to set another", p.Title)
	case p.scheme.Algorithm == algorithmToken && scheme.Algorithm != algorithmToken:
		return "is token for this provider"
	case p.scheme.signs() && !scheme.signs():
		return "is one that signs; choose the provider for tokens or passwords otherwise"
	}
	return ""
}

// signsTime reports whether a signature's time is judged.
func (p *Provider) signsTime(scheme Scheme) bool {
	if codes[p.code] != nil {
		return p.tolerance > 0
	}
	return scheme.Timestamp != nil || p.tolerance > 0
}

// verifier makes the verifier of a scheme without faults.
func (p *Provider) verifier(scheme Scheme, options Options) *Verifier {
	v := &Verifier{provider: p, code: codes[p.code], dedupe: p.dedupe, identities: []*identityReader{p.identity.reader(scheme, p.code)}}
	if options.Dedupe != "" {
		v.dedupe = options.Dedupe
	}
	v.tolerance = time.Duration(p.tolerance) * time.Second
	if v.code == nil {
		v.schemes = []*compiledScheme{compileScheme(scheme)}
		if scheme.Timestamp != nil {
			v.tolerance = time.Duration(scheme.Timestamp.ToleranceSeconds) * time.Second
		}
		for _, family := range p.families {
			other := scheme.inFamily(p.families[0], family)
			v.schemes = append(v.schemes, compileScheme(other))
			v.identities = append(v.identities, p.identity.inFamily(p.families[0], family).reader(other, p.code))
		}
		if len(p.families) > 0 {
			v.schemes, v.identities = v.schemes[1:], v.identities[1:]
		}
	}
	if options.Tolerance > 0 {
		v.tolerance = options.Tolerance
	}
	v.method = describe(p, scheme)
	return v
}

// inFamily returns the scheme with the prefix of its headers' names replaced, so
// that all of a request's headers come from one family.
func (s Scheme) inFamily(from, to string) Scheme {
	signature, timestamp := *s.Signature, *s.Timestamp
	signature.Header = strings.Replace(signature.Header, from, to, 1)
	timestamp.Name = strings.Replace(timestamp.Name, from, to, 1)
	s.Signature, s.Timestamp = &signature, &timestamp
	s.Message = strings.ReplaceAll(s.Message, "{header:"+from, "{header:"+to)
	return s
}

// identity returns the reader of the family of headers that the request is
// verified by. The id of another family could be anybody's.
func (v *Verifier) identity(request *Request) *identityReader {
	for i := 1; i < len(v.schemes); i++ {
		if _, first := request.header(v.schemes[0].Signature.Header); first > 0 {
			break
		}
		if _, count := request.header(v.schemes[i].Signature.Header); count > 0 {
			return v.identities[i]
		}
	}
	return v.identities[0]
}

// Provider returns the template that the verifier was made from.
func (v *Verifier) Provider() *Provider { return v.provider }

// Dedupe returns by what repeats are known.
func (v *Verifier) Dedupe() Dedupe { return v.dedupe }

// Tolerance returns how far a signature's time may be off to either side; 0 if
// none is signed.
func (v *Verifier) Tolerance() time.Duration { return v.tolerance }

// NeedsSecret reports whether nothing can be verified without a secret.
func (v *Verifier) NeedsSecret() bool { return v.scheme().Algorithm != algorithmNone }

// scheme returns the scheme, or the nearest description of what code does.
func (v *Verifier) scheme() Scheme {
	if v.code != nil {
		return v.provider.scheme
	}
	return v.schemes[0].Scheme
}

// ParseSecret trims a secret that a person pasted and checks its form. The
// error is a sentence for people that says what is wrong with it, such as an id
// that was pasted in place of the secret, and never contains the text. An empty
// secret is refused.
func (v *Verifier) ParseSecret(text string) (Secret, error) {
	scheme := v.scheme()
	if scheme.Algorithm == algorithmNone {
		return Secret{}, sentence("A source of this kind verifies nothing and has no secret.")
	}
	text = strings.TrimSpace(text)
	if scheme.Algorithm == algorithmToken {
		text = strings.TrimPrefix(text, scheme.Signature.OptionalPrefix)
	}
	if err := v.provider.secret.check(text); err != nil {
		return Secret{}, err
	}
	return newSecret(text, scheme)
}

// SignatureHeader returns the header that has the signature or the credential. It is
// empty if the body has it, nothing is checked, or one of several headers may come.
func (v *Verifier) SignatureHeader() string {
	if place := v.scheme().Signature; place != nil && len(v.schemes) < 2 {
		return place.Header
	}
	return ""
}

// Carriers lists the headers, in lower case, by which the provider proves itself.
// They are what an endpoint needs that verifies the provider's own signature.
func (v *Verifier) Carriers() []string {
	var names []string
	add := func(name string) {
		if name = strings.ToLower(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, c := range v.schemes {
		if c.Signature != nil {
			add(c.Signature.Header)
		}
		if c.Timestamp != nil && c.Timestamp.From == "header" {
			add(c.Timestamp.Name)
		}
		for _, part := range c.message {
			if part.kind == partHeader {
				add(part.text)
			}
		}
	}
	for _, name := range v.provider.carriers {
		add(name)
	}
	return names
}

// Credentials lists the headers, in lower case, whose values are secrets by
// themselves. Mask them before a request is stored, and never relay them.
func (v *Verifier) Credentials() []string {
	names := []string{"authorization", "cookie", "proxy-authorization"}
	for _, name := range v.provider.credentials {
		names = append(names, strings.ToLower(name))
	}
	if scheme := v.scheme(); !scheme.signs() && scheme.Signature != nil {
		names = append(names, strings.ToLower(scheme.Signature.Header))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Relayable reports whether a receiver elsewhere can verify the provider's own
// signature: false if the scheme signs the URL or sends a credential.
func (v *Verifier) Relayable() bool {
	scheme := v.scheme()
	return scheme.signs() && !strings.Contains(scheme.Message, "{url}")
}
