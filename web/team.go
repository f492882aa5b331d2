package web

import (
	"slices"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/views"
)

func (s *Server) team(c *fiber.Ctx) error {
	return s.showTeam(c, fiber.StatusOK, views.TeamView{Form: views.InviteForm{Role: models.RoleMember}})
}

// showTeam completes the view. Invitations are for who may send them.
func (s *Server) showTeam(c *fiber.Ctx, status int, view views.TeamView) (err error) {
	ctx, tenant := c.UserContext(), s.tenant(c)
	if view.Members, err = tenant.Members(ctx); err != nil {
		return err
	}
	if s.visit(c).role.May(models.RightAdminister) {
		if view.Invitations, err = tenant.Invitations(ctx); err != nil {
			return err
		}
	}
	view.Mail = s.Store.MailConfigured()
	return show(s, c, status, views.TeamPage, view)
}

// invite answers the page with the link itself, as keyCreate does with a key,
// or mails it.
func (s *Server) invite(c *fiber.Ctx) error {
	form := views.InviteForm{Email: field(c, "email"), Role: models.Role(field(c, "role")), ByLink: field(c, "by") == "link"}
	role, err := models.ParseRole(string(form.Role))
	if err != nil {
		form.Faults = faultsOf(err)
		return s.showTeam(c, fiber.StatusUnprocessableEntity, views.TeamView{Form: form})
	}
	invitation, token, err := s.tenant(c).Invite(c.UserContext(), models.NewInvitation{Email: form.Email, Role: role, ByMail: s.byMail(c)})
	if status, told := refusedForm(c, err); told {
		form.Faults = faultsAtField(err, "email")
		return s.showTeam(c, status, views.TeamView{Form: form})
	}
	switch {
	case models.IsKind(err, models.Conflict):
		form.Faults = faultsOf(err)
		return s.showTeam(c, fiber.StatusConflict, views.TeamView{Form: form})
	case err != nil:
		return err
	}
	return s.invited(c, invitation, token)
}

// byMail reports whether the link is to be mailed: unless it is to be copied, or
// mail reaches nobody.
func (s *Server) byMail(c *fiber.Ctx) bool {
	return s.Store.MailConfigured() && field(c, "by") != "link"
}

// invited shows the link once; one that was mailed is not shown.
func (s *Server) invited(c *fiber.Ctx, invitation *models.Invitation, token string) error {
	path := views.TeamPath(s.slug(c))
	if invitation.ByMail {
		s.say(c, views.FlashDone, "The invitation is on its way to "+invitation.Email+".")
		return c.Redirect(path, fiber.StatusSeeOther)
	}
	if token == "" {
		s.say(c, views.FlashDone, "This form was sent before, and invited "+invitation.Email+". To have a link to copy, send the invitation again.")
		return c.Redirect(path, fiber.StatusSeeOther)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentLocation, path)
	return s.showTeam(c, fiber.StatusCreated, views.TeamView{Form: views.InviteForm{Role: models.RoleMember},
		Invited: invitation, Link: s.BaseURL.String() + views.InvitePath(token)})
}

func (s *Server) invitationResend(c *fiber.Ctx) error {
	invitation, token, err := s.tenant(c).ResendInvitation(c.UserContext(), c.Params("invitation"), s.byMail(c))
	if status, told := refusedForm(c, err); told {
		return s.showTeam(c, status, views.TeamView{Form: views.InviteForm{Role: models.RoleMember, Faults: faultsOf(err)}})
	}
	if err != nil {
		return err
	}
	return s.invited(c, invitation, token)
}

func (s *Server) invitationRevoke(c *fiber.Ctx) error {
	if err := s.tenant(c).RevokeInvitation(c.UserContext(), c.Params("invitation")); err != nil {
		return err
	}
	return s.backToTeam(c, "Revoked. The link works no more.")
}

func (s *Server) backToTeam(c *fiber.Ctx, text string) error {
	s.say(c, views.FlashDone, text)
	return c.Redirect(views.TeamPath(s.slug(c)), fiber.StatusSeeOther)
}

func (s *Server) memberPage(c *fiber.Ctx) error {
	return s.showMember(c, fiber.StatusOK, views.MemberView{})
}

func (s *Server) showMember(c *fiber.Ctx, status int, view views.MemberView) error {
	m, last, err := s.memberNamed(c, func(m models.TeamMember) bool { return m.ID == c.Params("member") })
	if err != nil {
		return err
	}
	view.Member, view.LastOwner, view.Own = *m, last, m.UserID == s.visit(c).user.ID
	if view.Own || s.visit(c).role.May(models.RightAdminister) {
		if view.News, err = s.tenant(c).MemberNews(c.UserContext(), m.ID); err != nil {
			return err
		}
	}
	return show(s, c, status, views.MemberPage, view)
}

// memberNamed finds a member, and whether it is the last owner.
func (s *Server) memberNamed(c *fiber.Ctx, is func(models.TeamMember) bool) (m *models.TeamMember, last bool, err error) {
	members, err := s.tenant(c).Members(c.UserContext())
	if err != nil {
		return nil, false, err
	}
	i, owners := slices.IndexFunc(members, is), 0
	for _, other := range members {
		if other.Role == models.RoleOwner {
			owners++
		}
	}
	if i < 0 {
		return nil, false, &models.Error{Kind: models.NotFound, Code: "not_found", Message: "There is no such member."}
	}
	return &members[i], owners == 1 && members[i].Role == models.RoleOwner, nil
}

// afterMember leads back to the member's page, or answers it with the faults.
func (s *Server) afterMember(c *fiber.Ctx, err error, text string) error {
	if models.IsKind(err, models.Invalid) {
		return s.showMember(c, fiber.StatusUnprocessableEntity, views.MemberView{Faults: faultsOf(err)})
	}
	if err != nil {
		return err
	}
	s.say(c, views.FlashDone, text)
	return c.Redirect(views.MemberPath(s.slug(c), c.Params("member")), fiber.StatusSeeOther)
}

func (s *Server) memberTitle(c *fiber.Ctx) error {
	title := field(c, "title")
	m, err := s.tenant(c).If(drawn(c)).SetTitle(c.UserContext(), c.Params("member"), title)
	if models.IsKind(err, models.Outdated) {
		var now savedMeanwhile
		now.at("title", m.Title, title)
		return s.showMember(c, fiber.StatusConflict, views.MemberView{Title: &title, Faults: now.all()})
	}
	return s.afterMember(c, err, "Saved.")
}

func (s *Server) memberRole(c *fiber.Ctx) error {
	tenant, id := s.tenant(c), c.Params("member")
	role, err := models.ParseRole(field(c, "role"))
	if err != nil {
		if _, missing := tenant.Member(c.UserContext(), id); missing != nil {
			return missing
		}
		return s.afterMember(c, err, "")
	}
	m, err := tenant.If(drawn(c)).SetRole(c.UserContext(), id, role, fields(c, "ends")...)
	if models.IsCode(err, models.CodeRevokes) {
		return s.askRole(c, id, id, role)
	}
	if models.IsKind(err, models.Outdated) {
		var now savedMeanwhile
		now.at("role", string(m.Role), string(role))
		return s.showMember(c, fiber.StatusConflict, views.MemberView{Role: role, Faults: now.all()})
	}
	if err != nil {
		return s.afterMember(c, err, "")
	}
	return s.afterMember(c, nil, m.Name+" is "+string(m.Role)+" from now on.")
}

// askRole lists what a change of role ends, and asks. Lowered is the member who
// has less afterwards, which in a transfer is the one who asks for it; role is
// then empty.
func (s *Server) askRole(c *fiber.Ctx, id, lowered string, role models.Role) error {
	ctx, tenant, view := c.UserContext(), s.tenant(c), views.RoleView{Role: role}
	if role == "" {
		role = models.RoleAdmin
	}
	ends, err := tenant.Revocations(ctx, lowered, role)
	if err != nil {
		return err
	}
	m, err := tenant.Member(ctx, id)
	if err != nil {
		return err
	}
	view.Member, view.Ends = *m, *ends
	return show(s, c, fiber.StatusConflict, views.RolePage, view)
}

func (s *Server) memberTransfer(c *fiber.Ctx) error {
	tenant, id := s.tenant(c), c.Params("member")
	m, err := tenant.TransferOwnership(c.UserContext(), id, fields(c, "ends")...)
	if models.IsCode(err, models.CodeRevokes) {
		own, err := tenant.Own(c.UserContext())
		if err != nil {
			return err
		}
		return s.askRole(c, id, own.ID, "")
	}
	if err != nil {
		return err
	}
	return s.afterMember(c, nil, m.Name+" is an owner now, and you are an admin.")
}

func (s *Server) removeForm(c *fiber.Ctx) error {
	m, last, err := s.memberNamed(c, func(m models.TeamMember) bool { return m.ID == c.Params("member") })
	if err != nil {
		return err
	}
	if !s.visit(c).role.Manages(m.Role) {
		return roleForbidden()
	}
	return s.showEnd(c, views.RemovePage, m, last)
}

// showEnd shows what the end of a membership does.
func (s *Server) showEnd(c *fiber.Ctx, page func(views.Page, views.EndView) templ.Component, m *models.TeamMember, last bool) error {
	ends, err := s.tenant(c).Revocations(c.UserContext(), m.ID, "")
	if err != nil {
		return err
	}
	return show(s, c, fiber.StatusOK, page, views.EndView{Member: *m, LastOwner: last, Ends: *ends})
}

func (s *Server) memberRemove(c *fiber.Ctx) error {
	m, err := s.tenant(c).RemoveMember(c.UserContext(), c.Params("member"))
	if err != nil {
		return err
	}
	return s.backToTeam(c, m.Name+" was removed.")
}

func (s *Server) leaveForm(c *fiber.Ctx) error {
	m, last, err := s.memberNamed(c, func(m models.TeamMember) bool { return m.UserID == s.visit(c).user.ID })
	if err != nil {
		return err
	}
	return s.showEnd(c, views.LeavePage, m, last)
}

func (s *Server) leave(c *fiber.Ctx) error {
	name := s.tenant(c).Organization().Name
	if err := s.tenant(c).Leave(c.UserContext()); err != nil {
		return err
	}
	s.say(c, views.FlashDone, "You left "+name+".")
	return c.Redirect(views.OrganizationsPath, fiber.StatusSeeOther)
}
