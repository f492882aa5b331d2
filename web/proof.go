package web

import (
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
)

// keyProved is when the person of the session proved who they are, in Unix
// seconds. It ends with the session, and with the next sign-in.
const keyProved = "proved"

// The fields of the page that asks for a proof. They have names of their own,
// since it carries the fields of the form that asked.
const (
	proofPassword = views.ProofPrefix + "password"
	proofCode     = views.ProofPrefix + "code"
)

// prove lets a form that changes a way into the account go on once the person
// has proved who they are: within models.ProofLife in this session, or by the
// page that it answers in place of the form, which sends the form's fields once
// more. The store decides which changes ask.
func (s *Server) prove(c *fiber.Ctx) error {
	v := s.visit(c)
	if v.user == nil || !unsafe(c.Method()) {
		return c.Next()
	}
	sent, err := s.Store.FormSent(c.UserContext())
	if err != nil {
		return err
	}
	if c.Context().PostArgs().Has(proofPassword) && v.person.CheckProof() != nil && !sent {
		person, err := v.person.Prove(c.UserContext(), field(c, proofPassword), field(c, proofCode))
		if err != nil {
			return s.proveAgain(c, err)
		}
		if err := s.proved(c, person); err != nil {
			return err
		}
	}
	err = c.Next()
	if models.IsCode(err, store.CodeProof) {
		return s.proveAgain(c, err)
	}
	return err
}

// proved keeps the proof in the session, which goes on under a fresh token.
func (s *Server) proved(c *fiber.Ctx, person *store.Person) error {
	v := s.visit(c)
	if err := s.renew(c.UserContext(), v.user); err != nil {
		return err
	}
	s.sessions.Put(c.UserContext(), keyProved, s.Store.Now().Unix())
	v.person = person
	return nil
}

// provedAt returns when the person of the session in ctx proved who they are.
func (s *Server) provedAt(c *fiber.Ctx) time.Time {
	if at := s.sessions.GetInt64(c.UserContext(), keyProved); at != 0 {
		return time.Unix(at, 0)
	}
	return time.Time{}
}

// proveWith takes the provider's word, and leads back to the page on which a
// change was wanted: what was typed there was not carried to the provider.
func (s *Server) proveWith(c *fiber.Ctx, claims models.Claims, a *asked) error {
	person, err := s.visit(c).person.ProveWith(c.UserContext(), claims, time.Unix(a.Begun, 0))
	if err != nil {
		return err
	}
	if err := s.proved(c, person); err != nil {
		return err
	}
	s.say(c, views.FlashDone, "Confirmed. Go on with what you wanted to change, within 10 minutes.")
	return goOn(c, a.Next)
}

// proveAgain asks for the proof, with what was wrong with the one that was given.
func (s *Server) proveAgain(c *fiber.Ctx, err error) error {
	status, told := refusedForm(c, err)
	if !told && !models.IsCode(err, store.CodeProof) {
		return err
	}
	ctx, v := c.UserContext(), s.visit(c)
	view := views.ProofView{Path: c.Path(), Next: views.AccountPath, Mail: s.Store.MailConfigured(), Fields: carried(c)}
	if strings.HasPrefix(c.Path(), views.TwoFactorPath) || localPath(field(c, "next")) == views.TwoFactorPath {
		view.Next = views.TwoFactorPath
	}
	if told {
		view.Faults = faultsAtField(err, "password")
		for i := range view.Faults {
			view.Faults[i].Field = views.ProofPrefix + view.Faults[i].Field
		}
	} else {
		status = fiber.StatusUnprocessableEntity // the form is not complete
	}
	state, err := v.person.TwoFactor(ctx)
	if err != nil {
		return err
	}
	view.Code = state.EnabledAt != nil
	if s.provider != nil {
		view.Provider = s.provider.Name
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return show(s, c, status, views.ProofPage, view)
}

// carried returns the fields of the form that asked for a proof, but for passwords,
// which no page repeats: who has one proves it in the form itself.
func carried(c *fiber.Ctx) []views.CarriedField {
	var list []views.CarriedField
	for name, value := range c.Context().PostArgs().All() {
		n := string(name)
		if n != "_csrf" && !strings.HasPrefix(n, views.ProofPrefix) && !slices.Contains([]string{"password", "present", "new", "username"}, n) {
			list = append(list, views.CarriedField{Name: n, Value: string(value)})
		}
	}
	return list
}
