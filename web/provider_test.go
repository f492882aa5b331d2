package web

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"hookwell/models"
)

// issuer is a provider of OpenID Connect with one person at its door.
type issuer struct {
	*httptest.Server
	key    *rsa.PrivateKey
	now    func() time.Time
	claims map[string]any                              // of who signs in
	spoil  func(claims map[string]any) *rsa.PrivateKey // changes a token; answers another key to sign with
	asked  map[string]url.Values                       // what was asked for, by code
	change func(claims map[string]any)                 // changes a token's claims
	info   map[string]any                              // what UserInfo says; nil is 500
	infos  int                                         // how often it was asked
	errors url.Values                                  // what it answers in place of a code
	called string                                      // how it calls itself, if otherwise than by its address
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	i := &issuer{key: key, now: time.Now, asked: map[string]url.Values{}, claims: map[string]any{"sub": "248289761001", "name": "Ada Lovelace", "email": "Ada@example.com", "email_verified": true}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, map[string]any{"issuer": cmp.Or(i.called, i.URL), "userinfo_endpoint": i.URL + "/userinfo", "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		i.infos++
		if i.info == nil || r.Header.Get("Authorization") != "Bearer x" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		answerJSON(w, i.info)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// authorize is the person signing in there: where the browser is sent back to.
func (i *issuer) authorize(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	asked := u.Query()
	if !strings.HasPrefix(address, i.URL+"/authorize?") || asked.Get("client_id") != "hookwell" || asked.Get("code_challenge_method") != "S256" ||
		asked.Get("response_type") != "code" || len(asked.Get("state")) < 22 || len(asked.Get("nonce")) < 22 || !strings.Contains(asked.Get("scope"), "openid") {
		t.Fatalf("asked for %s", address)
	}
	back, err := url.Parse(asked.Get("redirect_uri"))
	must(t, err)
	if i.errors != nil {
		refused := maps.Clone(i.errors)
		refused.Set("state", asked.Get("state"))
		return back.Path + "?" + refused.Encode()
	}
	code := rand.Text()
	i.asked[code] = asked
	return back.Path + "?" + url.Values{"code": {code}, "state": {asked.Get("state")}}.Encode()
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	asked, known := i.asked[r.FormValue("code")]
	delete(i.asked, r.FormValue("code"))
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	id, encoded, _ := r.BasicAuth()
	secret, _ := url.QueryUnescape(encoded) // RFC 6749, section 2.3.1
	if !known || id != "hookwell" || secret != "a client's secret" || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) {
		w.WriteHeader(http.StatusBadRequest)
		answerJSON(w, map[string]string{"error": "invalid_grant"})
		return
	}
	now := i.now()
	claims := map[string]any{"iss": i.URL, "aud": "hookwell", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": asked.Get("nonce")}
	for name, value := range i.claims {
		claims[name] = value
	}
	if asked.Get("max_age") == "0" && asked.Get("prompt") == "login" {
		claims["auth_time"] = now.Unix()
	}
	key := i.key
	if i.change != nil {
		i.change(claims)
	}
	if i.spoil != nil {
		if other := i.spoil(claims); other != nil {
			key = other
		}
	}
	answerJSON(w, map[string]any{"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": sign(key, claims)})
}

func sign(key *rsa.PrivateKey, claims map[string]any) string {
	body, _ := json.Marshal(claims)
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// providedSite is a site that lets people sign in with an issuer.
func providedSite(t *testing.T, signup models.SignupPolicy, mail bool) (*site, *issuer) {
	t.Helper()
	i := newIssuer(t)
	s := openSite(t, mailing(t, mail), func(o *Options) {
		o.Signup = signup
		o.Provider = &Provider{Issuer: i.URL, ClientID: "hookwell", ClientSecret: "a client's secret", Name: "Acme SSO"}
	})
	i.now = s.Store.Now
	return s, i
}

// begin starts a sign-in with the provider and answers where it comes back to.
func (b *browser) begin(t *testing.T, i *issuer, next string) string {
	t.Helper()
	return b.beginWith(t, i, url.Values{"next": {next}})
}

func (b *browser) beginWith(t *testing.T, i *issuer, form url.Values) string {
	t.Helper()
	page := b.post(t, "/login/provider", form)
	wantStatus(t, page, http.StatusOK)
	address := page.doc.Find("main a.btn").AttrOr("href", "")
	if page.Header.Get("Refresh") != "0;url="+address || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the browser is led to %q", page.Header.Get("Refresh"))
	}
	return i.authorize(t, address)
}

func TestProvider(t *testing.T) {
	t.Run("makes_an_account_where_sign_up_is_open_and_knows_it_again", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, true)
		b := s.browser(t)
		if !strings.Contains(b.get(t, "/login").text("main"), "Sign in with Acme SSO") {
			t.Error("the login page does not offer it")
		}
		wantLocation(t, b.get(t, b.begin(t, i, "/account")), "/account")
		page := b.get(t, "/account")
		wantStatus(t, page, http.StatusOK)
		if !strings.Contains(page.body, "ada@example.com") || !strings.Contains(page.text("main"), "You have no password") {
			t.Errorf("the account is %q", page.text("main"))
		}
		before := b.cookie(t, "hookwell")
		i.claims["email"] = "renamed@example.com" // is no other person
		again := s.browser(t)
		wantLocation(t, again.get(t, again.begin(t, i, "//evil.example")), "/")
		if got := again.get(t, "/account"); !strings.Contains(got.body, "Ada Lovelace") || again.cookie(t, "hookwell") == before {
			t.Error("the same subject is somebody else")
		}
		unlink := url.Values{"issuer": {i.URL}, "subject": {"248289761001"}}
		wantStatus(t, b.post(t, "/account/identities/unlink", unlink), http.StatusConflict)
		asked := b.post(t, "/account/password", url.Values{"new": {fresh}})
		wantStatus(t, asked, http.StatusUnprocessableEntity)
		if strings.Contains(asked.body, fresh) || !strings.Contains(asked.text("main"), "Sign in with Acme SSO once more") {
			t.Errorf("the page that asks who it is says %q", asked.text("main"))
		}
		wantLocation(t, b.get(t, b.beginWith(t, i, asked.fieldsOf("main form"))), "/account")
		wantLocation(t, b.post(t, "/account/password", url.Values{"new": {fresh}}), "/account")
		wantLocation(t, b.post(t, "/account/identities/unlink", unlink), "/account")
		wantStatus(t, b.post(t, "/account/identities/unlink", unlink), http.StatusNotFound)
	})
	t.Run("is_never_linked_by_its_address", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, false)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		i.claims["email"] = b.email
		stranger := s.browser(t)
		refused := stranger.get(t, stranger.begin(t, i, ""))
		wantStatus(t, refused, http.StatusConflict)
		if !strings.Contains(refused.text("main"), "There is an account with this address already.") {
			t.Errorf("it says %q", refused.text("main"))
		}
		stranger.wantSignedIn(t, false)
	})
	t.Run("is_linked_and_unlinked_by_who_is_signed_in", func(t *testing.T) {
		s, i := providedSite(t, models.SignupClosed, false)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		other, _ := s.member(t, "Globex", models.RoleOwner)
		stranger := s.browser(t)
		unknown := stranger.get(t, stranger.begin(t, i, ""))
		wantStatus(t, unknown, http.StatusUnauthorized)
		if !strings.Contains(unknown.text("main"), "No account here is linked to this sign-in.") {
			t.Errorf("it says %q", unknown.text("main"))
		}
		wantStatus(t, b.post(t, "/login/provider", nil), http.StatusUnprocessableEntity)
		wantLocation(t, b.get(t, b.beginWith(t, i, confirming)), "/account")
		wantStatus(t, other.get(t, other.beginWith(t, i, confirming)), http.StatusConflict)
		wantLocation(t, stranger.get(t, stranger.begin(t, i, "")), "/")
		form := b.get(t, "/account").doc.Find("form[action='/account/identities/unlink'] input")
		unlink := url.Values{}
		form.Each(func(_ int, input *goquery.Selection) { unlink.Set(input.AttrOr("name", ""), input.AttrOr("value", "")) })
		unlink.Del("_csrf")
		wantStatus(t, other.post(t, "/account/identities/unlink", unlink), http.StatusNotFound)
		wantLocation(t, b.post(t, "/account/identities/unlink", unlink), "/account")
		wantLocation(t, stranger.post(t, "/logout", nil), "/login")
		wantStatus(t, stranger.get(t, stranger.begin(t, i, "")), http.StatusUnauthorized)
	})
	t.Run("asks_for_the_second_factor_too", func(t *testing.T) {
		s, i := providedSite(t, models.SignupClosed, false)
		b, _ := s.member(t, "Acme", models.RoleOwner)
		wantLocation(t, b.get(t, b.beginWith(t, i, confirming)), "/account")
		a, _ := b.setUp(t)
		other := s.browser(t)
		wantLocation(t, other.get(t, other.begin(t, i, "/account")), "/login/code")
		other.wantSignedIn(t, false)
		wantLocation(t, other.post(t, "/login/code", url.Values{"code": {a.code(t)}}), "/account")
	})
	t.Run("refuses_what_was_not_begun_here", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, false)
		b, other := s.browser(t), s.browser(t)
		path := b.begin(t, i, "")
		other.begin(t, i, "")
		for _, bad := range []string{"/login/provider/answer", path + "x", strings.Replace(path, "state=", "other=", 1)} {
			wantStatus(t, s.browser(t).get(t, bad), http.StatusForbidden)
		}
		wantStatus(t, other.get(t, path), http.StatusForbidden) // another browser's state
		wantLocation(t, b.get(t, path), "/")
		wantStatus(t, b.get(t, path), http.StatusForbidden) // a second time
		late := s.browser(t)
		path = late.begin(t, i, "")
		s.clock.Advance(askLife + time.Second)
		wantStatus(t, late.get(t, path), http.StatusForbidden)
		declined := s.browser(t)
		u, _ := url.Parse(declined.begin(t, i, ""))
		wantStatus(t, declined.get(t, "/login/provider/answer?error=access_denied&state="+u.Query().Get("state")), http.StatusForbidden)
	})
	t.Run("refuses_tokens_that_are_not_right", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, false)
		forged, err := rsa.GenerateKey(rand.Reader, 2048)
		must(t, err)
		for name, spoil := range map[string]func(claims map[string]any) *rsa.PrivateKey{
			"nonce":    func(c map[string]any) *rsa.PrivateKey { c["nonce"] = "another"; return nil },
			"issuer":   func(c map[string]any) *rsa.PrivateKey { c["iss"] = "https://evil.example"; return nil },
			"audience": func(c map[string]any) *rsa.PrivateKey { c["aud"] = "somebody else"; return nil },
			"expired":  func(c map[string]any) *rsa.PrivateKey { c["exp"] = s.Store.Now().Add(-time.Minute).Unix(); return nil },
			"forged":   func(map[string]any) *rsa.PrivateKey { return forged },
		} {
			t.Run(name, func(t *testing.T) {
				i.spoil = spoil
				b := s.browser(t)
				wantStatus(t, b.get(t, b.begin(t, i, "")), http.StatusServiceUnavailable)
				b.wantSignedIn(t, false)
			})
		}
		if strings.Contains(s.log.String(), "a client's secret") {
			t.Error("the log holds the client's secret")
		}
	})
	t.Run("an_address_that_it_has_not_verified_makes_no_account_where_mail_proves_them", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, true)
		i.claims["email_verified"] = false
		b := s.browser(t)
		wantStatus(t, b.get(t, b.begin(t, i, "")), http.StatusForbidden)
		delete(i.claims, "email")
		i.info = i.claims // which does not say it either
		wantStatus(t, b.get(t, b.begin(t, i, "")), http.StatusForbidden)
	})
	t.Run("that_is_away_is_said_so", func(t *testing.T) {
		s, i := providedSite(t, models.SignupOpen, false)
		i.Close()
		wantStatus(t, s.browser(t).post(t, "/login/provider", nil), http.StatusServiceUnavailable)
	})
	t.Run("is_not_there_when_none_is_set", func(t *testing.T) {
		s := newSite(t, nil)
		b := s.browser(t)
		wantStatus(t, b.post(t, "/login/provider", nil), http.StatusNotFound)
		wantStatus(t, b.get(t, "/login/provider/answer"), http.StatusNotFound)
	})
}
