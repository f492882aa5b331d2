package refusal

import (
	"log/slog"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models/store"
)

// auditGrain is how often one actor's refusal at one route is noted: somebody
// who insists must not fill the log.
const auditGrain = 10 * time.Minute

// maxNoted bounds what is remembered of refusals.
const maxNoted = 10_000

// Audit records in the audit log that somebody lacked a right.
type Audit struct {
	Log *slog.Logger
	Now func() time.Time

	mu sync.Mutex
	at map[string]time.Time // when a refusal was noted lately
}

// fresh reports whether a refusal is to be noted now.
func (a *Audit) fresh(who string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, ok := a.at[who]; ok && now.Sub(at) < auditGrain {
		return false
	}
	if a.at == nil || len(a.at) >= maxNoted {
		a.at = map[string]time.Time{}
	}
	a.at[who] = now
	return true
}

// Note records that somebody, by their id, lacked a right, and why. If recording
// fails, the failure is logged under the request's id; the request is refused all
// the same.
func (a *Audit) Note(c *fiber.Ctx, requestID string, tenant *store.Tenant, who, why string) {
	tried := c.Method() + " " + c.Route().Path
	if !a.fresh(who+" "+tenant.Organization().ID+" "+tried, a.Now()) {
		return
	}
	if err := tenant.NoteRefusal(c.UserContext(), tried, why); err != nil {
		a.Log.Warn("a refusal was not recorded", "error", err, "request", requestID)
	}
}
