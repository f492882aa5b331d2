package models

import (
	"context"

	"gorm.io/gorm"
)

// What the tests look at from outside that no caller may.
var (
	UnknownHash = PasswordCost.unknownHash
	Seal        = (*Vault).seal
	OpenSealed  = (*Vault).open
	SlugFrom    = slugFrom
	LowestID    = lowestID
	IDTime      = idTime
	// SliceLease is how long an unfinished event is left to who began with it.
	SliceLease = sliceLease
)

// DB is the connection itself.
func (s *Store) DB() *gorm.DB { return s.db }

// ActingAs is a tenant's view in which one person acts.
func ActingAs(t *Tenant, user *User) *Tenant {
	return &Tenant{store: t.store, org: t.org, actor: Actor{Kind: ActorUser, ID: user.ID, Name: user.Name}}
}

// Transaction runs a function as the store's own work is run.
func (s *Store) Transaction(ctx context.Context, fn func(tx *Tx) error) error {
	return s.transaction(ctx, fn)
}

// Models lists a row of every table but slugs, which has no type of its own.
func Models() []any {
	return []any{&Organization{}, &User{}, &Member{}, &Session{}, &Key{}, &Endpoint{}, &EndpointState{}, &EndpointSetting{},
		&EndpointSecret{}, &AuditEntry{}, &Invitation{}, &PortalLink{}, &Event{}, &Delivery{}, &Attempt{}, &Work{}, &Recovery{}, &idempotencyKey{}, &mailMessage{}, &Notice{}, &Undelivered{}, &rollupRow{}, &rollupDelta{},
		&throttle{}, &budgetRow{}, &accountLink{}, &twoFactor{}, &recoveryCode{}, &UserIdentity{}, &organizationVersion{}, &Installation{}, &Probe{}, &unfinishedFanOut{}, &sentForm{}}
}

// UpTo applies the migrations up to a number.
func (s *Store) UpTo(ctx context.Context, version int64) error {
	provider, err := s.migrator()
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// Down takes every migration back.
func (s *Store) Down(ctx context.Context) error {
	provider, err := s.migrator()
	if err != nil {
		return err
	}
	_, err = provider.DownTo(ctx, 0)
	return err
}

// Post queues mail in a transaction of its own, which a fault rolls back.
func (s *Store) Post(ctx context.Context, m Mail, fault error) error {
	return s.transaction(ctx, func(tx *Tx) error {
		if err := s.post(tx, mailAlways, Actor{}, m); err != nil {
			return err
		}
		return fault
	})
}

// Locks are what transactions may be serialized by.
func Locks() []int64 {
	return []int64{signupLock, partitionLock, dueLock, rollupLock, watchLock}
}

// Serialize takes a lock until the transaction ends.
func (s *Store) Serialize(tx *gorm.DB, lock int64) error { return s.dialect.serialize(tx, lock) }

// TrySerialize takes a lock if it is free.
func (s *Store) TrySerialize(tx *gorm.DB, lock int64) (bool, error) {
	return s.dialect.trySerialize(tx, lock)
}

// GroupWeight is how many deliveries one transaction writes at most.
func (s *Store) GroupWeight() int { return s.dialect.groupWeight() }
