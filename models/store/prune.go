package store

import (
	"context"
	"errors"
)

// Prune removes what is no longer needed: sessions, secrets, links and notices
// that have ended, mail that was sent, tries and forms that are forgotten.
func (s *Store) Prune(ctx context.Context) error {
	return errors.Join(s.PruneSessions(ctx), s.PruneSecrets(ctx), s.PruneMail(ctx), s.PruneNotices(ctx), s.PruneThrottles(ctx), s.PruneLinks(ctx),
		s.PrunePortalLinks(ctx), s.PruneForms(ctx))
}
