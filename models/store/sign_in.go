package store

import (
	"context"
	"errors"

	"hookwell/models"
	"hookwell/models/database"
)

// SignIn checks an address and a password. An unknown address and a wrong
// password get the same Unauthorized error after the same work; too many tries,
// of known and unknown accounts alike, are TooMany, with RetryAfter. It writes
// the result to the audit log of every organization of the account.
func (s *Store) SignIn(ctx context.Context, c models.Credentials, actor models.Actor) (*models.SignedIn, error) {
	user, err := database.Find[models.User](s.db.WithContext(ctx).Where("email = ?", normalEmail(c.Email)), "account")
	if err != nil && !models.IsKind(err, models.NotFound) {
		return nil, err
	}
	tries, who := s.signInTries(user, c, actor)
	charged, err := s.charge(ctx, tries...)
	if err != nil {
		return nil, err
	}
	hash := ""
	if user != nil {
		hash = user.PasswordHash
	}
	match, err := s.passwordIs(ctx, who, c.Password, hash)
	if err != nil {
		return nil, errors.Join(err, s.uncharge(ctx, charged))
	}
	if !match {
		return nil, s.signInRefused(ctx, user, actor)
	}
	if err := s.absolve(ctx, charged); err != nil {
		return nil, err
	}
	return s.firstFactor(ctx, user, "password", actor)
}

// firstFactor goes on after a password or a provider has said who it is.
func (s *Store) firstFactor(ctx context.Context, user *models.User, method string, actor models.Actor) (*models.SignedIn, error) {
	second, err := s.asksSecondFactor(ctx, user.ID)
	if err != nil || second {
		return &models.SignedIn{User: user, SecondFactor: second}, err
	}
	return &models.SignedIn{User: user}, s.noteSignIn(ctx, user, method, actor)
}

// signInTries are what a sign-in counts against, and as whom it waits: a browser
// that has signed in to the account before is on its own.
func (s *Store) signInTries(user *models.User, c models.Credentials, actor models.Actor) ([]tried, asker) {
	if user != nil && s.knowsDevice(user.ID, c.Device) {
		return []tried{try(limitDevice, c.Device)}, asker{lineKnown, user.ID, "known " + user.ID}
	}
	email, network := normalEmail(c.Email), networkOf(actor.RemoteAddress)
	return []tried{tryFrom(limitHere, actor.RemoteAddress, email), tryFrom(limitAddress, actor.RemoteAddress), try(limitAccount, email)},
		asker{lineSignIn, network, email + " from " + network}
}

// deviceOwner is whom a device's token is sealed for.
func deviceOwner(userID string) string { return "device of " + userID }

// DeviceToken returns a token by which a browser that has signed in is recognized
// later, so that strangers who try passwords elsewhere don't delay it.
func (s *Store) DeviceToken(userID string) string {
	return s.Seal(deviceOwner(userID), []byte(userID))
}

func (s *Store) knowsDevice(userID, token string) bool {
	_, known := s.Unseal(deviceOwner(userID), token)
	return known
}

// noteSignIn records a sign-in that is complete.
func (s *Store) noteSignIn(ctx context.Context, user *models.User, method string, actor models.Actor) error {
	return s.transaction(ctx, func(tx *database.Tx) error {
		return s.reportSecurity(tx, actor.As(user), user, "user.signed_in", method, "", securityData{})
	})
}

// signInRefused records a sign-in in vain and returns its error. An unknown
// address is not kept: it may be a password in the wrong field.
func (s *Store) signInRefused(ctx context.Context, user *models.User, actor models.Actor) error {
	if user == nil {
		user = &models.User{Name: "unknown account"}
	}
	err := s.transaction(ctx, func(tx *database.Tx) error {
		return s.reportSecurity(tx, actor.Visitor(), user, "user.sign_in_refused", "wrong password", "", securityData{})
	})
	if err != nil {
		return err
	}
	return models.RefusedField("wrong_password", "password", "Email and password don’t match an account.")
}
