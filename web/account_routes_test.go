package web

import (
	"net/http"
	"net/url"
	"testing"

	"hookwell/models"
	"hookwell/models/store"
)

// accountKnown are the routes of a person's own, and the second step to them.
func accountKnown() []route {
	return []route{
		{path: "/login/code", public: true, own: halfWay},
		{path: "/login/code", public: true, own: halfWay, form: url.Values{"code": {":code"}}},
		{path: "/login/provider", public: true, form: url.Values{}, status: http.StatusNotFound, still: true}, // see TestProvider
		{path: "/login/provider/answer", public: true, status: http.StatusNotFound},
		{path: "/account/identities/unlink", own: linked, form: url.Values{"issuer": {"https://accounts.example.com"}, "subject": {"ada"}, "confirm-password": {password}}},
		{path: "/forgot", public: true}, {path: "/forgot", public: true, own: mailed, form: url.Values{"email": {"nobody@example.com"}}, status: http.StatusOK},
		{path: "/reset/:token", public: true, own: resetting}, {path: "/reset/:token", public: true, own: resetting, form: url.Values{"new": {fresh}}},
		{path: "/signup/:token", public: true, own: signingUp}, {path: "/signup/:token", public: true, own: signingUp, form: url.Values{}},
		{path: "/email/:token", public: true, own: changingEmail}, {path: "/email/:token", public: true, own: changingEmail, form: url.Values{}, status: http.StatusOK},
		{path: "/account/email", own: newcomer, form: url.Values{"email": {":delivery@example.com"}, "confirm-password": {password}}},
		{path: "/account", own: newcomer}, {path: "/account", own: newcomer, form: url.Values{"name": {"Ada Byron"}}},
		{path: "/account/password", own: newcomer, form: url.Values{"present": {password}, "new": {fresh}}},
		{path: "/account/sessions/revoke", own: newcomer, form: url.Values{}},
		{path: "/account/sessions/:session/revoke", own: newcomer, form: url.Values{}},
		{path: "/account/two-factor", own: newcomer}, {path: "/account/two-factor/begin", own: newcomer, form: url.Values{"confirm-password": {password}}},
		{path: "/account/two-factor/enable", own: settingUp, form: url.Values{"code": {":code"}, "confirm-password": {password}}, status: http.StatusOK},
		{path: "/account/two-factor/disable", own: withTwoFactor, form: url.Values{"confirm-password": {password}, "confirm-code": {":code"}}},
		{path: "/account/two-factor/recovery-codes", own: withTwoFactor, form: url.Values{"confirm-password": {password}, "confirm-code": {":code"}}, status: http.StatusOK},
	}
}

// newcomer is a new member with two sessions.
func newcomer(t *testing.T, w *world, ids rows) *browser {
	b, _ := w.member(t, w.org.ID, models.RoleGuest)
	b.again(t)
	list, err := b.person(t).Sessions(t.Context())
	must(t, err)
	ids["session"] = list[0].ID
	return b
}

// person is the store as the browser's user sees it, who has just proved who
// they are.
func (b *browser) person(t *testing.T) *store.Person {
	t.Helper()
	var id string
	must(t, b.site.db.QueryRowContext(t.Context(), "SELECT id FROM users WHERE email = '"+b.email+"'").Scan(&id))
	user, err := b.site.Store.User(t.Context(), id)
	must(t, err)
	return b.site.Store.As(user, models.Actor{}).Proved(b.site.Store.Now())
}

func settingUp(t *testing.T, w *world, ids rows) *browser {
	b := newcomer(t, w, ids)
	must(t, b.person(t).BeginTwoFactor(t.Context()))
	key, err := b.person(t).TwoFactorKey(t.Context())
	must(t, err)
	ids["code"] = app{w.site, key.Secret}.code(t)
	return b
}

func withTwoFactor(t *testing.T, w *world, ids rows) *browser {
	b := newcomer(t, w, ids)
	a, _ := b.setUp(t)
	ids["code"] = a.code(t)
	return b
}

func halfWay(t *testing.T, w *world, ids rows) *browser {
	b := withTwoFactor(t, w, ids)
	half := w.browser(t)
	wantLocation(t, half.post(t, "/login", url.Values{"email": {b.email}, "password": {password}}), "/login/code")
	return half
}

// mailed is a stranger's browser.
func mailed(t *testing.T, w *world, _ rows) *browser { return w.browser(t) }

func resetting(t *testing.T, w *world, ids rows) *browser {
	b := newcomer(t, w, ids)
	must(t, w.Store.AskReset(t.Context(), b.email, models.Actor{}))
	ids["token"] = w.mailedToken(t, b.email)
	return w.browser(t)
}

func signingUp(t *testing.T, w *world, ids rows) *browser {
	email := ids["key"] + "@example.com"
	must(t, w.Store.AskSignUp(t.Context(), models.SignupOpen, models.Account{Name: "New", Email: email, Password: password}, models.Actor{}))
	ids["token"] = w.mailedToken(t, email)
	return w.browser(t)
}

func changingEmail(t *testing.T, w *world, ids rows) *browser {
	b := newcomer(t, w, ids)
	email := ids["secret"] + "@example.com"
	must(t, b.person(t).AskEmail(t.Context(), email))
	ids["token"] = w.mailedToken(t, email)
	return w.browser(t)
}

func linked(t *testing.T, w *world, ids rows) *browser {
	b := newcomer(t, w, ids)
	must(t, b.person(t).LinkIdentity(t.Context(), models.Claims{Issuer: "https://accounts.example.com", Subject: "ada"}))
	return b
}
