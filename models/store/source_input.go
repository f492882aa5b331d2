package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	jsonx "github.com/go-json-experiment/json"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/webhook"
)

// checkSource normalizes the input, or says at each field what is wrong. Scheme
// and mappings are checked by compile.
func (s *Store) checkSource(in *models.SourceInput) (faults webhook.Faults) {
	fault := func(field, message string) { faults = append(faults, webhook.Fault{Field: field, Message: message}) }
	in.Name = strings.TrimSpace(in.Name)
	if in.Name == "" {
		fault("name", "Enter a name of up to 100 characters.")
	}
	faults = append(faults, models.TextFaults("name", webhook.NameFault(in.Name, models.MaxName))...)
	if in.MaxBodyBytes < 1 || in.MaxBodyBytes > models.MaxSourceBody {
		fault("maxBodyBytes", fmt.Sprintf("Choose 1 to %d bytes.", models.MaxSourceBody))
	}
	if in.RateLimitPerSecond < 1 || in.RateLimitPerSecond > models.MaxSourceRate {
		fault("rateLimitPerSecond", fmt.Sprintf("Choose 1 to %d requests a second.", models.MaxSourceRate))
	}
	if in.BodyRetentionDays < 0 || in.BodyRetentionDays > models.MaxBodyRetention {
		fault("bodyRetentionDays", fmt.Sprintf("Choose 1 to %d days, or 0 to keep bodies as long as requests.", models.MaxBodyRetention))
	}
	networks, networkFaults := checkNetworks(in.AllowNetworks)
	in.AllowNetworks = networks
	faults = append(faults, networkFaults...)
	faults = append(faults, checkResponse(&in.Response)...)
	return faults
}

// checkNetworks reads networks, or addresses, which stand for themselves.
func checkNetworks(list []string) (networks []string, faults webhook.Faults) {
	if len(list) > models.MaxAllowNetworks {
		return nil, webhook.Faults{{Field: "allowNetworks", Message: fmt.Sprintf("List at most %d networks.", models.MaxAllowNetworks)}}
	}
	networks = []string{}
	for i, text := range list {
		text = strings.TrimSpace(text)
		network, err := netip.ParsePrefix(text)
		if address, addressErr := netip.ParseAddr(text); err != nil && addressErr == nil && address.Zone() == "" {
			network, err = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
		}
		if err != nil {
			faults = append(faults, webhook.Fault{Field: fmt.Sprintf("allowNetworks.%d", i), Message: "This isn’t a network. Write one as 198.51.100.0/24 or 2001:db8::/32."})
			continue
		}
		networks = append(networks, network.Masked().String())
	}
	return networks, faults
}

func checkResponse(r *models.SourceResponse) (faults webhook.Faults) {
	fault := func(field, message string) {
		faults = append(faults, webhook.Fault{Field: "response." + field, Message: message})
	}
	if *r == (models.SourceResponse{}) {
		return nil
	}
	if r.Status == 0 {
		r.Status = 200
	}
	if r.Status < 200 || r.Status > 204 {
		fault("status", "Choose a status from 200 to 204.")
	}
	if r.Body != "" && r.MediaType == "" {
		r.MediaType = "text/plain"
	}
	if r.MediaType != "" && !slices.Contains(models.ResponseTypes(), r.MediaType) {
		fault("mediaType", "Choose "+strings.Join(models.ResponseTypes(), ", ")+".")
	}
	switch {
	case !utf8.ValidString(r.Body) || strings.ContainsRune(r.Body, 0):
		fault("body", "This has bytes that are no text.")
	case utf8.RuneCountInString(r.Body) > models.MaxResponseBody:
		fault("body", fmt.Sprintf("Write at most %d characters.", models.MaxResponseBody))
	case r.Status == 204 && r.Body != "":
		fault("body", "A response with status 204 has no body.")
	}
	return faults
}

// checkSlug returns the slug of a new source: the one that was asked for, or one
// made of its name.
func (s *Store) checkSlug(in models.SourceInput) (string, webhook.Faults) {
	slug := in.Slug
	if slug == "" {
		slug = strings.ReplaceAll(slugFrom(in.Name), "-", "_")
		if slug = strings.Trim(slug[:min(len(slug), models.MaxSourceSlug)], "_"); slug == "" {
			slug = in.Provider
		}
	}
	switch {
	case !validSlug(slug):
		return slug, webhook.Faults{{Field: "slug", Message: fmt.Sprintf("Use 1 to %d small letters, digits and underscores.", models.MaxSourceSlug)}}
	case slug == "hookwell" || slices.Contains(s.catalog.FirstWords(), slug):
		return slug, webhook.Faults{{Field: "slug", Message: "The catalog has types that begin with " + slug + ". Choose another slug."}}
	}
	return slug, nil
}

// applySource writes the checked input to the row.
func applySource(row *models.Source, in models.SourceInput) {
	row.Name, row.Scheme, row.Mappings, row.AllowNetworks = in.Name, in.Scheme, in.Mappings, in.AllowNetworks
	row.MaxBodyBytes, row.RateLimitPerSecond, row.Response = in.MaxBodyBytes, in.RateLimitPerSecond, in.Response
	row.Dedupe, row.RelayUnverified = in.Dedupe, in.RelayUnverified
	row.ToleranceSeconds, row.OrganizationRule, row.BodyRetentionDays = in.ToleranceSeconds, in.OrganizationRule, in.BodyRetentionDays
}

// compile makes the row's verifier and checks its mappings against the catalog.
func (s *Store) compile(row *models.Source) (*inbound.Verifier, webhook.Faults) {
	if row.Provider == "" {
		return nil, webhook.Faults{{Field: "provider", Message: "This is required."}}
	}
	var faults webhook.Faults
	read := *row // without what is too long to be read
	if fault := mappingsFault(row.Mappings); fault != "" {
		faults.Add("mappings", fault)
		read.Mappings = "[]"
	}
	if len(row.OrganizationRule) > models.MaxSourceRule {
		faults.Add("organizationRule", fmt.Sprintf("A rule has at most %d bytes.", models.MaxSourceRule))
		read.OrganizationRule = ""
	}
	if fault := unknownSchemeField(row.Scheme); fault != "" {
		faults.Add("scheme", fault)
	}
	verifier, mappings, more := pipeline.CompileSource(&read)
	if faults = append(faults, more...); mappings == nil {
		return verifier, faults
	}
	for _, name := range mappings.Types() {
		if _, ok := s.catalog.Lookup(name); !ok {
			faults = append(faults, webhook.Fault{Field: "mappings", Message: "The catalog has no type " + quote(name) + "."})
		}
	}
	return verifier, faults
}

// unknownSchemeField says that a scheme has a field that no scheme has, or "".
// Somebody who misspells prefix would otherwise have a source that asks for none.
func unknownSchemeField(text string) string {
	var semantic *jsonx.SemanticError
	err := jsonx.Unmarshal([]byte(text), &inbound.Scheme{}, jsonx.RejectUnknownMembers(true), jsonx.MatchCaseInsensitiveNames(true))
	if text == "" || !errors.As(err, &semantic) || !errors.Is(semantic.Err, jsonx.ErrUnknownName) {
		return "" // what is no JSON has its own fault
	}
	return "A scheme has no field " + strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".") + "."
}

// mappingsFault says what keeps a source's mappings from being read at all, or "".
func mappingsFault(text string) string {
	var list []json.RawMessage
	switch {
	case len(text) > inbound.MaxMappings*inbound.MaxMappingBytes:
		return "The mappings are too long."
	case text != "" && json.Unmarshal([]byte(text), &list) == nil && len(list) > inbound.MaxMappings:
		return fmt.Sprintf("A source has at most %d mappings.", inbound.MaxMappings)
	}
	return ""
}

// validSlug reports whether text has the form of a slug.
func validSlug(slug string) bool {
	return slug != "" && len(slug) <= models.MaxSourceSlug && !slices.ContainsFunc([]byte(slug), func(b byte) bool {
		return (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_'
	})
}
