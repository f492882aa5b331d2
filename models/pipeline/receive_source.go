package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"gorm.io/gorm"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
	"hookwell/webhook"
)

// sourceFresh is how long a source in memory is used without asking the database
// whether it has changed. What is accepted is checked again as it is committed, and
// what would be refused by Current.
const sourceFresh = time.Second

// OpenSource is a source as receiving uses it: its verifier, its secrets and its
// mappings, made once. It isn't changed afterwards.
type OpenSource struct {
	models.Source
	Verifier *inbound.Verifier // nil lets nothing in
	Secrets  []inbound.Secret  // in force, newest first
	Earlier  []inbound.Secret  // which have ended

	earlier  []*models.SourceSecret // the rows of Earlier
	networks []netip.Prefix
	carriers []string // the headers by which the provider proves itself
	hidden   []string // those whose values aren't kept
	mappings *inbound.Mappings
	ends     *time.Time // when the first of its secrets ends
	token    string     // that it was found by
	until    *time.Time // when that token ends
	checked  time.Time  // when the database last said that it stands
	number   int64      // of the reading that said so
}

// Allows reports whether the source takes requests from an address.
func (s *OpenSource) Allows(address netip.Addr) bool {
	return len(s.networks) == 0 || slices.ContainsFunc(s.networks, func(n netip.Prefix) bool { return n.Contains(address) })
}

// Takes reports whether the source takes requests by a method.
func (s *OpenSource) Takes(method string) bool {
	return s.Verifier != nil && slices.Contains(s.Verifier.Provider().Methods, method)
}

// Verify checks a request by every secret. A source that can't be verified refuses
// all.
func (s *OpenSource) Verify(r *inbound.Request) inbound.Verification {
	if s.Verifier == nil {
		return inbound.Verification{State: inbound.Refused, Cause: inbound.CauseSignature, Secret: -1, Method: "Nothing: Hookwell doesn’t know this source’s provider or scheme."}
	}
	return s.Verifier.Verify(r, s.Secrets)
}

// reading is one look at the database for the source of a token. Readings are numbered
// as they begin.
type reading struct {
	source *OpenSource
	err    error
	number int64
}

// SourceByToken returns the source whose URL has the token, from memory where it
// is there. Any other token is NotFound. What is in memory is refreshed each second, and
// dropped if this process changes the source; before it refuses anything, ask for the
// Current one.
func (p *Engine) SourceByToken(ctx context.Context, token string) (*OpenSource, error) {
	hash := string(models.HashToken(token))
	now := p.clock.Now()
	kept, ok := p.sources.Get(hash)
	if ok && now.Sub(kept.checked) < sourceFresh && kept.stands(now) {
		return kept, nil
	}
	came := p.readings.Load()
	read := p.readOnce(ctx, token, hash)
	if read.number <= came && models.IsKind(read.err, models.NotFound) {
		read = p.readSince(ctx, token, hash, came) // it began before the URL was there, maybe
	}
	return read.source, read.err
}

// Current returns the source as the database has it now. A refusal is judged by that:
// what is in memory may be older than a secret that was just saved in another process.
// It is s itself if s didn't come by a token. It is NotFound for a URL that has ended
// and a source that was deleted.
//
// All who ask while a reading runs share the next one, so a flood of refusals has one
// reading of each source in the database at a time.
func (p *Engine) Current(ctx context.Context, s *OpenSource) (*OpenSource, error) {
	if s.token == "" {
		return s, nil
	}
	read := p.readSince(ctx, s.token, string(models.HashToken(s.token)), p.readings.Load())
	return read.source, read.err
}

// readSince reads a source by a reading that began after that of a number.
func (p *Engine) readSince(ctx context.Context, token, hash string, since int64) reading {
	for {
		if read := p.readOnce(ctx, token, hash); read.number > since {
			return read
		}
	}
}

// readOnce reads a source, or waits for a reading that runs: of those who come at once,
// one asks, because compiling scheme and mappings takes some milliseconds. It doesn't
// give up if its own client does.
func (p *Engine) readOnce(ctx context.Context, token, hash string) reading {
	read, _, _ := p.opening.Do(hash, func() (any, error) {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), CommitLimit)
		defer cancel()
		read := reading{number: p.readings.Add(1)}
		read.source, read.err = p.readSource(limited, token, hash, read.number)
		return read, nil
	})
	return read.(reading)
}

// readSource reads the source of a token. What is in memory of it is used again if the
// revision is the same.
func (p *Engine) readSource(ctx context.Context, token, hash string, number int64) (*OpenSource, error) {
	now := p.clock.Now()
	db := p.db.WithContext(ctx).Where("(token_hash = ? OR earlier_hash = ? AND earlier_until > ?) AND deleted_at IS NULL", []byte(hash), []byte(hash), now)
	kept, ok := p.sources.Get(hash)
	if ok && kept.stands(now) {
		row, err := database.Find[models.Source](db.Session(&gorm.Session{}).Select("id", "revision", "first_verified_at"), "source")
		if err != nil {
			p.sources.Remove(hash)
			return nil, err
		}
		if row.ID == kept.ID && row.Revision == kept.Revision {
			fresh := *kept
			fresh.checked, fresh.number, fresh.FirstVerifiedAt = now, number, row.FirstVerifiedAt
			p.keepSource(hash, &fresh)
			return &fresh, nil
		}
	}
	row, err := database.Find[models.Source](db.Session(&gorm.Session{}), "source")
	if err != nil {
		p.sources.Remove(hash)
		return nil, err
	}
	opened, err := p.OpenSource(p.db.WithContext(ctx), row)
	if err != nil {
		return nil, err
	}
	opened.checked, opened.number, opened.token = now, number, token
	if string(row.TokenHash) != hash {
		opened.until = row.EarlierUntil
	}
	p.keepSource(hash, opened)
	return opened, nil
}

// keepSource keeps a source in memory, unless sources were dropped from there after it
// began to be read: it may be what was dropped.
func (p *Engine) keepSource(hash string, s *OpenSource) {
	p.sources.Put(hash, s)
	if s.number <= p.sourcesDropped.Load() {
		p.sources.Remove(hash)
	}
}

// ForgetSource has the next request to a source's URLs read the source again. Call it
// after a change is committed.
func (p *Engine) ForgetSource(s *models.Source) {
	for now := p.readings.Load(); ; { // what has begun may have read too early
		dropped := p.sourcesDropped.Load()
		if dropped >= now || p.sourcesDropped.CompareAndSwap(dropped, now) {
			break
		}
	}
	for _, hash := range [][]byte{s.TokenHash, s.EarlierHash} {
		p.opening.Forget(string(hash))
		p.sources.Remove(string(hash))
	}
}

// noteBegun notes in memory that a source's first request has come, unless the source
// was read again meanwhile: what comes next is then committed in one statement.
func (p *Engine) noteBegun(s *OpenSource) {
	hash := string(models.HashToken(s.token))
	if kept, ok := p.sources.Get(hash); !ok || kept != s {
		return
	}
	now := p.clock.Now()
	begun := *s
	begun.FirstVerifiedAt = &now
	p.keepSource(hash, &begun)
}

// stands reports whether nothing of the source has ended by itself.
func (s *OpenSource) stands(now time.Time) bool {
	return (s.ends == nil || now.Before(*s.ends)) && (s.until == nil || now.Before(*s.until))
}

// OpenSource makes a row ready for receiving: it opens the secrets and compiles
// scheme and mappings. It fails only if the database does. What can't be opened or
// compiled is logged; the source then lets nothing in, or maps nothing.
func (p *Engine) OpenSource(db *gorm.DB, row *models.Source) (*OpenSource, error) {
	s := &OpenSource{Source: *row}
	for _, text := range row.AllowNetworks {
		if network, err := netip.ParsePrefix(text); err == nil {
			s.networks = append(s.networks, network)
		}
	}
	verifier, mappings, faults := CompileSource(row)
	if len(faults) > 0 {
		p.log.Error("a source can't be used as it is set", "source", row.ID, "error", faults.Error())
	}
	s.Verifier, s.mappings, s.hidden = verifier, mappings, credentials
	if verifier == nil {
		return s, nil
	}
	s.carriers = verifier.Carriers() // a signature is no credential, wherever it stands
	s.hidden = slices.DeleteFunc(slices.Clone(credentials), func(name string) bool { return slices.Contains(s.carriers, name) })
	s.hidden = append(s.hidden, verifier.Credentials()...)
	var secrets []models.SourceSecret
	if err := db.Session(&gorm.Session{NewDB: true}).Where("source_id = ?", row.ID).Order("id DESC").Find(&secrets).Error; err != nil {
		return nil, fmt.Errorf("reading a source's secrets: %w", err)
	}
	now := p.clock.Now()
	for i := range secrets {
		secret, err := p.openSourceSecret(verifier, &secrets[i])
		if err != nil {
			p.log.Error("a source's secret can't be used", "source", row.ID, "secret", secrets[i].ID, "error", err)
			continue
		}
		if !secrets[i].InForce(now) {
			s.Earlier, s.earlier = append(s.Earlier, secret), append(s.earlier, &secrets[i])
			continue
		}
		s.Secrets = append(s.Secrets, secret)
		if end := secrets[i].EndedAt; end != nil && (s.ends == nil || end.Before(*s.ends)) {
			s.ends = end
		}
	}
	s.Source.Secrets = len(s.Secrets)
	return s, nil
}

func (p *Engine) openSourceSecret(v *inbound.Verifier, row *models.SourceSecret) (inbound.Secret, error) {
	plain, err := p.vault.Open(row.SourceID, row.Sealed)
	if err != nil {
		return inbound.Secret{}, err
	}
	return v.ParseSecret(string(plain))
}

// CompileSource makes the verifier and the mappings of a source, or says at its
// fields what is wrong. The verifier is nil if nothing can be verified by them.
func CompileSource(s *models.Source) (*inbound.Verifier, *inbound.Mappings, webhook.Faults) {
	provider := inbound.Named(s.Provider)
	if provider == nil {
		return nil, nil, webhook.Faults{{Field: "provider", Message: "There is no such provider."}}
	}
	o := inbound.Options{Dedupe: s.Dedupe, Tolerance: time.Duration(s.ToleranceSeconds) * time.Second}
	var faults webhook.Faults
	if s.Scheme != "" {
		own := &inbound.Scheme{}
		if err := json.Unmarshal([]byte(s.Scheme), own); err != nil {
			faults.Add("scheme", "This is no scheme: "+err.Error())
		} else {
			o.Scheme = own
		}
	}
	rule, err := s.OwnRule()
	switch o.Organization = rule; {
	case err != nil:
		faults.Add("organizationRule", `This is no rule. Write one as {"ids": ["$.data.object.metadata.organizationId"]}.`)
	case rule != nil && !s.Installation():
		faults.Add("organizationRule", "Only a source of the installation looks for organizations. Leave it out.")
		o.Organization = nil
	}
	verifier, more := provider.Verifier(o)
	mappings, mappingFaults := compileMappings(provider, s.Mappings)
	if faults = append(faults, more...); len(faults) > 0 {
		verifier = nil
	}
	return verifier, mappings, append(faults, mappingFaults...)
}

// compileMappings compiles a source's own mappings, or its provider's.
func compileMappings(provider *inbound.Provider, own string) (*inbound.Mappings, webhook.Faults) {
	list := provider.Mappings
	if own != "" {
		var faults webhook.Faults
		if list, faults = inbound.ReadMappings([]byte(own)); len(faults) > 0 {
			return nil, faults
		}
	}
	mappings, faults := inbound.CompileMappings(provider, list)
	if len(faults) > 0 {
		return nil, faults
	}
	return mappings, nil
}
