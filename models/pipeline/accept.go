package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hookwell/models"
	"hookwell/models/database"
)

// acceptEach commits drafts in one transaction. If that fails they are halved
// until what is at fault stands alone: one can't fail its neighbours. It
// returns those that turned out to be too many for one transaction, which are
// neither accepted nor refused.
func (p *Engine) acceptEach(ctx context.Context, drafts []*Draft) (tooMany []*Draft) {
	left, err := p.accept(ctx, drafts)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooHeavy):
		for _, d := range left {
			d.reset()
		}
		return left
	case len(left) > 1 && !models.IsCode(err, models.CodeDatabaseBusy) && p.db.Ping(ctx) == nil:
		half := len(left) / 2
		return append(p.acceptEach(ctx, left[:half]), p.acceptEach(ctx, left[half:])...)
	}
	for _, d := range left {
		d.reset()
		d.refused = err
	}
	return nil
}

// errTooHeavy is of drafts that have more deliveries together than a
// transaction writes, which was not known before they were planned.
var errTooHeavy = errors.New("too many deliveries for one transaction")

// weigh is how many deliveries a draft has, as far as memory knows: what it
// does not know is found out when the draft is planned.
func (p *Engine) weigh(d *Draft) int {
	if d.committed {
		return len(d.rest)
	}
	if o, ok := p.rules.Get(d.Event.OrganizationID); ok {
		return len(o.subscribed(d.Event.Type))
	}
	return max(d.Event.Deliveries, 1) // as it was planned before
}

// accept commits drafts and wakes their deliveries: most in one statement, by what
// is in memory, and what that leaves in a transaction that reads. If it fails it
// returns the drafts that are not committed.
func (p *Engine) accept(ctx context.Context, drafts []*Draft) (left []*Draft, err error) {
	done, left, err := p.acceptCached(ctx, drafts)
	p.accepted(done)
	if err == nil && len(left) > 0 {
		if err = p.acceptReading(ctx, left); err == nil {
			p.accepted(left)
			return nil, nil
		}
	}
	if err != nil {
		return left, fmt.Errorf("accepting events: %w", p.db.NoteStorage(err))
	}
	return nil, nil
}

// accepted is called after the commit: it wakes the deliveries of the drafts and
// keeps their bodies in memory for the attempts.
func (p *Engine) accepted(drafts []*Draft) {
	var woken []models.Woken
	for _, d := range drafts {
		if d.twin != nil {
			replayed := *d.twin.accepted
			replayed.Replayed = true
			d.accepted = &replayed
		}
		if d.accepted != nil && !d.accepted.Replayed {
			p.bodies.put(&d.Event)
		}
		woken = append(woken, d.woken...)
	}
	p.Wake(woken)
}

// acceptCached commits drafts by the settings that are in memory, in a statement
// that writes only if they still stand. It returns the drafts that it committed,
// and those that it left: all of them where the settings have changed or are not in
// memory, or a draft asks for more, and otherwise those whose idempotency key is
// taken.
func (p *Engine) acceptCached(ctx context.Context, drafts []*Draft) (done, left []*Draft, err error) {
	f, unchanged, err := p.planCached(drafts)
	if f == nil {
		return nil, drafts, err
	}
	var wrote written
	err = p.db.WithPartitions(ctx, func() (err error) {
		wrote, err = p.statements.writeIfUnchanged(p.db.WithContext(ctx), p.clock, f, unchanged, p.worker)
		if wrote.claimsNothing {
			p.giveUp(f, false)
			wrote, err = p.statements.writeIfUnchanged(p.db.WithContext(ctx), p.clock, f, unchanged, p.worker)
		}
		return err
	})
	if err != nil || !wrote.ok {
		p.giveUp(f, err != nil)
		return nil, drafts, err
	}
	token := ""
	if f.atOnce != nil {
		token = f.atOnce.token
	}
	begun := p.begin(f, func(eventID string) bool { return !slices.Contains(wrote.taken, eventID) })
	t := &committed{}
	for _, d := range drafts {
		if slices.Contains(wrote.taken, d.Event.ID) {
			d.inGroup = token
			left = append(left, d)
			continue
		}
		done = append(done, d)
		d.begun(begun)
		t.accept(&d.Event)
	}
	p.tell(t)
	return done, left, nil
}

// planCached plans drafts by the settings that are in memory, and takes slots for what
// may be claimed at once. It returns no fan-out where acceptCached leaves them all.
func (p *Engine) planCached(drafts []*Draft) (*fanOut, precondition, error) {
	organizationIDs, keyIDs := namesOf(drafts)
	unchanged := precondition{keyIDs: keyIDs}
	found, ok := p.cachedRules(organizationIDs)
	if !ok {
		return nil, unchanged, nil
	}
	for _, d := range drafts {
		d.reset()
		organization := &found[d.Event.OrganizationID].organization
		if organization.DeletedAt != nil || !d.fits(organization) {
			return nil, unchanged, nil
		}
	}
	f, err := p.groupTo(drafts, found)
	if err != nil || len(f.unfinished) > 0 {
		return nil, unchanged, err
	}
	for id, o := range found {
		unchanged.organizationIDs, unchanged.versions = append(unchanged.organizationIDs, id), append(unchanged.versions, o.version)
	}
	f.keys = p.keysOf(drafts)
	p.reserve(f, found)
	return f, unchanged, nil
}

// acceptReading commits drafts by the settings as a transaction reads them.
func (p *Engine) acceptReading(ctx context.Context, drafts []*Draft) error {
	var f *fanOut
	err := p.db.Transaction(ctx, func(tx *database.Tx) (err error) {
		p.giveUp(f, false) // of a run that was rolled back
		f, err = p.acceptRead(tx, drafts)
		return err
	})
	if err != nil {
		p.giveUp(f, true)
		return err
	}
	begun := p.begin(f, func(string) bool { return true })
	for _, d := range drafts {
		d.begun(begun)
	}
	return err
}

// earlierGroups returns the tokens of groups that may name deliveries of the drafts,
// by an earlier try: those must not stand once the events do.
func (p *Engine) earlierGroups(drafts []*Draft) []string {
	tokens := p.unsure.list()
	for _, d := range drafts {
		if d.inGroup != "" {
			tokens = append(tokens, d.inGroup)
		}
	}
	return tokens
}

// acceptRead writes drafts by the settings as the transaction reads them, and
// returns what it wrote.
func (p *Engine) acceptRead(tx *database.Tx, drafts []*Draft) (f *fanOut, err error) {
	if err := p.expandTokens(tx, p.earlierGroups(drafts)); err != nil {
		return nil, err
	}
	organizationIDs, keyIDs := namesOf(drafts)
	found, err := p.currentRules(tx, organizationIDs)
	if err != nil {
		return nil, err
	}
	revoked, err := p.revokedKeys(tx, keyIDs)
	if err != nil {
		return nil, err
	}
	var good []*Draft
	for _, d := range drafts {
		d.reset()
		switch o := found[d.Event.OrganizationID]; {
		case revoked[d.keyID]:
			d.refused = UnknownKey()
		case o == nil || o.organization.DeletedAt != nil:
			d.refused = models.NewNotFound("organization")
		case !d.fits(&o.organization):
			if d.refused = d.refit(&o.organization); d.refused == nil {
				good = append(good, d)
			}
		default:
			good = append(good, d)
		}
	}
	fresh, err := p.claimKeys(tx, good)
	if err != nil || len(fresh) == 0 {
		return nil, err
	}
	if f, err = p.groupTo(fresh, found); err != nil {
		return nil, err
	}
	p.reserve(f, found)
	if f.atOnce != nil {
		may, err := p.mayClaim(tx, f.atOnce.slots)
		if err != nil {
			return f, err
		}
		if !may {
			p.giveUp(f, false)
		}
	}
	return f, p.write(tx, f)
}

// namesOf lists the drafts' organizations and the keys that reported them,
// each once.
func namesOf(drafts []*Draft) (organizationIDs, keyIDs []string) {
	seen := make(map[string]bool, 2)
	add := func(list []string, id string) []string {
		if id == "" || seen[id] {
			return list
		}
		seen[id] = true
		return append(list, id)
	}
	for _, d := range drafts {
		organizationIDs, keyIDs = add(organizationIDs, d.Event.OrganizationID), add(keyIDs, d.keyID)
	}
	return organizationIDs, keyIDs
}

// revokedKeys tells which of the keys may no longer report.
func (p *Engine) revokedKeys(tx *database.Tx, ids []string) (map[string]bool, error) {
	revoked := make(map[string]bool, len(ids))
	if len(ids) == 0 {
		return revoked, nil
	}
	for _, id := range ids {
		revoked[id] = true
	}
	condition, parameter := p.db.Dialect.Among("id", ids)
	var good []string
	if err := tx.Model(&models.Key{}).Where(condition, parameter).Where("revoked_at IS NULL").Pluck("id", &good).Error; err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	for _, id := range good {
		delete(revoked, id)
	}
	return revoked, nil
}

// UnknownKey returns what is said to who shows a key that does not stand.
func UnknownKey() error {
	return &models.Error{Kind: models.Unauthorized, Code: "unauthorized", Message: "The API key is unknown or was revoked."}
}
