package models

import (
	"context"

	"hookwell/webhook"
)

// TOTPSecret is a user's key in base 32, as an authenticator app holds it.
func TOTPSecret(s *Store, userID string) string {
	row, err := s.twoFactorOf(s.db, userID)
	if err != nil {
		panic(err)
	}
	secret, err := s.vault.open(row.ID, row.Sealed)
	if err != nil {
		panic(err)
	}
	return base32Text.EncodeToString(secret)
}

// ChargeSignIn counts a sign-in from an unknown device, without the costly password.
func ChargeSignIn(s *Store, ctx context.Context, address, email string) error {
	return s.charge(ctx, s.signInTries(nil, Credentials{Email: email}, Actor{RemoteAddress: address})...)
}

// PasswordFaults are what speaks against a password.
func PasswordFaults(password, name, email string) webhook.Faults {
	return passwordFaults("password", password, name, email)
}
