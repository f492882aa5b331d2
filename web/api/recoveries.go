package api

import (
	"context"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
)

type recoveryAnswer struct {
	ID         string               `json:"id" jsonschema:"The recovery's id."`
	EndpointID string               `json:"endpointId" jsonschema:"Its endpoint."`
	Kind       models.RecoveryKind  `json:"kind" jsonschema:"Whether failures are sent again or missed events for the first time."`
	State      models.RecoveryState `json:"state" jsonschema:"How it stands."`
	Since      stamp                `json:"since" jsonschema:"From when on."`
	Until      stamp                `json:"until" jsonschema:"Until when."`
	Types      []string             `json:"types" jsonschema:"Which event types; empty for all."`
	Causes     []string             `json:"causes" jsonschema:"Which causes of the last attempt; empty for all."`
	PerSecond  int                  `json:"perSecond" jsonschema:"At most how many a second."`
	Count      int                  `json:"count" jsonschema:"How much matched when it began."`
	Sent       int                  `json:"sent" jsonschema:"How many have had their attempt."`
	Skipped    int                  `json:"skipped" jsonschema:"How many were under way, or no failures any more, when their turn came."`
	CreatedAt  stamp                `json:"createdAt" jsonschema:"When it began."`
	EndedAt    *stamp               `json:"endedAt" jsonschema:"When it ended; null while it runs."`
}

func shapeRecovery(r *models.Recovery) recoveryAnswer {
	return recoveryAnswer{ID: r.ID, EndpointID: r.EndpointID, Kind: r.Kind, State: r.State, Since: stamp(r.Since), Until: stamp(r.Until),
		Types: r.Types, Causes: r.Causes, PerSecond: r.PerSecond, Count: r.Total, Sent: r.Sent(), Skipped: r.Skipped,
		CreatedAt: stamp(r.CreatedAt), EndedAt: stampOrNull(r.EndedAt)}
}

// recoveryBody is what a recovery is begun with.
type recoveryBody struct{ models.RecoveryInput }

func (b *recoveryBody) member(r *bodyReader, name, field string) bool {
	switch name {
	case "since", "until", "types", "causes", "kind", "perSecond":
	default:
		return false
	}
	if r.null() {
		return true
	}
	switch name {
	case "since":
		b.Since = r.time(field)
	case "until":
		b.Until = r.time(field)
	case "types":
		b.Types, _ = r.texts(field)
	case "causes":
		b.Causes, _ = r.texts(field)
	case "kind":
		text, _ := r.text(field)
		b.Kind = models.RecoveryKind(text)
	case "perSecond":
		n, ok := r.integer(field)
		if ok && n == 0 {
			r.fault(field, fmt.Sprintf("Choose 1 to %d a second.", models.MaxRecoveryRate))
		}
		b.PerSecond = n
	}
	return true
}

// endpointRecover answers with the count before anything is sent.
func (a *API) endpointRecover(c *call) error {
	var b recoveryBody
	tenant, id, err := c.endpointAnd(b.member)
	if err != nil {
		return err
	}
	r, err := tenant.Recover(c.UserContext(), id, b.RecoveryInput)
	if err != nil {
		return err
	}
	c.Location(Path + "/recoveries/" + r.ID)
	return c.answer(fiber.StatusAccepted, shapeRecovery(r))
}

func (a *API) recoveryRead(c *call) error {
	return c.recovery((*store.Tenant).Recovery)
}

func (a *API) recoveryCancel(c *call) error {
	return c.recovery((*store.Tenant).CancelRecovery)
}

// recovery answers the recovery of the path after what was done with it.
func (c *call) recovery(act func(*store.Tenant, context.Context, string) (*models.Recovery, error)) error {
	tenant, id, err := c.named(models.PrefixRecovery, "recovery")
	if err != nil {
		return err
	}
	r, err := act(tenant, c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, shapeRecovery(r))
}
