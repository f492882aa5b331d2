package store

import (
	"context"

	"gorm.io/gorm"

	"hookwell/models"
	"hookwell/models/database"
	"hookwell/models/pipeline"
)

// What the tests look at from outside that no caller may.
var (
	UnknownHash = PasswordCost.unknownHash
	Seal        = (*database.Vault).Seal
	OpenSealed  = (*database.Vault).Open
	SlugFrom    = slugFrom
	LowestID    = database.LowestID
	IDTime      = database.IDTime
	// SliceLease is how long an unfinished event is left to who began with it.
	SliceLease = pipeline.SliceLease
)

// DB is the connection itself.
func (s *Store) DB() *gorm.DB { return s.db.DB }

// ActingAs is a tenant's view in which one person acts.
func ActingAs(t *Tenant, user *models.User) *Tenant {
	return &Tenant{store: t.store, org: t.org, actor: models.Actor{Kind: models.ActorUser, ID: user.ID, Name: user.Name}}
}

// Transaction runs a function as the store's own work is run.
func (s *Store) Transaction(ctx context.Context, fn func(tx *database.Tx) error) error {
	return s.transaction(ctx, fn)
}

// Models lists a row of every table but slugs, which has no type of its own, and
// those that only the engine knows.
func Models() []any {
	return []any{&models.Organization{}, &models.User{}, &models.Member{}, &models.Session{}, &models.Key{}, &models.Endpoint{}, &models.EndpointState{}, &models.EndpointHistory{},
		&models.EndpointSecret{}, &models.AuditEntry{}, &models.Invitation{}, &models.PortalLink{}, &models.Event{}, &models.Delivery{}, &models.Attempt{}, &models.Work{}, &models.Recovery{}, &models.MailMessage{}, &models.Notice{}, &models.Undelivered{}, &pipeline.RollupRow{},
		&throttle{}, &pipeline.BudgetRow{}, &accountLink{}, &twoFactor{}, &recoveryCode{}, &models.UserIdentity{}, &database.Installation{}, &database.Probe{}, &pipeline.UnfinishedFanOut{}, &sentForm{},
		&models.Source{}, &models.SourceSecret{}, &models.SourceReference{}, &models.SourcePayment{}, &models.Request{}, &models.RefusedRequest{}, &models.RequestEvent{}, &models.DuplicateSeen{}, &models.RequestReplay{}, &models.AwaitedReference{}, &models.Suppression{}}
}

// UpTo applies the migrations up to a number.
func (s *Store) UpTo(ctx context.Context, version int64) error {
	provider, err := s.db.Migrator()
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// Down takes every migration back.
func (s *Store) Down(ctx context.Context) error {
	provider, err := s.db.Migrator()
	if err != nil {
		return err
	}
	_, err = provider.DownTo(ctx, 0)
	return err
}

// Post queues mail in a transaction of its own, which a fault rolls back.
func (s *Store) Post(ctx context.Context, m models.Mail, fault error) error {
	return s.transaction(ctx, func(tx *database.Tx) error {
		if err := s.engine.Post(tx, pipeline.MailAlways, models.Actor{}, m); err != nil {
			return err
		}
		return fault
	})
}

// PostFinished queues mail to ada@example.com as versions before the kinds of mail
// did, by the columns that they know.
func (s *Store) PostFinished(ctx context.Context, id, subject, text string) error {
	now := s.clock.Now()
	return s.db.WithContext(ctx).Exec(`INSERT INTO mail_messages (id, recipient, subject, secret, sealed, created_at, due_at, attempts, lease_token, failure)
		VALUES (?, 'ada@example.com', ?, TRUE, ?, ?, ?, 0, '', '')`, id, subject, s.vault.Seal(id, []byte(text)), now, now).Error
}

// TakenByAnEarlierVersion lists the messages that the workers of such a version
// would take now.
func (s *Store) TakenByAnEarlierVersion(ctx context.Context) (ids []string, err error) {
	err = s.db.WithContext(ctx).Raw("SELECT id FROM mail_messages WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= " + s.db.Dialect.Now(s.clock)).Scan(&ids).Error
	return ids, err
}

// Locks are what transactions may be serialized by.
func Locks() []int64 {
	return []int64{database.SignupLock, database.PartitionLock, database.DueLock, database.RollupLock, database.WatchLock}
}

// Serialize takes a lock until the transaction ends.
func (s *Store) Serialize(tx *gorm.DB, lock int64) error { return s.db.Dialect.Serialize(tx, lock) }

// TrySerialize takes a lock if it is free.
func (s *Store) TrySerialize(tx *gorm.DB, lock int64) (bool, error) {
	return s.db.Dialect.TrySerialize(tx, lock)
}

// GroupWeight is how many deliveries one transaction writes at most.
func (s *Store) GroupWeight() int { return s.db.Dialect.GroupWeight() }
