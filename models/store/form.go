package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hookwell/models"
	"hookwell/models/database"
)

// Form identifies a form that a person sent, with its contents: 256 bits that
// only the browser and this request know. The same form sent again has the same
// Form; changed contents make another one.
type Form [32]byte

// How long a form is known after it was sent, and for how long a secret that it
// made is shown to who sends it again. The second click on a button, and a
// reload after an answer that got lost, belong to the first showing.
const (
	formSpan  = 24 * time.Hour
	shownSpan = 5 * time.Minute
)

type (
	formKey  struct{}
	claimKey struct{}
)

// WithForm returns a context in which methods that make something do so once for
// the form: the first call commits, and every other call returns what the first
// one made. It works across processes, for 24 hours.
func WithForm(ctx context.Context, form Form) context.Context {
	return context.WithValue(ctx, formKey{}, form)
}

// sentForm is a form whose transaction was committed. Shown can't be opened
// with anything that the database or its server holds.
type sentForm struct {
	ID        []byte `gorm:"primaryKey"`
	Made      string
	Shown     []byte
	CreatedAt time.Time
}

// claim is a form on its way through a transaction, and what that makes.
type claim struct {
	form        Form
	made, shown string
	nothing     bool
}

// taken is how a transaction ends whose form was sent before. Shown is empty
// once its time is over.
type taken struct{ made, shown string }

func (t *taken) Error() string { return "this form was sent before, and made " + t.made }

// once lets the transaction that is begun with ctx take the form in it. Without
// a form it changes nothing.
func once(ctx context.Context) context.Context {
	form, ok := ctx.Value(formKey{}).(Form)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, claimKey{}, form)
}

// makes says what the transaction's form has made: what to find it by, and what
// its answer shows once.
func makes(tx *database.Tx, made, shown string) {
	if c := database.NotedIn[claim](tx); c != nil {
		c.made, c.shown = made, shown
	}
}

// makesNothing gives the transaction's form back: it may be sent again.
func makesNothing(tx *database.Tx) {
	if c := database.NotedIn[claim](tx); c != nil {
		c.nothing = true
	}
}

// earlier returns what the form has made before if err says so, and nil
// otherwise.
func earlier(err error) *taken {
	var t *taken
	errors.As(err, &t)
	return t
}

// unlessTaken is nil for an error that says that the form was sent before, for
// what has no more to return than that it is done.
func unlessTaken(err error) error {
	if earlier(err) != nil {
		return nil
	}
	return err
}

// sentBefore fails with taken if the form in ctx was sent before. It is for
// methods that check something which the first one has changed; the transaction
// asks again.
func (s *Store) sentBefore(ctx context.Context) error {
	form, ok := ctx.Value(formKey{}).(Form)
	if !ok {
		return nil
	}
	return s.findSent(s.db.WithContext(ctx), form)
}

// madeUser returns the account that a form made or set the password of before, for a
// session to begin. Once the form is no longer shown what it made, or the account
// asks for a second factor, over is the error.
func (s *Store) madeUser(ctx context.Context, before *taken, over error) (*models.User, error) {
	id, _, _ := strings.Cut(before.made, " ")
	second, err := s.asksSecondFactor(ctx, id)
	if err == nil && (second || before.shown == "") {
		err = over
	}
	if err != nil {
		return nil, err
	}
	return s.User(ctx, id)
}

// formSent refuses a form that has made its account a while ago.
func formSent() error {
	return models.NewConflict("form_sent", "This form was sent before, and made your account. Sign in to go on.")
}

// FormSent reports whether the form in ctx was sent before and has done its work. It
// fails if the database does.
func (s *Store) FormSent(ctx context.Context) (bool, error) {
	err := s.sentBefore(ctx)
	return earlier(err) != nil, unlessTaken(err)
}

func (s *Store) findSent(db *gorm.DB, form Form) error {
	row, err := database.Find[sentForm](db.Where("id = ?", form.id()), "form")
	if models.IsKind(err, models.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t := &taken{made: row.Made}
	if len(row.Shown) > 0 && s.clock.Now().Sub(row.CreatedAt) < shownSpan {
		if t.shown, err = form.open(row.Shown); err != nil {
			return fmt.Errorf("opening what a form made: %w", err)
		}
	}
	return t
}

// transaction is transact. Where ctx comes from once, fn runs for one of those that
// have the same form.
func (s *Store) transaction(ctx context.Context, fn func(tx *database.Tx) error) error {
	return s.db.Transaction(ctx, func(tx *database.Tx) error { return s.inForm(tx, fn) })
}

// inForm runs fn in a transaction that takes its form, if it has one. Another
// with the same form is waited for.
func (s *Store) inForm(tx *database.Tx, fn func(tx *database.Tx) error) error {
	form, ok := tx.Statement.Context.Value(claimKey{}).(Form)
	if !ok {
		return fn(tx)
	}
	c := database.NoteIn(tx, func(*claim) {})
	c.form = form
	row := sentForm{ID: c.form.id(), CreatedAt: s.clock.Now()}
	inserted := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if inserted.Error != nil {
		return fmt.Errorf("taking the form: %w", inserted.Error)
	}
	if inserted.RowsAffected == 0 {
		if err := s.findSent(tx.DB, c.form); err != nil {
			return err
		}
		return models.NewConflict("form_ended", "This form is a day old, and was sent before. Open the page again.")
	}
	if err := fn(tx); err != nil {
		return err
	}
	switch {
	case c.nothing:
		return tx.Delete(&row).Error
	case c.made == "" && c.shown == "":
		return nil
	}
	row.Made = c.made
	if c.shown != "" {
		var err error
		if row.Shown, err = c.form.seal(c.shown); err != nil {
			return fmt.Errorf("sealing what a form made: %w", err)
		}
	}
	return tx.Model(&row).Select("made", "shown").Updates(&row).Error
}

// id is what the form is stored under. It leads back to nothing.
func (f Form) id() []byte {
	id := sha256.Sum256(append([]byte("form "), f[:]...))
	return id[:]
}

func (f Form) aead() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, f[:], nil, "what a form made", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (f Form) seal(text string) ([]byte, error) {
	aead, err := f.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, []byte(text), nil), nil
}

func (f Form) open(sealed []byte) (string, error) {
	aead, err := f.aead()
	if err != nil {
		return "", err
	}
	text, err := aead.Open(nil, nil, sealed, nil)
	return string(text), err
}

// PruneForms deletes forms that were sent more than 24 hours ago, and results of
// forms that are not shown again. It fails if the database does.
func (s *Store) PruneForms(ctx context.Context) error {
	now, tx := s.clock.Now(), s.db.WithContext(ctx)
	if err := tx.Where("created_at <= ?", now.Add(-formSpan)).Delete(&sentForm{}).Error; err != nil {
		return err
	}
	return tx.Model(&sentForm{}).Where("created_at <= ? AND shown IS NOT NULL", now.Add(-shownSpan)).Update("shown", nil).Error
}
