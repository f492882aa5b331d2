package views

import (
	"maps"
	"slices"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// auditSentences say what an actor did, by the action's name; % stands for
// what it was done to. Every action that the store writes is here.
var auditSentences = map[string]string{
	"acceptance.cancelled":        "cancelled the acceptance of refused requests %",
	"acceptance.started":          "accepted refused requests of the source %",
	"access.refused":              "was refused: %",
	"delivery.cancelled":          "cancelled the delivery of %",
	"delivery.resent":             "resent the delivery of %",
	"endpoint.circuit_closed":     "found % answering again and sends as before",
	"endpoint.circuit_opened":     "paused %, which failed several times in a row",
	"endpoint.created":            "created the endpoint %",
	"endpoint.deleted":            "deleted the endpoint %",
	"endpoint.disabled":           "disabled the endpoint %",
	"endpoint.enabled":            "enabled the endpoint %",
	"endpoint.secret_expired":     "ended an earlier secret of %",
	"endpoint.secret_refused":     "was refused the secrets of %",
	"endpoint.secret_revealed":    "revealed the secrets of %",
	"endpoint.secret_rotated":     "rotated the secret of %",
	"endpoint.signature_switched": "switched the older signature of % to the newest secret",
	"endpoint.tested":             "sent a test event to %",
	"endpoint.updated":            "changed the settings of %",
	"invitation.accepted":         "accepted the invitation of %",
	"invitation.created":          "invited %",
	"invitation.resent":           "sent the invitation of % again",
	"invitation.revoked":          "withdrew the invitation of %",
	"key.created":                 "created the API key %",
	"key.narrowed":                "took scopes from the API key %",
	"key.revoked":                 "revoked the API key %",
	"mail.suppressed":             "stopped mail to %",
	"mail.suppression_lifted":     "allowed mail to % again",
	"mail.tested":                 "sent a test message to %",
	"member.added":                "added the member %",
	"member.left":                 "left the organization",
	"member.removed":              "removed the member %",
	"member.role_changed":         "changed the role of %",
	"member.updated":              "changed the title of %",
	"notice.dismissed":            "dismissed a notice about %",
	"organization.closed":         "closed the organization %, whose last deliveries have ended",
	"organization.created":        "created the organization %",
	"organization.deleted":        "deleted the organization %",
	"organization.updated":        "changed the settings of the organization %",
	"platform_key.created":        "created the platform key %",
	"platform_key.revoked":        "revoked the platform key %",
	"portal.signed_in":            "followed the portal link of %",
	"portal_link.created":         "made a portal link for %",
	"recovery.cancelled":          "cancelled the recovery of %",
	"recovery.started":            "started a recovery of %",
	"organization.references_set": "set the references of %",
	"replay.cancelled":            "cancelled the replay of requests %",
	"replay.started":              "started a replay of requests %",
	"request.accepted":            "accepted a refused request from %",
	"request.replayed":            "replayed a request from %",
	"source.created":              "created the source %",
	"source.deleted":              "deleted the source %",
	"source.paused":               "paused the source %",
	"source.resumed":              "resumed the source %",
	"source.sample_sent":          "sent a signed sample to the source %",
	"source.secret_added":         "added a secret to the source %",
	"source.secret_ended":         "ended a secret of the source %",
	"source.secret_restored":      "restored a secret of the source %",
	"source.updated":              "edited the source %",
	"source.url_rotated":          "changed the URL of the source %",
	"secrets.rekeyed":             "sealed secrets with the first key of %",
	"session.others_revoked":      "ended every other session of %",
	"session.revoked":             "ended a session of %",
	"two_factor.begun":            "began to set up two-factor sign-in for %",
	"two_factor.codes_renewed":    "made new recovery codes for %",
	"two_factor.disabled":         "turned two-factor sign-in off for %",
	"two_factor.enabled":          "turned two-factor sign-in on for %",
	"user.created":                "made an account for %",
	"user.password_changed":       "changed the password of %",
	"user.password_reset":         "reset the password of %",
	"user.renamed":                "changed the name of %",
	"identity.linked":             "linked a sign-in elsewhere to the account of %",
	"identity.unlinked":           "took a sign-in elsewhere from the account of %",
	"user.email_asked":            "asked to change the address of %",
	"user.email_changed":          "changed the address of %",
	"user.email_verified":         "proved the address of %",
	"user.reset_asked":            "asked for a link to reset the password of %",
	"user.sign_in_refused":        "was refused to sign in as %",
	"user.signed_in":              "signed in",
	"user.signed_up":              "opened the account %",
}

// AuditSentence says what an actor did with something. An action that is not
// known, because a newer version wrote it, is told as it stands.
func AuditSentence(action, target string) string {
	sentence, ok := auditSentences[action]
	if !ok {
		sentence = action + " %"
	}
	return strings.Replace(sentence, "%", target, 1)
}

// refusedAction reports whether something was only tried.
func refusedAction(action string) bool { return strings.HasSuffix(action, "refused") }

// auditActions returns all actions, in the order of their names.
func auditActions() []string { return slices.Sorted(maps.Keys(auditSentences)) }

// actorWords name a kind of actor.
func actorWords(kind models.ActorKind) string {
	switch kind {
	case models.ActorUser:
		return "People"
	case models.ActorKey:
		return "API keys"
	case models.ActorOperator:
		return "The command line"
	case models.ActorPortal:
		return "Portal visitors"
	case models.ActorVisitor:
		return "Somebody not signed in"
	case models.ActorSystem:
		return "Hookwell itself"
	}
	return ui.UpperFirst(string(kind))
}

// AuditQuery is what the query string of the audit log narrows it by.
type AuditQuery struct {
	By     models.ActorKind
	Actor  string // an id
	Action string
	Target string // an id
	Period string
	Since  string
	Until  string
	Cursor string
}

// ParseAuditQuery reads the filter from a query string. An unknown kind,
// action or period counts as none.
func ParseAuditQuery(query func(key string) string) AuditQuery {
	chosen := parseSpan(query)
	q := AuditQuery{By: models.ActorKind(query("by")), Actor: query("actor"), Action: query("action"), Target: query("target"),
		Period: chosen.Period, Since: chosen.Since, Until: chosen.Until, Cursor: query("cursor")}
	if !slices.Contains(models.ActorKinds(), q.By) {
		q.By = ""
	}
	if _, ok := auditSentences[q.Action]; !ok {
		q.Action = ""
	}
	return q
}

func (q AuditQuery) query() [][2]string {
	return [][2]string{{"by", string(q.By)}, {"actor", q.Actor}, {"action", q.Action}, {"target", q.Target},
		{"period", q.Period}, {"since", q.Since}, {"until", q.Until}, {"cursor", q.Cursor}}
}

// Path returns the log under this filter.
func (q AuditQuery) Path(slug string) string { return filteredPath(AuditPath(slug), q.query()) }

// ExportPath returns all of it as CSV.
func (q AuditQuery) ExportPath(slug string) string {
	q.Cursor = ""
	return filteredPath(AuditExportPath(slug), q.query())
}

// Filter returns what the store is asked for at a time. It has faults at "since"
// and "until" when one of them can't be read.
func (q AuditQuery) Filter(now time.Time) (models.AuditFilter, webhook.Faults) {
	since, until, faults := q.span().bounds(now)
	return models.AuditFilter{ActorID: q.Actor, By: q.By, Action: q.Action, TargetID: q.Target, Since: since, Until: until}, faults
}

func (q AuditQuery) span() span { return span{q.Period, q.Since, q.Until} }

func (q AuditQuery) narrowed() bool {
	q.Cursor = ""
	return q != AuditQuery{}
}

func (q AuditQuery) without(part string) AuditQuery {
	q.Cursor = ""
	switch part {
	case "by":
		q.By = ""
	case "actor":
		q.Actor = ""
	case "action":
		q.Action = ""
	case "target":
		q.Target = ""
	case "period":
		q.Period, q.Since, q.Until = "", "", ""
	}
	return q
}

// AuditView is the page of the audit log.
type AuditView struct {
	Query  AuditQuery
	Rows   []models.AuditEntry // newest first
	Older  string              // the cursor of the next page
	Faults webhook.Faults
}

func (v AuditView) newestPath(slug string) string {
	if v.Query.Cursor == "" {
		return ""
	}
	return v.Query.without("").Path(slug)
}

func (v AuditView) olderPath(slug string) string {
	if v.Older == "" {
		return ""
	}
	f := v.Query
	f.Cursor = v.Older
	return f.Path(slug)
}

// named is what the rows call an id that the filter names.
func (v AuditView) named(id string) string {
	for _, e := range v.Rows {
		switch id {
		case e.ActorID:
			return e.ActorName
		case e.TargetID:
			return e.TargetName
		}
	}
	return ui.ShortID(id)
}
