package api

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
)

// suppressionAnswer is an address that gets no invitations and alerts.
type suppressionAnswer struct {
	Address   string              `json:"address"`
	Kind      models.MailFeedback `json:"kind" jsonschema:"What was reported: a message bounced for good, or its reader complained."`
	Reason    *string             `json:"reason" jsonschema:"What the receiving server wrote."`
	CreatedAt stamp               `json:"createdAt" jsonschema:"When it happened."`
}

func (a *API) suppressionList(c *call) error {
	if err := c.query().err(); err != nil {
		return err
	}
	list, err := c.platform().Suppressions(c.UserContext())
	if err != nil {
		return err
	}
	return answerList(c, list, "", func(s *models.Suppression) suppressionAnswer {
		return suppressionAnswer{Address: s.Address, Kind: s.Kind, Reason: textOrNull(s.Reason), CreatedAt: stamp(s.CreatedAt)}
	})
}

// suppressionBody names an address. It isn't in the path, which logs keep.
type suppressionBody struct {
	Address filledText     `json:"address"`
	Unknown unknownMembers `json:",embed"`
}

func (a *API) suppressionLift(c *call) error {
	var b suppressionBody
	if err := c.input(&b); err != nil {
		return err
	}
	if b.Address == "" {
		return models.InvalidField("address", "Write the address.")
	}
	if err := c.platform().LiftSuppression(c.UserContext(), string(b.Address)); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}
