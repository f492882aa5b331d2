package api

import "hookwell/models"

// operation is what the API's document says of one route. What follows from
// the route itself is added by document: its key, its organization, the
// refusals that any route knows.
type operation struct {
	id, summary, about string
	query              []parameter
	idempotent         bool   // takes an Idempotency-Key
	body               string // the name of its schema; empty takes none
	bodyOptional       bool
	status             int
	answer             string // the name of its schema; empty answers nothing
	list               bool   // answers pages of it
	refusals           []string
	tagged             bool // the answer has an ETag
	conditional        bool // takes If-Match
}

// parameter is one of a query or of a path.
type parameter struct {
	name, about string
	schema      valueSchema
	many        bool // it may be repeated: its values are joined
}

// one is a parameter that has one value.
func one(name, about string, schema valueSchema) parameter {
	return parameter{name: name, about: about, schema: schema}
}

// many is a parameter with values that are separated by commas, or come one by one.
func many(name, about string) parameter {
	return parameter{name: name, about: about, schema: text(), many: true}
}

// parameters are what the query of the operation's route may have.
func (o operation) parameters(route Route) []parameter {
	switch route.Access {
	case PlatformOnly:
		return o.query
	case ScopeRequestsRead, ScopeSourcesWrite:
		return append([]parameter{one(organizationField, "The organization, by its id or external id. A platform key that names none acts for the installation's own sources.", text())}, o.query...)
	}
	return append([]parameter{one(organizationField, "The organization, by its id or external id. Platform keys have to name one, here or in the body.", text())}, o.query...)
}

func paging() []parameter {
	return []parameter{
		one("limit", "How many rows to answer.", valueSchema{Type: "integer", Minimum: 1, Maximum: models.MaxLimit, Default: models.DefaultLimit}),
		one("cursor", "The nextCursor of the page before.", text()),
	}
}

func deliveryFilters() []parameter {
	return append([]parameter{
		many("state", "States, separated by commas: pending, retrying, delivered, failed, cancelled."),
		many("type", "Event types or prefixes such as payment.*, separated by commas."),
		one("endpointId", "Deliveries to this endpoint.", text()),
		one("eventId", "Deliveries of this event.", text()),
		one("since", "Created at this time or later.", timeText()),
		one("until", "Created before this time.", timeText()),
	}, paging()...)
}

func requestFilters() []parameter {
	return append([]parameter{
		one("sourceId", "Requests to this source.", text()),
		many("state", "States, separated by commas: verified, authenticated, unverified, refused."),
		many("cause", "Causes of refusal, separated by commas, such as signature or too_old."),
		many("processing", "How far they are, separated by commas: waiting, processed, ignored, failed."),
		one("externalId", "The provider's id.", text()),
		many("externalType", "The provider's types or prefixes such as invoice.*, separated by commas."),
		one("since", "Received at this time or later.", timeText()),
		one("until", "Received before this time.", timeText()),
	}, paging()...)
}

// operations are by method and path, as in Routes.
func operations() map[string]operation {
	return map[string]operation{
		"POST /events": {id: "reportEvent", summary: "Report an event", body: "EventReport", idempotent: true, status: 202, answer: "AcceptedEvent",
			about:    "202 is a promise: the event is in the database, and reaches every endpoint that was subscribed and enabled at that moment, or ends visibly as failed.",
			refusals: []string{"idempotency_conflict", "data_too_large"}},
		"POST /events/batch": {id: "reportEvents", summary: "Report many events", body: "EventBatch", idempotent: true, status: 200, answer: "BatchResult", list: true,
			about:    "Each event stands or falls by itself; the answers stand in the order of the events. With an Idempotency-Key, the event at place i has the key <key>#i.",
			refusals: []string{"batch_too_large"}},
		"GET /events": {id: "listEvents", summary: "List events", status: 200, answer: "Event", list: true,
			query: append([]parameter{many("type", "Event types or prefixes such as payment.*, separated by commas.")}, paging()...)},
		"GET /events/:id": {id: "readEvent", summary: "Read an event", about: "With its data, and what became of it at every endpoint.", status: 200, answer: "EventAlone"},

		"GET /event-types":       {id: "listEventTypes", summary: "List event types", about: "All at once, by category. nextCursor is always null.", status: 200, answer: "EventType", list: true},
		"GET /event-types/:type": {id: "readEventType", summary: "Read an event type", status: 200, answer: "EventType"},

		"GET /endpoints": {id: "listEndpoints", summary: "List endpoints", status: 200, answer: "Endpoint", list: true, query: paging()},
		"POST /endpoints": {id: "createEndpoint", summary: "Create an endpoint", body: "NewEndpoint", status: 201, answer: "Endpoint",
			about: "The answer has the signing secret, which no later one shows: keep it. The Location header is the endpoint's address.", refusals: []string{"too_many_endpoints"}, tagged: true},
		"GET /endpoints/:id": {id: "readEndpoint", summary: "Read an endpoint", status: 200, answer: "Endpoint", tagged: true},
		"PATCH /endpoints/:id": {id: "changeEndpoint", summary: "Change an endpoint", body: "EndpointChange", status: 200, answer: "Endpoint",
			about: "Changes what is given, from the next attempt on: all of it, or nothing. A url of another scheme, host or port removes the endpoint's own headers and replaces an imported secret, unless headers and secret are sent again with it; the answer's removedHeaders and secret say so.", refusals: []string{"edited_meanwhile", "endpoint_unusable"}, tagged: true, conditional: true},
		"DELETE /endpoints/:id": {id: "deleteEndpoint", summary: "Delete an endpoint", body: "OrganizationOnly", bodyOptional: true, status: 204,
			about: "Cancels what waits for it, and leaves its deliveries in the log.", conditional: true},
		"POST /endpoints/:id/enable": {id: "enableEndpoint", summary: "Enable an endpoint", about: "What waited for it is resumed. With replay, the events that it did not get while it was disabled follow; the Location header is the recovery that sends them, where there are any.",
			query: []parameter{one("replay", "Whether to also send what was missed.", valueSchema{Type: "boolean", Default: false})},
			body:  "OrganizationOnly", bodyOptional: true, status: 200, answer: "Endpoint", refusals: []string{"recovery_running"}, tagged: true, conditional: true},
		"GET /endpoints/:id/missed": {id: "countMissed", summary: "Count what was missed", status: 200, answer: "Missed",
			about: "How many events a disabled endpoint did not get since it was disabled: what enabling it with replay sends."},
		"POST /endpoints/:id/disable": {id: "disableEndpoint", summary: "Disable an endpoint", about: "What waits for it is parked.",
			body: "OrganizationOnly", bodyOptional: true, status: 200, answer: "Endpoint", tagged: true, conditional: true},
		"POST /endpoints/:id/rotate-secret": {id: "rotateSecret", summary: "Rotate the secret", body: "SecretRotation", status: 200, answer: "Endpoint",
			about: "The answer has the new secret.", refusals: []string{"too_many_secrets"}, tagged: true, conditional: true},
		"POST /endpoints/:id/test": {id: "testEndpoint", summary: "Send a test event", body: "TestEvent", status: 200, answer: "Attempt",
			about: "Sends it once, now, and answers its attempt, whatever came of it.", refusals: []string{"data_too_large", "endpoint_unusable"}},
		"POST /endpoints/:id/recover": {id: "recoverEndpoint", summary: "Recover an endpoint", body: "NewRecovery", status: 202, answer: "Recovery",
			about: "Sends again what failed, or at last what the endpoint never got, throttled and behind fresh events. count is how much matches.", refusals: []string{"recovery_running", "endpoint_deleted"}},

		"GET /deliveries":     {id: "listDeliveries", summary: "List deliveries", status: 200, answer: "Delivery", list: true, query: deliveryFilters()},
		"GET /deliveries/:id": {id: "readDelivery", summary: "Read a delivery", about: "With its attempts.", status: 200, answer: "DeliveryAlone"},
		"POST /deliveries/:id/resend": {id: "resendDelivery", summary: "Resend a delivery", body: "OrganizationOnly", bodyOptional: true, status: 202, answer: "Delivery",
			about: "Adds one attempt now and leaves the schedule alone.", refusals: []string{"in_flight", "endpoint_deleted", "test_delivery"}},
		"POST /deliveries/:id/cancel": {id: "cancelDelivery", summary: "Cancel a delivery", body: "OrganizationOnly", bodyOptional: true, status: 200, answer: "Delivery",
			about: "No attempt follows. One in flight may still deliver it.", refusals: []string{"ended"}},

		"GET /recoveries/:id": {id: "readRecovery", summary: "Read a recovery", status: 200, answer: "Recovery"},
		"POST /recoveries/:id/cancel": {id: "cancelRecovery", summary: "Cancel a recovery", body: "OrganizationOnly", bodyOptional: true, status: 200, answer: "Recovery",
			about: "Takes back what is not under way.", refusals: []string{"ended"}},

		"GET /sources": {id: "listSources", summary: "List sources", about: "All at once, by age. nextCursor is always null.", status: 200, answer: "Source", list: true},
		"POST /sources": {id: "createSource", summary: "Create a source", body: "NewSource", status: 201, answer: "Source",
			about: "The answer's url is where the provider sends. None of the secrets is ever answered again.", refusals: []string{"too_many_sources"}, tagged: true},
		"GET /sources/:id": {id: "readSource", summary: "Read a source", status: 200, answer: "Source", tagged: true},
		"PATCH /sources/:id": {id: "changeSource", summary: "Change a source", body: "SourceChange", status: 200, answer: "Source",
			about: "Changes what is given: all of it, or nothing. Slug and provider stay.", tagged: true, conditional: true},
		"DELETE /sources/:id": {id: "deleteSource", summary: "Delete a source", body: "SourcesOf", bodyOptional: true, status: 204,
			about: "Its URL is unknown from then on. What it took in stays, and what waits still becomes events.", conditional: true},
		"POST /sources/:id/secrets": {id: "addSourceSecret", summary: "Add a secret", body: "NewSourceSecret", status: 200, answer: "Source",
			about: "Every secret is tried. With overlapHours the earlier ones end after so many hours; 0 is now.", tagged: true},
		"POST /sources/:id/rotate-url": {id: "rotateSourceUrl", summary: "Rotate the URL", body: "URLRotation", bodyOptional: true, status: 200, answer: "Source",
			about: "The answer has the new URL. The present one works for overlapHours more; one before it ends.", tagged: true},
		"POST /sources/:id/test": {id: "testSource", summary: "Send a signed sample", body: "SampleRequest", bodyOptional: true, status: 200, answer: "ReceivedRequestAlone",
			about: "Signs a sample that Hookwell ships with the source's own secret and takes it in, as a test.", refusals: []string{"source_disabled", "source_unusable", "no_secret", "sample_refused"}},
		"POST /sources/:id/preview": {id: "previewMappings", summary: "Preview mappings", body: "MappingsToPreview", status: 200, answer: "MappingsPreview",
			about: "What the source's last 20 requests would become by mappings that are not saved, newest first. Nothing is written.", refusals: []string{"preview_busy"}},

		"GET /requests": {id: "listRequests", summary: "List requests", about: "What came to sources, refused requests included as far as they are kept.", status: 200, answer: "ReceivedRequest", list: true, query: requestFilters()},
		"POST /requests/replay": {id: "replayRequests", summary: "Replay requests", body: "NewReplay", status: 202, answer: "Replay",
			about: "Processes all requests again that match, throttled. What they became before is made again only by force.", refusals: []string{"replays_running"}},
		"GET /requests/:id": {id: "readRequest", summary: "Read a request", about: "With its headers and body.", status: 200, answer: "ReceivedRequestAlone"},
		"POST /requests/:id/replay": {id: "replayRequest", summary: "Replay a request", body: "RequestReplay", bodyOptional: true, status: 202, answer: "ReceivedRequestAlone",
			about: "Processes it again. What it became before is made again only by force.", refusals: []string{"refused", "handshake", "body_dropped"}},
		"POST /requests/:id/accept": {id: "acceptRequest", summary: "Accept a refused request", body: "SourcesOf", bodyOptional: true, status: 200, answer: "ReceivedRequestAlone",
			about: "Verifies it again with today's secrets, its age as of its receipt, and takes it in if it passes.", refusals: []string{"still_refused", "not_whole", "body_dropped", "accepted", "source_changed"}},
		"GET /replays/:id": {id: "readReplay", summary: "Read a replay", status: 200, answer: "Replay"},
		"POST /replays/:id/cancel": {id: "cancelReplay", summary: "Cancel a replay", body: "SourcesOf", bodyOptional: true, status: 200, answer: "Replay",
			about: "What it queued is still processed.", refusals: []string{"ended"}},

		"GET /organizations/:id/references": {id: "readReferences", summary: "Read references", about: "By what the installation's sources find the organization.", status: 200, answer: "References"},
		"PUT /organizations/:id/references": {id: "setReferences", summary: "Set references", body: "References", status: 200, answer: "References",
			about: "Replaces all of them. Requests that waited for one are processed again.", refusals: []string{"reference_taken"}},

		"POST /organizations": {id: "createOrganization", summary: "Create an organization", body: "NewOrganization", status: 201, answer: "OrganizationCreated",
			about: "Its endpoints, if any, get its org.created.", refusals: []string{"external_id_taken", "taken", "too_many_endpoints"}, tagged: true},
		"GET /organizations":     {id: "listOrganizations", summary: "List organizations", status: 200, answer: "Organization", list: true, query: paging()},
		"GET /organizations/:id": {id: "readOrganization", summary: "Read an organization", about: "By its id, or by the product's external id for it.", status: 200, answer: "Organization", tagged: true},
		"PATCH /organizations/:id": {id: "changeOrganization", summary: "Change an organization", body: "OrganizationChange", status: 200, answer: "Organization",
			about: "Changes what is given, and reports it as org.updated.", refusals: []string{"external_id_taken", "taken"}, tagged: true, conditional: true},
		"DELETE /organizations/:id": {id: "deleteOrganization", summary: "Delete an organization", status: 204,
			about: "Nothing new is accepted from then on. What waits, org.deleted included, is still delivered; then its endpoints are deleted.", conditional: true},
		"POST /organizations/:id/portal-link": {id: "createPortalLink", summary: "Create a portal link", body: "NewPortalLink", status: 201, answer: "PortalLink",
			about: "Signs the product's user in to the organization's pages, once, by a button behind the answer's url."},

		"GET /suppressions": {id: "listSuppressions", summary: "List suppressions", status: 200, answer: "Suppression", list: true,
			about: "Addresses that get no invitations and alerts, since a message to them bounced for good or its reader complained. At most 1,000, the newest first; nextCursor is always null."},
		"POST /suppressions/lift": {id: "liftSuppression", summary: "Lift a suppression", body: "SuppressionLift", status: 204,
			about: "The address gets all mail again. Reports on messages from before that don't count any more."},
	}
}

// refusalKind is a problem that the API answers.
type refusalKind struct {
	status int
	about  string
}

// refusals are all problems, by their code; docs/api.md has the same table.
var refusals = map[string]refusalKind{
	"invalid_json":           {400, "The body is no JSON, or goes on after its object."},
	"not_an_object":          {400, "The body is JSON, but no object."},
	"malformed":              {400, "The address has bytes that are no text, or If-Match is empty."},
	"unauthorized":           {401, "There is no key, or it is unknown or was revoked."},
	"key_expired":            {401, "The key's time is over."},
	"missing_scope":          {403, "The key lacks the scope that detail names."},
	"platform_key_required":  {403, "Only platform keys may do this."},
	"not_found":              {404, "There is no such thing, or it is another organization's."},
	"request_timeout":        {408, "The request took longer than 30 s to arrive, or its body came too slowly."},
	"idempotency_conflict":   {409, "The Idempotency-Key was used with another body."},
	"in_flight":              {409, "An attempt of the delivery is under way."},
	"endpoint_deleted":       {409, "The endpoint was deleted."},
	"ended":                  {409, "It has ended, so nothing is left to cancel."},
	"recovery_running":       {409, "A recovery of the endpoint is under way."},
	"test_delivery":          {409, "A test event is sent once."},
	"edited_meanwhile":       {409, "The endpoint was edited at the same moment, several times."},
	"external_id_taken":      {409, "Another organization has this external id."},
	"taken":                  {409, "Another organization has, or had, this slug."},
	"too_many_endpoints":     {409, "The organization has as many endpoints as it may have."},
	"too_many_secrets":       {409, "5 secrets of the endpoint are in force."},
	"endpoint_unusable":      {409, "The endpoint's secret can't be opened with the server's key."},
	"too_many_sources":       {409, "There are as many sources as there may be."},
	"source_disabled":        {409, "The source is paused."},
	"source_unusable":        {409, "The source's provider or scheme isn't known to this version."},
	"no_secret":              {409, "The source has no secret to sign a sample with."},
	"sample_refused":         {409, "The source refused its own sample."},
	"replays_running":        {409, "As many replays run as may at once."},
	"refused":                {409, "A refused request can't be replayed. Accept it first."},
	"handshake":              {409, "A handshake becomes no event."},
	"body_dropped":           {409, "The request's body was dropped, so it can't be processed again."},
	"still_refused":          {409, "The request still doesn't verify; detail says why."},
	"not_whole":              {409, "Not all of the request was kept."},
	"accepted":               {409, "The request was accepted already."},
	"source_changed":         {409, "The source was changed at the same moment, or is paused."},
	"reference_taken":        {409, "Another organization has the reference."},
	"precondition_failed":    {412, "It was changed since: its ETag is none that If-Match names. Read it again."},
	"data_too_large":         {413, "The data has more than 256 KiB."},
	"batch_too_large":        {413, "The batch has more than 8 MiB."},
	"too_large":              {413, "The body is longer than any of this address."},
	"unsupported_media_type": {415, "The body is not JSON, or compressed."},
	"misdirected":            {421, "The server does not answer for this host name."},
	"invalid":                {422, "Something needs a change: errors says where."},
	"too_many_requests":      {429, "The key makes too many requests. Retry-After says when to come again."},
	"internal":               {500, "The fault is logged under requestId."},
	"server_busy":            {503, "The server has as many request bodies or answers in memory, or makes as many answers at once, as it may, over all or of you. Nothing was done. Send it again after Retry-After."},
	"preview_busy":           {503, "Other previews are under way. Send it again after Retry-After."},
	"stopping":               {503, "The server is stopping. Send it again after Retry-After."},
	"database_away":          {503, "The database can’t be reached. Send it again after Retry-After."},
	"database_busy":          {503, "The database has no connection free. Send it again after Retry-After."},
	"timeout":                {503, "The database is too slow. Send it again after Retry-After."},
	"storage_full":           {503, "The database has no room left. Send it again after Retry-After."},
	"storage_read_only":      {503, "The database takes no changes at present. Send it again after Retry-After."},
}
