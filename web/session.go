package web

import (
	"time"

	"github.com/alexedwards/scs/v2"

	"hookwell/models"
)

// How long a session lives: since its last use, and at most.
const (
	sessionIdle = 7 * 24 * time.Hour
	sessionLife = 30 * 24 * time.Hour
)

func newSessions(store *models.Sessions, secure bool) *scs.SessionManager {
	m := scs.New()
	m.Store = store
	m.Lifetime = sessionLife
	return m
}
