package views

import "net/url"

// Paths of the pages outside organizations.
const (
	SignupPath        = "/signup"
	LoginPath         = "/login"
	LogoutPath        = "/logout"
	AppearancePath    = "/appearance"
	OrganizationsPath = "/orgs"
	ReferencePath     = "/docs/api"
	PortalOverPath    = "/portal"
)

// Paths of a person's own pages. All but the first three, and TwoFactorPath, take
// POST alone.
const (
	LoginCodePath        = "/login/code"     // the second step of a sign-in
	ForgotPath           = "/forgot"         // asks for a link that sets a new password
	ProviderPath         = "/login/provider" // begins a sign-in with the provider, or a link to it
	ProviderAnswerPath   = ProviderPath + "/answer"
	IdentityUnlinkPath   = "/account/identities/unlink"
	AccountPath          = "/account"
	AccountEmailPath     = AccountPath + "/email"
	AccountPasswordPath  = AccountPath + "/password"
	AccountSessionsPath  = AccountPath + "/sessions"
	SessionsRevokePath   = AccountSessionsPath + "/revoke" // all others
	TwoFactorPath        = AccountPath + "/two-factor"
	TwoFactorBeginPath   = TwoFactorPath + "/begin"
	TwoFactorEnablePath  = TwoFactorPath + "/enable"
	TwoFactorDisablePath = TwoFactorPath + "/disable"
	TwoFactorCodesPath   = TwoFactorPath + "/recovery-codes"
)

// PortalPath shows the button that uses a portal link, by its token; POST uses it.
func PortalPath(token string) string { return PortalOverPath + "/" + url.PathEscape(token) }

// OrganizationPath is the path of an organization's first page; everything of the
// organization lies under it.
func OrganizationPath(slug string) string { return "/o/" + url.PathEscape(slug) }

// OverviewPath is the path of the organization's first page; ?period= chooses how far back
// it looks.
func OverviewPath(slug, period string) string {
	return filteredPath(OrganizationPath(slug), [][2]string{{"period", period}})
}

// FindPath takes ?q=, any id or event type, and leads to what it names.
func FindPath(slug string) string { return OrganizationPath(slug) + "/find" }

// StreamPath is the path of the stream of server-sent events. An event named "deliveries"
// carries a JSON array of the ids of deliveries that changed, and nothing else.
func StreamPath(slug string) string { return OrganizationPath(slug) + "/stream" }

// EndpointsPath lists the endpoints; POST creates one.
func EndpointsPath(slug string) string { return OrganizationPath(slug) + "/endpoints" }

// EndpointNewPath is the path of the form for a new endpoint.
func EndpointNewPath(slug string) string { return EndpointsPath(slug) + "/new" }

// ScheduleTimesPath answers ScheduleTimesPart for ?schedule= and ?delays=.
func ScheduleTimesPath(slug string) string { return EndpointsPath(slug) + "/schedule" }

// NoticeDismissPath dismisses a notice by POST.
func NoticeDismissPath(slug, id string) string {
	return OrganizationPath(slug) + "/notices/" + url.PathEscape(id) + "/dismiss"
}

// EndpointPath is the path of one endpoint's page.
func EndpointPath(slug, id string) string { return EndpointsPath(slug) + "/" + url.PathEscape(id) }

// EndpointEditPath is the path of the form of an endpoint's settings; POST saves them.
func EndpointEditPath(slug, id string) string { return EndpointPath(slug, id) + "/edit" }

// EndpointEnablePath enables by POST; with replay=on, what was missed follows.
func EndpointEnablePath(slug, id string) string { return EndpointPath(slug, id) + "/enable" }

// EndpointDisablePath disables by POST.
func EndpointDisablePath(slug, id string) string { return EndpointPath(slug, id) + "/disable" }

// EndpointDeletePath deletes by POST.
func EndpointDeletePath(slug, id string) string { return EndpointPath(slug, id) + "/delete" }

// SecretPath is the path of the tab of an endpoint's secrets.
func SecretPath(slug, id string) string { return EndpointPath(slug, id) + "/secret" }

// SecretRotatePath rotates by POST (overlapHours, secret) and answers the tab
// with the new secret.
func SecretRotatePath(slug, id string) string { return SecretPath(slug, id) + "/rotate" }

// SecretRevealPath answers, by POST (password), the tab with the secrets.
func SecretRevealPath(slug, id string) string { return SecretPath(slug, id) + "/reveal" }

// SecretSwitchPath switches x-webhook-signature to the newest secret by POST.
func SecretSwitchPath(slug, id string) string { return SecretPath(slug, id) + "/switch" }

// SecretExpirePath ends an earlier secret by POST.
func SecretExpirePath(slug, id, secret string) string {
	return SecretPath(slug, id) + "/" + url.PathEscape(secret) + "/expire"
}

// EndpointTestPath sends a test event by POST (type, data); GET with ?type=
// answers the form with that type's sample.
func EndpointTestPath(slug, id string) string { return EndpointPath(slug, id) + "/test" }

// RecoverPath is the path of the form that recovers what an endpoint has not got; its query
// narrows it, and POST begins the recovery.
func RecoverPath(slug, id string) string { return EndpointPath(slug, id) + "/recover" }

// RecoveryPath answers an endpoint's RecoveryBanner alone.
func RecoveryPath(slug, endpointID string) string {
	return EndpointPath(slug, endpointID) + "/recovery"
}

// RecoveryCancelPath cancels a recovery by POST.
func RecoveryCancelPath(slug, id string) string {
	return OrganizationPath(slug) + "/recoveries/" + url.PathEscape(id) + "/cancel"
}

// DeliveriesPath is the path of the log. DeliveryQuery.Path adds filters.
func DeliveriesPath(slug string) string { return OrganizationPath(slug) + "/deliveries" }

// DeliveryPath is the path of one delivery's page; ?attempt=N chooses an attempt.
func DeliveryPath(slug, id string) string { return DeliveriesPath(slug) + "/" + url.PathEscape(id) }

// DeliveryRowPath answers the delivery's row of the log alone.
func DeliveryRowPath(slug, id string) string { return DeliveryPath(slug, id) + "/row" }

// DeliveryResendPath resends by POST.
func DeliveryResendPath(slug, id string) string { return DeliveryPath(slug, id) + "/resend" }

// DeliveryCancelPath cancels by POST.
func DeliveryCancelPath(slug, id string) string { return DeliveryPath(slug, id) + "/cancel" }

// EventsPath lists the events. EventQuery.Path adds filters.
func EventsPath(slug string) string { return OrganizationPath(slug) + "/events" }

// EventPath is the path of one event's page.
func EventPath(slug, id string) string { return EventsPath(slug) + "/" + url.PathEscape(id) }

// SourcesPath lists the sources; POST creates one.
func SourcesPath(slug string) string { return OrganizationPath(slug) + "/sources" }

// SourceNewPath is the path of the grid of providers; with a provider, of the form
// for a new source of it.
func SourceNewPath(slug, provider string) string {
	return filteredPath(SourcesPath(slug)+"/new", [][2]string{{"provider", provider}})
}

// SourcePath is the path of one source's page.
func SourcePath(slug, id string) string { return SourcesPath(slug) + "/" + url.PathEscape(id) }

// SourceEditPath is the path of the form of a source's settings; POST saves them.
func SourceEditPath(slug, id string) string { return SourcePath(slug, id) + "/edit" }

// SourceMappingsPath is the path of a source's mappings; POST saves them, or shows
// what they would make if it has preview=on.
func SourceMappingsPath(slug, id string) string { return SourcePath(slug, id) + "/mappings" }

// SourceSecretsPath is the path of a source's URL and secrets; POST adds a secret.
func SourceSecretsPath(slug, id string) string { return SourcePath(slug, id) + "/secrets" }

// SourceSecretEndPath ends a secret by POST (hours).
func SourceSecretEndPath(slug, id, secret string) string {
	return SourceSecretsPath(slug, id) + "/" + url.PathEscape(secret) + "/end"
}

// SourceSecretRestorePath has an ended secret verify again by POST.
func SourceSecretRestorePath(slug, id, secret string) string {
	return SourceSecretsPath(slug, id) + "/" + url.PathEscape(secret) + "/restore"
}

// SourceRotatePath gives a source a new URL by POST (overlapHours).
func SourceRotatePath(slug, id string) string { return SourcePath(slug, id) + "/rotate-url" }

// SourcePausePath pauses by POST.
func SourcePausePath(slug, id string) string { return SourcePath(slug, id) + "/pause" }

// SourceResumePath resumes by POST.
func SourceResumePath(slug, id string) string { return SourcePath(slug, id) + "/resume" }

// SourceDeletePath deletes by POST.
func SourceDeletePath(slug, id string) string { return SourcePath(slug, id) + "/delete" }

// SourceAcceptPath asks before refused requests of a source are accepted; POST begins
// (perSecond).
func SourceAcceptPath(slug, id string) string { return SourcePath(slug, id) + "/accept" }

// SourceSamplePath sends a signed sample by POST (type).
func SourceSamplePath(slug, id string) string { return SourcePath(slug, id) + "/sample" }

// RequestsPath is the path of the log of requests. RequestQuery.Path adds filters.
func RequestsPath(slug string) string { return OrganizationPath(slug) + "/requests" }

// RequestsExportPath is the path of all that was received, as NDJSON.
func RequestsExportPath(slug string) string { return RequestsPath(slug) + "/export.ndjson" }

// RequestPath is the path of one request's page; ?body= chooses how its body is shown.
func RequestPath(slug, id string) string { return RequestsPath(slug) + "/" + url.PathEscape(id) }

// RequestReplayPath asks before one request's events are made again; POST replays it (force).
func RequestReplayPath(slug, id string) string { return RequestPath(slug, id) + "/replay" }

// RequestAcceptPath accepts a refused request by POST.
func RequestAcceptPath(slug, id string) string { return RequestPath(slug, id) + "/accept" }

// RequestBodyPath downloads a request's body.
func RequestBodyPath(slug, id string) string { return RequestPath(slug, id) + "/body" }

// ReplaysPath has the replays that are under way or have just ended, as a part.
func ReplaysPath(slug string) string { return OrganizationPath(slug) + "/replays" }

// ReplayCancelPath cancels a replay of many requests by POST.
func ReplayCancelPath(slug, id string) string {
	return OrganizationPath(slug) + "/replays/" + url.PathEscape(id) + "/cancel"
}

// CatalogPath lists the event types.
func CatalogPath(slug string) string { return OrganizationPath(slug) + "/catalog" }

// EventTypePath is the path of one event type's page; ?tab= chooses a CatalogTab.
func EventTypePath(slug, eventType string) string {
	return CatalogPath(slug) + "/" + url.PathEscape(eventType)
}

// AuditPath is the path of the audit log. AuditQuery.Path adds filters.
func AuditPath(slug string) string { return OrganizationPath(slug) + "/audit" }

// AuditExportPath is the path of the audit log as CSV.
func AuditExportPath(slug string) string { return AuditPath(slug) + "/export.csv" }

// KeysPath lists the API keys; POST creates one.
func KeysPath(slug string) string { return OrganizationPath(slug) + "/keys" }

// KeyRevokePath revokes by POST.
func KeyRevokePath(slug, id string) string {
	return KeysPath(slug) + "/" + url.PathEscape(id) + "/revoke"
}

// TeamPath lists the members and invitations.
func TeamPath(slug string) string { return OrganizationPath(slug) + "/team" }

// LeavePath says what leaving does; POST leaves.
func LeavePath(slug string) string { return TeamPath(slug) + "/leave" }

// MemberPath is the path of one member's page.
func MemberPath(slug, id string) string { return TeamPath(slug) + "/" + url.PathEscape(id) }

// MemberTitlePath saves a member's title by POST (title).
func MemberTitlePath(slug, id string) string { return MemberPath(slug, id) + "/title" }

// MemberRolePath gives a member a role by POST (role).
func MemberRolePath(slug, id string) string { return MemberPath(slug, id) + "/role" }

// MemberRemovePath says what removing does; POST removes.
func MemberRemovePath(slug, id string) string { return MemberPath(slug, id) + "/remove" }

// MemberTransferPath makes a member the owner in one's own place by POST.
func MemberTransferPath(slug, id string) string { return MemberPath(slug, id) + "/transfer" }

// InvitationsPath invites by POST (email, role, by).
func InvitationsPath(slug string) string { return OrganizationPath(slug) + "/invitations" }

// InvitationResendPath makes a new link by POST (by).
func InvitationResendPath(slug, id string) string {
	return InvitationsPath(slug) + "/" + url.PathEscape(id) + "/resend"
}

// InvitationRevokePath revokes by POST.
func InvitationRevokePath(slug, id string) string {
	return InvitationsPath(slug) + "/" + url.PathEscape(id) + "/revoke"
}

// InvitePath is the path where an invitation's link leads; POST accepts.
func InvitePath(token string) string { return "/invite/" + token }

// ResetPath is the path of the page behind a link that sets a new password.
func ResetPath(token string) string { return "/reset/" + token }

// EmailPath is the path of the page behind a link that proves an address.
func EmailPath(token string) string { return "/email/" + token }

// SignupLinkPath is the path of the page behind a link that makes an account.
func SignupLinkPath(token string) string { return SignupPath + "/" + token }

// SettingsPath is the path of the form of the organization's settings; POST saves them.
func SettingsPath(slug string) string { return OrganizationPath(slug) + "/settings" }

// OrganizationDeletePath deletes the organization by POST (confirm).
func OrganizationDeletePath(slug string) string { return SettingsPath(slug) + "/delete" }
