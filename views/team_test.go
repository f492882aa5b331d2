package views

import (
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"hookwell/models"
	"hookwell/webhook"
)

func sampleMembers() []models.TeamMember {
	member := func(id, name, email, title string, role models.Role) models.TeamMember {
		return models.TeamMember{Member: models.Member{ID: "mem_" + id, UserID: "usr_" + id, Role: role, Title: title, CreatedAt: ago(40 * 24 * time.Hour)}, Name: name, Email: email}
	}
	return []models.TeamMember{
		member("priya", "Priya Raman", "priya.raman@example.com", "Founder", models.RoleOwner),
		member("elena", "Elena Sato", "elena.sato@example.com", "Operations Lead", models.RoleAdmin),
		member("marcus", "Marcus Lindqvist", "marcus.lindqvist@a-rather-long-domain.example.com", "", models.RoleMember),
	}
}

func sampleInvitations() []models.Invitation {
	invitation := func(id, email string, role models.Role, end time.Time) models.Invitation {
		return models.Invitation{ID: "inv_" + id, Email: email, Role: role, InvitedBy: "Priya Raman", CreatedAt: ago(time.Hour), SentAt: ago(time.Hour), ExpiresAt: end}
	}
	return []models.Invitation{
		invitation("1", "chidi@example.com", models.RoleMember, sampleNow.Add(150*time.Hour)),
		invitation("2", "board@example.com", models.RoleOwner, ago(time.Hour)),
	}
}

// teamSamples are the pages of teams, invitations and settings.
func teamSamples(page, out Page) map[string]templ.Component {
	guest, chooser := page, page
	guest.Role, chooser.Organization = models.RoleGuest, nil
	members, invitations := sampleMembers(), sampleInvitations()
	team := TeamView{Members: members, Invitations: invitations, Form: InviteForm{Role: models.RoleMember}}
	mailed, informed := team, team
	mailed.Mail, informed.Mail = true, true
	informed.Invitations = sampleInvitations()
	bounced := &models.MailNews{Kind: models.MailInvitation, Feedback: models.MailBounced, At: ago(50 * time.Minute), Reason: "550 5.1.1 <" + strings.Repeat("x", 200) + "> has no mailbox here"}
	informed.Invitations[0].MailStopped = true
	informed.Invitations[0].News, informed.Invitations[1].News = bounced, &models.MailNews{Feedback: models.MailDelivered, At: ago(time.Hour)}
	unsent := &models.MailNews{Kind: models.MailEndpointFailing, Stopped: true, At: ago(time.Hour)}
	linked := team
	linked.Invited, linked.Link = &invitations[0], "https://hookwell.example.com/invite/7RXQ2MB4K6JYZ3ATN5WCVPH8DE"
	uninvitable := mailed
	uninvitable.Form = InviteForm{Email: "elena.sato@example.com", Role: models.RoleAdmin, ByLink: true, Faults: webhook.Faults{{Field: "email", Message: "This person is a member already."}}}
	settings := SettingsForm{Name: "Acme", Slug: "acme", RequireTwoFactor: true, OwnTwoFactor: true}
	spoiltSettings := SettingsForm{Name: "", Slug: "globex", Faults: webhook.Faults{{Field: "name", Message: "Enter a name of up to 100 characters."},
		{Field: "slug", Message: "This slug is taken, or was once. Choose another."}, {Field: "confirm", Message: "This is not the slug. Type acme to delete the organization."}}}
	offer := &models.Offer{Invitation: invitations[0], Organization: models.Organization{Name: "Acme Robotics"}}
	return map[string]templ.Component{
		"team":            TeamPage(page, team),
		"team-mail":       TeamPage(page, mailed),
		"team-news":       TeamPage(page, informed),
		"team-link":       TeamPage(page, linked),
		"team-faults":     TeamPage(page, uninvitable),
		"team-guest":      TeamPage(guest, TeamView{Members: members}),
		"member":          MemberPage(page, MemberView{Member: members[1]}),
		"member-news":     MemberPage(page, MemberView{Member: members[1], News: bounced}),
		"member-stopped":  MemberPage(page, MemberView{Member: members[1], News: unsent}),
		"member-own":      MemberPage(page, MemberView{Member: members[0], Own: true, LastOwner: true}),
		"member-guest":    MemberPage(guest, MemberView{Member: members[2]}),
		"member-faults":   MemberPage(page, MemberView{Member: members[1], Faults: webhook.Faults{{Field: "title", Message: "Use up to 100 characters."}}}),
		"leave":           LeavePage(page, EndView{Member: members[0], Ends: models.Revocations{Keys: sampleKeys()}}),
		"leave-last":      LeavePage(page, EndView{Member: members[0], LastOwner: true}),
		"remove":          RemovePage(page, EndView{Member: members[1], Ends: models.Revocations{Keys: sampleKeys()}}),
		"remove-no-keys":  RemovePage(page, EndView{Member: members[1]}),
		"invite-new":      InvitePage(out, InviteView{Token: "t", Offer: offer}),
		"invite-faults":   InvitePage(out, InviteView{Token: "t", Offer: offer, Name: "Chidi", Faults: webhook.Faults{{Field: "password", Message: "Use at least 15 characters."}}}),
		"invite-other":    InvitePage(chooser, InviteView{Token: "t", Offer: offer}),
		"invite-over":     InvitePage(out, InviteView{}),
		"settings":        SettingsPage(page, settings),
		"settings-faults": SettingsPage(page, spoiltSettings),
	}
}

// TestInvitation_to_a_stopped_address isn't offered to be mailed, which would be refused.
func TestInvitation_to_a_stopped_address(t *testing.T) {
	page := samplePage()
	row := parse(t, teamSamples(page, page)["team-news"])
	for id, want := range map[string]int{"inv_1": 0, "inv_2": 1} {
		form := row.Find("form[action*='" + id + "/resend']")
		if got := form.Find("button[value=mail]").Length(); got != want || form.Find("button[value=link]").Length() != 1 {
			t.Errorf("%s: %d buttons to mail it, want %d beside one for a link", id, got, want)
		}
	}
}
