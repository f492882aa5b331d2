package api

import (
	"context"
	"fmt"
	"time"

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
type recoveryBody struct {
	Since     time.Time    `json:"since"`
	Until     time.Time    `json:"until"`
	Types     []string     `json:"types"`
	Causes    []string     `json:"causes"`
	Kind      recoveryKind `json:"kind"`
	PerSecond recoveryRate `json:"perSecond"`
	ofOrganization
}

// recoveryKind is left out by null.
type recoveryKind models.RecoveryKind

func (k *recoveryKind) read(r *bodyReader, field string) {
	if !r.null() {
		text, _ := r.text(field)
		*k = recoveryKind(text)
	}
}

// recoveryRate is left out by null, and not by 0.
type recoveryRate int

func (n *recoveryRate) read(r *bodyReader, field string) {
	if r.null() {
		return
	}
	rate, ok := r.integer(field)
	if ok && rate == 0 {
		r.fault(field, fmt.Sprintf("Choose 1 to %d a second.", models.MaxRecoveryRate))
	}
	*n = recoveryRate(rate)
}

// endpointRecover answers with the count before anything is sent.
func (a *API) endpointRecover(c *call) error {
	var b recoveryBody
	tenant, id, err := c.endpointInput(&b)
	if err != nil {
		return err
	}
	r, err := tenant.Recover(c.UserContext(), id, models.RecoveryInput{Since: b.Since, Until: b.Until, Types: b.Types, Causes: b.Causes,
		Kind: models.RecoveryKind(b.Kind), PerSecond: int(b.PerSecond)})
	if err != nil {
		return err
	}
	c.Location(Path + "/recoveries/" + r.ID)
	return c.answer(fiber.StatusAccepted, shapeRecovery(r))
}

func (a *API) recoveryRead(c *call) error {
	return c.answerRecovery((*store.Tenant).Recovery)
}

func (a *API) recoveryCancel(c *call) error {
	return c.answerRecovery((*store.Tenant).CancelRecovery)
}

// recovery answers the recovery of the path after what was done with it.
func (c *call) answerRecovery(act func(*store.Tenant, context.Context, string) (*models.Recovery, error)) error {
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
