package web

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hookwell/models"
)

func teamRoutes() []route {
	administer := models.RightAdminister
	return []route{
		{path: "/invite/:token", public: true}, {path: "/invite/:token", public: true, form: url.Values{"name": {"New"}, "password": {password}}, status: http.StatusOK},
		{path: "/o/:org/team", right: models.RightSee}, {path: "/o/:org/team/leave", right: models.RightSee}, {path: "/o/:org/team/:member", right: models.RightSee},
		{path: "/o/:org/team/leave", right: models.RightSee, form: url.Values{}, after: func(t *testing.T, w *world) {
			w.people[models.RoleGuest], _ = w.member(t, w.org.ID, models.RoleGuest)
		}},
		{path: "/o/:org/team/:member/title", right: administer, form: url.Values{"title": {"Operations"}}}, // of somebody else
		{path: "/o/:org/team/:member/role", right: administer, form: url.Values{"role": {"guest"}}},
		{path: "/o/:org/team/:member/remove", right: administer}, {path: "/o/:org/team/:member/remove", right: administer, form: url.Values{}},
		{path: "/o/:org/team/:member/transfer", right: models.RightOwn, form: url.Values{}, after: func(t *testing.T, w *world) {
			w.exec(t, fmt.Sprintf("UPDATE members SET role = 'owner' WHERE user_id = (SELECT id FROM users WHERE email = '%s')", w.people[models.RoleOwner].email))
		}},
		{path: "/o/:org/invitations", right: administer, form: url.Values{"email": {"somebody@example.com"}, "role": {"member"}}},
		{path: "/o/:org/invitations/:invitation/resend", right: administer, form: url.Values{}},
		{path: "/o/:org/invitations/:invitation/revoke", right: administer, form: url.Values{}},
		{path: "/o/:org/settings", right: administer},
		{path: "/o/:org/settings", right: administer, form: url.Values{"name": {"Acme Robotics"}, "slug": {"acme"}}},
	}
}

// lastRoutes are those after which there is no organization any more.
func lastRoutes() []route {
	return []route{{path: "/o/:org/settings/delete", right: models.RightOwn, form: url.Values{"confirm": {"acme"}}}}
}

// colleague makes a member who never signs in and answers the membership's id.
func (s *site) colleague(t *testing.T, org *models.Organization) string {
	t.Helper()
	id := strings.ToLower(rand.Text())
	s.exec(t, fmt.Sprintf(`INSERT INTO users (id, email, name, password_hash, created_at, updated_at)
		SELECT 'usr_%[1]s', '%[1]s@example.com', 'Colleague', 'none', created_at, created_at FROM organizations WHERE id = '%[2]s'`, id, org.ID))
	s.exec(t, fmt.Sprintf(`INSERT INTO members (id, organization_id, user_id, role, created_at)
		SELECT 'mem_%[1]s', id, 'usr_%[1]s', 'member', created_at FROM organizations WHERE id = '%[2]s'`, id, org.ID))
	return "mem_" + id
}
