package web

import (
	"github.com/gofiber/fiber/v2"

	"hookwell/models"
	"hookwell/web/api"
)

// routes is every route, in groups by what it asks for. The API's stand in
// package api; it knows no cookies, so that the browser's rules leave it out.
func (s *Server) routes() {
	app := s.app
	app.Use(s.begin, s.note, s.keepAnswer, s.boundary, s.checkHead)
	app.Get("/healthz", s.health)
	app.Get("/readyz", s.ready)
	s.receive.Mount(app) // before the host is checked: no name that leads here loses a webhook
	app.Use(s.checkHost, checkText)
	app.Get("/static/:file", s.staticFile)
	app.Get(api.DocumentPath, s.openAPI)
	s.api.Mount(app.Group(api.Path))
	app.Get("/login/provider/answer", s.session, s.providerAnswer) // which waits for the provider
	app.Get(referencePath, s.inTurnOfReference, s.session, s.apiReference)
	app.Use(s.inTurn, s.session)

	// Everybody.
	app.Get("/", s.home)
	app.Get("/login", s.loginForm)
	app.Post("/login", s.checkForm, s.login)
	app.Get("/login/code", s.codeForm)
	app.Post("/login/code", s.checkForm, s.code)
	app.Post("/login/provider", s.checkForm, s.prove, s.providerBegin)
	app.Get("/signup", s.signupForm)
	app.Post("/signup", s.checkForm, s.signup)
	app.Get("/signup/:token", hideLink, s.signupLink)
	app.Post("/signup/:token", hideLink, s.checkForm, s.signupFinish)
	app.Get("/forgot", s.forgotForm)
	app.Post("/forgot", s.checkForm, s.forgot)
	app.Get("/reset/:token", hideLink, s.resetForm)
	app.Post("/reset/:token", hideLink, s.checkForm, s.reset)
	app.Get("/email/:token", hideLink, s.emailLink)
	app.Post("/email/:token", hideLink, s.checkForm, s.emailConfirm)
	app.Get("/portal", s.portalOver)
	app.Get("/portal/:token", hideLink, s.portalForm)
	app.Post("/portal/:token", hideLink, s.portalPrepare, s.checkForm, s.portalEnter)
	app.Post("/logout", s.signedOut, s.checkForm, s.logout)
	app.Post("/appearance", s.checkForm, s.appearance)
	app.Get("/invite/:token", hideLink, s.offer)
	app.Post("/invite/:token", hideLink, s.checkForm, s.accept)

	// Who has signed in.
	app.Get("/orgs", s.requireUser, s.organizations)
	app.Post("/orgs", s.requireUser, s.checkForm, s.organizationCreate)
	s.accountRoutes(app.Group("/account", s.requireUser, s.checkForm, s.prove))

	// Members of the organization, by the right that their role has.
	org := app.Group("/o/:org", s.requireUser, s.checkForm, s.requireMember)

	see := group{org, s.requireRight(models.RightSee)}
	see.get("", s.overview)
	see.get("/find", s.find)
	see.get("/stream", s.stream)
	see.get("/events", s.events)
	see.get("/events/:event", s.event)
	see.get("/deliveries", s.deliveries)
	see.get("/deliveries/:delivery", s.delivery)
	see.get("/deliveries/:delivery/row", s.deliveryRow)
	see.get("/catalog", s.catalog)
	see.get("/catalog/:type", s.eventType)
	see.get("/endpoints", s.endpointList)
	see.get("/endpoints/:endpoint/recovery", s.recoveryBanner)
	see.get("/sources", s.sourceList)
	see.get("/requests", s.requests)
	see.get("/replays", s.replays)

	see.get("/team", s.team)
	see.get("/team/leave", s.leaveForm)
	see.post("/team/leave", s.leave)
	see.get("/team/:member", s.memberPage)
	see.post("/team/:member/title", s.memberTitle) // one's own; the store asks for more for others'

	operate := group{org, s.requireRight(models.RightOperate)}
	operate.post("/deliveries/resend", s.deliveriesResend)
	operate.post("/deliveries/cancel", s.deliveriesCancel)
	operate.post("/deliveries/:delivery/resend", s.deliveryResend)
	operate.post("/deliveries/:delivery/cancel", s.deliveryCancel)
	operate.get("/endpoints/:endpoint/recover", s.recoverForm)
	operate.post("/endpoints/:endpoint/recover", s.recoverBegin)
	operate.post("/notices/:notice/dismiss", s.noticeDismiss)
	operate.post("/recoveries/:recovery/cancel", s.recoveryCancel)
	operate.get("/endpoints/:endpoint/test", s.benchForm)
	operate.post("/endpoints/:endpoint/test", s.benchSend)

	operate.get("/requests/replay", s.replayForm)
	operate.post("/requests/replay", s.replayBegin)
	operate.get("/requests/:request/body", s.requestBody)
	operate.get("/requests/:request/replay", s.requestReplayForm)
	operate.post("/requests/:request/replay", s.requestReplay)
	operate.post("/replays/:replay/cancel", s.replayCancel)

	administer := group{org, s.requireRight(models.RightAdminister)}
	administer.post("/endpoints", s.endpointCreate)
	administer.get("/endpoints/new", s.endpointNew)
	administer.get("/endpoints/schedule", s.scheduleTimes)
	administer.get("/endpoints/:endpoint/edit", s.endpointEdit)
	administer.post("/endpoints/:endpoint/edit", s.endpointSave)
	administer.post("/endpoints/:endpoint/enable", s.endpointEnable)
	administer.post("/endpoints/:endpoint/disable", s.endpointDisable)
	administer.post("/endpoints/:endpoint/delete", s.endpointDelete)
	administer.get("/endpoints/:endpoint/secret", s.secretTab)
	administer.post("/endpoints/:endpoint/secret/rotate", s.secretRotate)
	administer.post("/endpoints/:endpoint/secret/reveal", s.secretReveal)
	administer.post("/endpoints/:endpoint/secret/switch", s.secretSwitch)
	administer.post("/endpoints/:endpoint/secret/:secret/expire", s.secretExpire)
	administer.get("/sources/new", s.sourceNew)
	administer.post("/sources", s.sourceCreate)
	administer.get("/sources/:source/edit", s.sourceEdit)
	administer.post("/sources/:source/edit", s.sourceSave)
	administer.get("/sources/:source/mappings", s.mappings)
	administer.post("/sources/:source/mappings", s.mappingsSave)
	administer.get("/sources/:source/secrets", s.sourceSecrets)
	administer.post("/sources/:source/secrets", s.sourceSecretAdd)
	administer.post("/sources/:source/secrets/:credential/end", s.sourceSecretEnd)
	administer.post("/sources/:source/secrets/:credential/restore", s.sourceSecretRestore)
	administer.post("/sources/:source/rotate-url", s.sourceRotateURL)
	administer.post("/sources/:source/pause", s.sourcePause)
	administer.post("/sources/:source/resume", s.sourceResume)
	administer.post("/sources/:source/delete", s.sourceDelete)
	administer.post("/sources/:source/sample", s.sourceSample)
	administer.get("/sources/:source/accept", s.sourceAcceptForm)
	administer.post("/sources/:source/accept", s.sourceAccept)
	administer.post("/requests/:request/accept", s.requestAccept)
	administer.get("/audit", s.audit)
	administer.get("/audit/export.csv", s.auditExport)
	administer.get("/requests/export.ndjson", s.requestsExport)
	administer.get("/keys", s.keys)
	administer.post("/keys", s.keyCreate)
	administer.post("/keys/:key/revoke", s.keyRevoke)
	administer.post("/team/:member/role", s.memberRole)
	administer.get("/team/:member/remove", s.removeForm)
	administer.post("/team/:member/remove", s.memberRemove)
	administer.post("/invitations", s.invite)
	administer.post("/invitations/:invitation/resend", s.invitationResend)
	administer.post("/invitations/:invitation/revoke", s.invitationRevoke)
	administer.get("/settings", s.settings)
	administer.post("/settings", s.settingsSave)

	owns := group{org, s.requireRight(models.RightOwn)}
	owns.post("/team/:member/transfer", s.memberTransfer)
	owns.post("/settings/delete", s.organizationDelete)

	see.get("/endpoints/:endpoint", s.endpoint) // after /endpoints/new and /endpoints/schedule
	see.get("/sources/:source", s.source)       // after /sources/new
	see.get("/requests/:request", s.request)    // after /requests/replay
}

// accountRoutes are a person's own pages, which belong to no organization.
func (s *Server) accountRoutes(own fiber.Router) {
	own.Get("", s.account)
	own.Post("", s.rename)
	own.Post("/email", s.emailAsk)
	own.Post("/identities/unlink", s.identityUnlink)
	own.Post("/password", s.passwordChange)
	own.Post("/sessions/revoke", s.sessionsRevoke)
	own.Post("/sessions/:session/revoke", s.sessionRevoke)
	own.Get("/two-factor", s.twoFactor)
	own.Post("/two-factor/begin", s.twoFactorBegin)
	own.Post("/two-factor/enable", s.twoFactorEnable)
	own.Post("/two-factor/disable", s.twoFactorDisable)
	own.Post("/two-factor/recovery-codes", s.recoveryCodes)
}

// group adds routes that one right opens.
type group struct {
	router fiber.Router
	guard  fiber.Handler
}

func (g group) get(path string, handler fiber.Handler)  { g.router.Get(path, g.guard, handler) }
func (g group) post(path string, handler fiber.Handler) { g.router.Post(path, g.guard, handler) }
