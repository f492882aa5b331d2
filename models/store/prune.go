package store

import (
	"context"
	"errors"
)

// Prune deletes what is no longer needed: ended sessions, secrets, links and
// notices, sent mail, and expired tries and forms. It fails if the database does.
func (s *Store) Prune(ctx context.Context) error {
	return errors.Join(s.PruneSessions(ctx), s.PruneSecrets(ctx), s.PruneMail(ctx), s.PruneNotices(ctx), s.PruneThrottles(ctx), s.PruneLinks(ctx),
		s.PrunePortalLinks(ctx), s.PruneForms(ctx))
}
