package web

import (
	"context"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/models/store"
	"hookwell/views"
	"hookwell/web/refusal"
)

// How long a session lives at most; models.SessionIdle is how long without
// being used. A use is noted once in a while, not with a write at each request.
const (
	sessionLife  = 30 * 24 * time.Hour
	sessionGrain = 5 * time.Minute
)

// What a session holds.
const (
	keyUser  = "user"  // the user's id
	keyStamp = "stamp" // of the password that the session began with
	keySince = "since" // Unix seconds of the sign-in
	keySeen  = "seen"  // Unix seconds of the last noted use
	keyCSRF  = "csrf"
	keyKind  = "flash-kind"
	keyText  = "flash"
)

// newSessions is scs on the database. Its own idle timeout would write the
// session at every request; the store's judges by the last noted use instead.
func newSessions(store *store.Sessions, secure bool) *scs.SessionManager {
	m := scs.New()
	m.Store = store
	m.Lifetime = sessionLife
	m.Cookie.Name = cookieName("hookwell", secure)
	return m
}

// deviceLife is how long a browser is known after a sign-in.
const deviceLife = 365 * 24 * time.Hour

func (s *Server) deviceCookie() string { return cookieName("hookwell_device", s.secure()) }

// cookieName adds the prefix that keeps other hosts and plain http from
// planting the cookie (RFC 6265bis, section 4.1.3.2).
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

// session loads the session, finds out who asks, and after the handler, or
// the page of its error, writes the session back if it changed. A visitor who
// only looks gets no session.
func (s *Server) session(c *fiber.Ctx) error {
	if isAPI(c) {
		return c.Next()
	}
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	token := c.Cookies(s.sessions.Cookie.Name)
	ctx, err := s.sessions.Load(c.UserContext(), token)
	if err != nil {
		return fmt.Errorf("loading the session: %w", err)
	}
	c.SetUserContext(ctx)
	s.visit(c).loaded = true
	if err := s.recognize(c); err != nil {
		return err
	}
	if err := refusal.Next(c); err != nil {
		if err := s.answerError(c, err); err != nil {
			return err
		}
	}
	return s.saveSession(c, token)
}

// recognize puts who asks into the visit.
func (s *Server) recognize(c *fiber.Ctx) error {
	ctx, v := c.UserContext(), s.visit(c)
	if id := s.sessions.GetString(ctx, keyPortal); id != "" {
		return s.recognizePortal(c, id)
	}
	user, err := s.signedIn(ctx)
	if err != nil {
		return err
	}
	if user == nil {
		if s.sessions.Exists(ctx, keyUser) {
			return s.sessions.Destroy(ctx)
		}
		return nil
	}
	v.user, v.person = user, s.Store.As(user, s.visit(c).Actor()).Proved(s.provedAt(c))
	s.touch(ctx)
	return nil
}

// touch notes that the session in ctx is used.
func (s *Server) touch(ctx context.Context) {
	if now := s.Store.Now(); now.Sub(time.Unix(s.sessions.GetInt64(ctx, keySeen), 0)) > sessionGrain {
		s.sessions.Put(ctx, keySeen, now.Unix())
	}
}

// signedIn returns the user of the session in ctx; nil when there is none, or when
// the password was changed since.
func (s *Server) signedIn(ctx context.Context) (*models.User, error) {
	return s.userOf(ctx, keyUser)
}

// userOf returns the user whose id the session holds under a key, as long as the
// password is the one that the session began with.
func (s *Server) userOf(ctx context.Context, key string) (*models.User, error) {
	id := s.sessions.GetString(ctx, key)
	if id == "" {
		return nil, nil
	}
	user, err := s.Store.User(ctx, id)
	if models.IsKind(err, models.NotFound) || err == nil && user.Stamp() != s.sessions.GetString(ctx, keyStamp) {
		return nil, nil
	}
	return user, err
}

// saveSession writes the session and its cookie. One that was ended meanwhile,
// as by signing out in another tab, is not written back to life.
func (s *Server) saveSession(c *fiber.Ctx, loaded string) error {
	ctx := c.UserContext()
	switch s.sessions.Status(ctx) {
	case scs.Modified:
		use := models.SessionUse{UserID: s.sessions.GetString(ctx, keyUser), UserAgent: c.Get(fiber.HeaderUserAgent),
			RemoteAddress: s.visit(c).Actor().RemoteAddress, Held: loaded != "" && s.sessions.Token(ctx) == loaded}
		if since := s.sessions.GetInt64(ctx, keySince); since != 0 {
			use.Since = time.Unix(since, 0).UTC()
		}
		token, expiry, err := s.sessions.Commit(store.WithSessionUse(ctx, use))
		if err != nil {
			return fmt.Errorf("saving the session: %w", err)
		}
		left := min(time.Until(expiry), store.SessionIdle)
		s.setCookie(c, s.sessions.Cookie.Name, token, left)
	case scs.Destroyed:
		s.setCookie(c, s.sessions.Cookie.Name, "", -time.Second)
	}
	return nil
}

// setCookie sets a cookie that scripts can't read and that other sites'
// requests don't carry. Life 0 is as long as the browser runs.
func (s *Server) setCookie(c *fiber.Ctx, name, value string, life time.Duration) {
	if s.visit(c).frame != "" {
		setFrameCookie(c, name, value, life)
		return
	}
	cookie := fiber.Cookie{Name: name, Value: value, Path: "/", HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode,
		Secure: s.secure(), SessionOnly: life == 0, MaxAge: int(life / time.Second)}
	if life < 0 {
		cookie.Expires = time.Unix(1, 0)
	}
	c.Cookie(&cookie)
}

// signIn begins a session for the user under a fresh token, so that one that
// somebody else knew before is worth nothing. The browser is known from then on.
func (s *Server) signIn(c *fiber.Ctx, user *models.User) error {
	ctx := c.UserContext()
	if err := s.freshSession(ctx, user, keyUser); err != nil {
		return err
	}
	now := s.Store.Now().Unix()
	s.sessions.Put(ctx, keySince, now)
	s.sessions.Put(ctx, keySeen, now)
	s.sessions.Put(ctx, keyCSRF, newCSRFSecret())
	s.setCookie(c, s.deviceCookie(), s.Store.DeviceToken(user.ID), deviceLife)
	return nil
}

// freshSession empties the session and puts a user into it, under a fresh token.
func (s *Server) freshSession(ctx context.Context, user *models.User, key string) error {
	if err := s.sessions.Clear(ctx); err != nil {
		return err
	}
	if err := s.renew(ctx, user); err != nil {
		return err
	}
	s.sessions.Put(ctx, key, user.ID)
	return nil
}

// renew gives the session a fresh token, for every change of what it may do,
// and the stamp of the password that it goes on with.
func (s *Server) renew(ctx context.Context, user *models.User) error {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("renewing the session: %w", err)
	}
	s.sessions.Put(ctx, keyStamp, user.Stamp())
	return nil
}

// say keeps a sentence for the next page, which shows it once.
func (s *Server) say(c *fiber.Ctx, kind views.FlashKind, text string) {
	s.sessions.Put(c.UserContext(), keyKind, string(kind))
	s.sessions.Put(c.UserContext(), keyText, text)
}

// takeFlash is what say kept.
func (s *Server) takeFlash(c *fiber.Ctx) *views.Flash {
	ctx := c.UserContext()
	if !s.sessions.Exists(ctx, keyText) {
		return nil
	}
	return &views.Flash{Kind: views.FlashKind(s.sessions.PopString(ctx, keyKind)), Text: s.sessions.PopString(ctx, keyText)}
}
