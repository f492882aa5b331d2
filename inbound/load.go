package inbound

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"hookwell/webhook"
)

//go:embed providers.json
var providersFile []byte

//go:embed mappings.json
var mappingsFile []byte

// providerSet is every template, in order and by name.
type providerSet struct {
	list   []*Provider
	byName map[string]*Provider
}

// loaded reads the embedded templates once. Data that isn't right stops the
// program: a template that can't be read must let nothing in.
var loaded = sync.OnceValue(func() providerSet {
	set, err := readProviders(providersFile, mappingsFile)
	if err != nil {
		panic("inbound: " + err.Error())
	}
	return set
})

// providerData is a Provider in providers.json.
type providerData struct {
	Name          string           `json:"name"`
	Title         string           `json:"title"`
	Summary       string           `json:"summary"`
	Setup         setupData        `json:"setup"`
	Methods       []string         `json:"methods"`
	Scheme        Scheme           `json:"scheme"`
	OwnScheme     bool             `json:"ownScheme"`
	Code          string           `json:"code"`   // the checker, where a scheme can't say it
	Method        string           `json:"method"` // what the code checks, for people
	Tolerance     int              `json:"toleranceSeconds"`
	Families      []string         `json:"families"` // prefixes of the scheme's headers, any of which may come
	Secret        secretForm       `json:"secret"`
	Credentials   []string         `json:"credentials"`
	Carriers      []string         `json:"carriers"` // headers beside the scheme's that a receiver reads
	Handshake     *handshake       `json:"handshake"`
	Identity      identityRule     `json:"identity"`
	Batch         *batchRule       `json:"batch"`
	Dedupe        Dedupe           `json:"dedupe"`
	Success       Answer           `json:"success"`
	Refusal       int              `json:"refusal"`
	Networks      Networks         `json:"networks"`
	Organization  OrganizationRule `json:"organization"`
	BuyerControls []string         `json:"buyerControls"` // paths that a buyer can set
	Mail          bool             `json:"mail"`
	Samples       []sampleData     `json:"samples"`
}

type setupData struct {
	Steps       []string `json:"steps"`
	Events      string   `json:"events"`
	SecretName  string   `json:"secretName"`
	SecretPlace string   `json:"secretPlace"`
	SecretMade  string   `json:"secretMade"`
	Guide       string   `json:"guide"`
}

// readProviders reads and checks templates and their mappings.
func readProviders(providers, mappings []byte) (providerSet, error) {
	set := providerSet{byName: map[string]*Provider{}}
	var list []providerData
	if err := jsonx.Unmarshal(providers, &list, jsonx.RejectUnknownMembers(true), jsonx.MatchCaseInsensitiveNames(true)); err != nil {
		return set, fmt.Errorf("reading the providers: %w", err)
	}
	var byProvider map[string][]json.RawMessage
	if err := jsonx.Unmarshal(mappings, &byProvider); err != nil {
		return set, fmt.Errorf("reading the mappings: %w", err)
	}
	for _, data := range list {
		p, err := data.provider()
		if err == nil && set.byName[data.Name] != nil {
			err = errors.New("there are two of this name")
		}
		if err != nil {
			return set, fmt.Errorf("provider %q: %w", data.Name, err)
		}
		p.Mappings = byProvider[p.Name]
		delete(byProvider, p.Name)
		if _, faults := CompileMappings(p, p.Mappings); len(faults) > 0 {
			return set, fmt.Errorf("provider %q: %w", data.Name, faults)
		}
		set.list, set.byName[p.Name] = append(set.list, p), p
	}
	for name := range byProvider {
		return set, fmt.Errorf("there are mappings of %q, which isn't a provider", name)
	}
	return set, nil
}

var providerName = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)

// provider checks a template and compiles it.
func (d *providerData) provider() (*Provider, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	p := &Provider{
		Name: d.Name, Title: d.Title, Summary: d.Summary, Setup: Setup(d.Setup), Methods: d.Methods,
		Success: d.Success, Refusal: d.Refusal, Networks: d.Networks, Mail: d.Mail,
		scheme: d.Scheme, ownScheme: d.OwnScheme, code: d.Code, method: d.Method, tolerance: d.Tolerance, families: d.Families,
		secret: d.Secret, credentials: d.Credentials, carriers: d.Carriers, handshake: d.Handshake,
		identity: d.Identity, batch: d.Batch, dedupe: d.Dedupe,
	}
	if p.Methods == nil {
		p.Methods = []string{"POST"}
	}
	if p.Success.Status == 0 {
		p.Success.Status = 200
	}
	if p.Refusal == 0 {
		p.Refusal = 401
	}
	if p.Success.Status < 200 || p.Success.Status > 204 || p.Refusal < 400 || p.Refusal > 499 {
		return nil, errors.New("a status out of range")
	}
	if err := p.compileRest(d); err != nil {
		return nil, err
	}
	for _, sample := range d.Samples {
		p.Samples = append(p.Samples, Sample{Type: sample.Type, Title: sample.Title, headers: sample.Headers, body: compacted(sample.Body), form: sample.Form})
	}
	return p, nil
}

// compacted returns a sample's body as one line.
func compacted(value []byte) string {
	body := jsontext.Value(slices.Clone(value))
	if body.Compact() != nil {
		return string(value)
	}
	return string(body)
}

// check returns the first fault of a template's words and places.
func (d *providerData) check() error {
	if !providerName.MatchString(d.Name) || d.Title == "" || d.Summary == "" || len(d.Setup.Steps) == 0 {
		return errors.New("a name, a title, a summary or the steps are missing")
	}
	if d.Code != "" && (codes[d.Code] == nil || d.Method == "") {
		return fmt.Errorf("there is no code %q, or it isn't described", d.Code)
	}
	if d.Code == "" {
		if faults := d.Scheme.faults(); len(faults) > 0 {
			return faults
		}
	} else if !slices.Contains(algorithms, d.Scheme.Algorithm) {
		return fmt.Errorf("unknown algorithm %q", d.Scheme.Algorithm)
	}
	if !slices.Contains(Dedupes(), d.Dedupe) {
		return fmt.Errorf("unknown dedupe rule %q", d.Dedupe)
	}
	if bodyRule := d.Dedupe == DedupeBody || d.Dedupe == DedupeIDOrBody; bodyRule && (!d.Scheme.signs() || d.OwnScheme) {
		return errors.New("bodies may be equal where they aren't signed")
	}
	if d.Handshake != nil {
		if fault := d.Handshake.fault(d.Scheme); fault != "" {
			return fmt.Errorf("handshake: %s", fault)
		}
		if methods := d.Methods; d.Handshake.Method != "POST" && !slices.Contains(methods, d.Handshake.Method) {
			return errors.New("handshake: its method isn't taken")
		}
	}
	for _, prefix := range d.Networks.Ranges {
		if _, err := netip.ParsePrefix(prefix); err != nil {
			return err
		}
	}
	return d.Identity.check()
}

// compileRest compiles what has errors of its own.
func (p *Provider) compileRest(d *providerData) (err error) {
	if p.secret.Pattern != "" {
		if p.secret.pattern, err = regexp.Compile(p.secret.Pattern); err != nil || p.secret.Form == "" {
			return fmt.Errorf("the secret's pattern has a fault or no description: %w", err)
		}
	}
	if p.handshake != nil {
		p.handshake.compile()
	}
	if p.batch != nil {
		if p.batch.path, err = parsePathEvery(p.batch.Items); err != nil {
			return err
		}
		if err := p.batch.Item.check(); err != nil {
			return err
		}
		p.batch.read = p.batch.Item.reader(p.scheme, p.code)
	}
	for _, text := range d.BuyerControls {
		path, err := parsePath(text)
		if err != nil {
			return err
		}
		p.buyerControls = append(p.buyerControls, path)
	}
	var faults webhook.Faults
	p.organization = d.Organization.compile(&faults, "organization", p)
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// check returns the first place of an identity that can't be read.
func (r identityRule) check() error {
	for _, text := range slices.Concat(r.ID.First, r.ID.Join, r.Type.First, r.Type.Join, r.Time.First) {
		if header, ok := strings.CutPrefix(text, "header:"); ok && headerName.MatchString(header) {
			continue
		}
		if _, err := parsePath(text); err != nil {
			return fmt.Errorf("unknown place %q", text)
		}
	}
	if len(r.Time.First) > 0 && !slices.Contains(units, r.Time.Unit) {
		return fmt.Errorf("unknown unit %q", r.Time.Unit)
	}
	if r.Test != nil {
		if _, err := parsePath(r.Test.Path); err != nil {
			return err
		}
	}
	return nil
}
