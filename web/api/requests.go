package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/store"
)

// receivedAnswer is a request that came to a source, as lists have it.
type receivedAnswer struct {
	ID             string        `json:"id" jsonschema:"The request's id."`
	SourceID       string        `json:"sourceId" jsonschema:"Its source."`
	OrganizationID *string       `json:"organizationId" jsonschema:"Whose source that is; null for one of the installation."`
	State          inbound.State `json:"state" jsonschema:"What could be proven of it."`
	Cause          *string       `json:"cause" jsonschema:"Why it was refused; null if it wasn't."`
	Diagnosis      *string       `json:"diagnosis" jsonschema:"What most likely happened to a refused one: a word of the list in the docs; null if nothing is known."`
	DiagnosisText  *string       `json:"diagnosisText" jsonschema:"The diagnosis for people, with what to do; null if there is none."`
	ExternalID     *string       `json:"externalId" jsonschema:"The provider's id; null if it has none."`
	ExternalType   *string       `json:"externalType" jsonschema:"The provider's type; null if it has none."`
	ExternalTime   *stamp        `json:"externalTime" jsonschema:"The provider's time; null if it gives none."`
	Test           bool          `json:"test" jsonschema:"Whether it is a sample, or from the provider's test mode."`
	Duplicates     int           `json:"duplicates" jsonschema:"How often it came again."`
	Processing     *string       `json:"processing" jsonschema:"How far it is on its way to its events; null for a refused one."`
	Reason         *string       `json:"reason" jsonschema:"Why it became no event of the catalog, or not all; null if it did, or if its source maps nothing. A request that is passed on as it was received has one too: filtered, unmapped, not_json, unverified or repeated."`
	Mappings       []string      `json:"reasonMappings" jsonschema:"The mappings that reason is about: those whose conditions are false, or that failed, or whose event another request had become before."`
	Error          *string       `json:"error" jsonschema:"What failed, for people; null if nothing did."`
	EventIDs       []string      `json:"eventIds" jsonschema:"The events that it became."`
	ReceivedAt     stamp         `json:"receivedAt" jsonschema:"When it came."`
	AcceptedAt     *stamp        `json:"acceptedAt" jsonschema:"When it was accepted by hand; null if it wasn't."`
	UnchangedAt    *stamp        `json:"unchangedAt" jsonschema:"When it was last processed, if that was a replay of which nothing new came; null otherwise."`
	RemoteAddress  string        `json:"remoteAddress" jsonschema:"Where it came from."`
	StatusCode     int           `json:"statusCode" jsonschema:"What Hookwell answered."`
}

// receivedAlone is one request with all that is kept of it.
type receivedAlone struct {
	receivedAnswer
	Method       string           `json:"method" jsonschema:"Its method."`
	Query        string           `json:"query" jsonschema:"Its query, with credentials masked."`
	Checked      string           `json:"checked" jsonschema:"What was checked, for people."`
	Headers      []receivedHeader `json:"headers" jsonschema:"Its headers in the order in which they came, with credentials masked."`
	Body         string           `json:"body" jsonschema:"What is kept of its body."`
	BodyEncoding string           `json:"bodyEncoding" jsonschema:"How body is written: utf-8 or base64."`
	BodyBytes    int              `json:"bodyBytes" jsonschema:"How long the body was. More than body has, if that was cut."`
	BodyDropped  *stamp           `json:"bodyDroppedAt" jsonschema:"When body, headers and query were dropped, as its source keeps them for a shorter time; null if they weren't."`
}

type receivedHeader struct {
	Name  string `json:"name" jsonschema:"Its name."`
	Value string `json:"value" jsonschema:"Its value."`
}

func shapeReceived(q *models.Request) receivedAnswer {
	shape := receivedAnswer{ID: q.ID, SourceID: q.SourceID, OrganizationID: textOrNull(q.OrganizationID), State: q.State, Diagnosis: textOrNull(string(q.Diagnosis)), DiagnosisText: textOrNull(q.DiagnosisText),
		ExternalID: textOrNull(q.ExternalID), ExternalType: textOrNull(q.ExternalType), ExternalTime: stampOrNull(q.ExternalTime), Test: q.Test, Duplicates: q.Duplicates,
		Reason: textOrNull(q.Reason), Mappings: q.Mappings(), UnchangedAt: stampOrNull(q.UnchangedAt), Error: textOrNull(q.Error), EventIDs: make([]string, len(q.Events)), ReceivedAt: stamp(q.ReceivedAt), AcceptedAt: stampOrNull(q.AcceptedAt),
		RemoteAddress: q.RemoteAddress, StatusCode: q.StatusCode}
	shape.Cause, shape.Processing = textOrNull(string(q.Cause)), textOrNull(string(q.Processing))
	for i, e := range q.Events {
		shape.EventIDs[i] = e.EventID
	}
	return shape
}

func shapeRequestAlone(q *models.Request) receivedAlone {
	shape := receivedAlone{receivedAnswer: shapeReceived(q), Method: q.Method, Query: q.Query, Checked: q.Checked, Headers: make([]receivedHeader, len(q.Headers)),
		BodyBytes: q.BodyBytes, BodyDropped: stampOrNull(q.BodyDroppedAt)}
	shape.Body, shape.BodyEncoding = bodyText(q.Body)
	for i, h := range q.Headers {
		shape.Headers[i] = receivedHeader{h.Name, h.Value}
	}
	return shape
}

// bodyText writes bytes as text, and says how.
func bodyText(body []byte) (text, encoding string) {
	if utf8.Valid(body) {
		return string(body), "utf-8"
	}
	return base64.StdEncoding.EncodeToString(body), "base64"
}

// requestChoices reads a parameter that names some of a few words.
func requestChoices[T ~string](q *queryReader, name string, known []T) []T {
	var chosen []T
	for _, word := range q.list(name) {
		if !slices.Contains(known, T(word)) {
			q.fault(name, fmt.Sprintf("Choose from %v.", known))
			return nil
		}
		if !slices.Contains(chosen, T(word)) {
			chosen = append(chosen, T(word))
		}
	}
	return chosen
}

// requestFilter reads the parameters of a list of requests.
func (q *queryReader) requestFilter() models.RequestFilter {
	f := models.RequestFilter{SourceID: q.id("sourceId", models.PrefixSource), States: requestChoices(q, "state", models.RequestStates()),
		Causes: requestChoices(q, "cause", inbound.Causes()), Processing: requestChoices(q, "processing", models.Processings()),
		ExternalID: q.call.Query("externalId"), ExternalTypes: q.list("externalType"), Since: q.time("since"), Until: q.time("until")}
	if !searchable(f.ExternalID) {
		q.fault("externalId", "This has characters that no id has.")
	}
	checkExternalTypes(f.ExternalTypes, q.fault)
	return f
}

// checkExternalTypes refuses types that no provider's request has.
func checkExternalTypes(types []string, fault func(name, message string)) {
	if len(types) > maxChoices || slices.ContainsFunc(types, func(t string) bool { return !searchable(t) || len(t) > inbound.MaxExternalID }) {
		fault("externalType", fmt.Sprintf("Name at most %d of the provider’s types, or prefixes such as invoice.*", maxChoices))
	}
}

func (a *API) requestList(c *call) error {
	r, err := c.receiving()
	if err != nil {
		return err
	}
	q := c.query()
	filter, page := q.requestFilter(), q.page()
	if err := q.err(); err != nil {
		return err
	}
	rows, next, err := r.Requests(c.UserContext(), filter, page)
	if err != nil {
		return err
	}
	return answerList(c, rows, next, shapeReceived)
}

func (c *call) requestID() (string, error) { return c.id(models.PrefixRequest, "request") }

func (a *API) requestRead(c *call) error {
	r, err := c.receiving()
	if err != nil {
		return err
	}
	id, err := c.requestID()
	if err != nil {
		return err
	}
	q, err := r.Request(c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, shapeRequestAlone(q))
}

// forceBody says whether events are made again that were made before.
type forceBody struct {
	Force bool `json:"force"`
	ofOrganization
}

func (a *API) requestReplay(c *call) error {
	var b forceBody
	r, err := c.receivingInput(&b, true)
	if err != nil {
		return err
	}
	id, err := c.requestID()
	if err != nil {
		return err
	}
	q, err := r.ReplayRequest(c.UserContext(), id, b.Force)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusAccepted, shapeRequestAlone(q))
}

func (a *API) requestAccept(c *call) error {
	r, err := c.receivingInput(&ofOrganization{}, true)
	if err != nil {
		return err
	}
	id, err := c.requestID()
	if err != nil {
		return err
	}
	q, err := r.AcceptRequest(c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, shapeRequestAlone(q))
}

// replayBody chooses requests to process again.
type replayBody struct {
	SourceID      filledText `json:"sourceId"`
	Processing    []string   `json:"processing"`
	ExternalTypes []string   `json:"externalTypes"`
	Since         time.Time  `json:"since"`
	Until         time.Time  `json:"until"`
	PerSecond     int        `json:"perSecond"`
	Force         bool       `json:"force"`
	ofOrganization
}

// replayAnswer is a replay of many requests.
type replayAnswer struct {
	ID        string               `json:"id" jsonschema:"The replay's id."`
	State     models.RecoveryState `json:"state" jsonschema:"How it stands."`
	Count     int                  `json:"count" jsonschema:"How many requests matched when it began."`
	Queued    int                  `json:"queued" jsonschema:"How many were handed to processing."`
	PerSecond int                  `json:"perSecond" jsonschema:"At most how many a second."`
	Force     bool                 `json:"force" jsonschema:"Whether events are made again that were made before."`
	CreatedAt stamp                `json:"createdAt" jsonschema:"When it began."`
	EndedAt   *stamp               `json:"endedAt" jsonschema:"When it ended; null while it runs."`
}

func shapeReplay(r *models.RequestReplay) replayAnswer {
	return replayAnswer{ID: r.ID, State: r.State, Count: r.Total, Queued: r.Queued, PerSecond: r.PerSecond, Force: r.Forced, CreatedAt: stamp(r.CreatedAt), EndedAt: stampOrNull(r.EndedAt)}
}

func (a *API) requestsReplay(c *call) error {
	var b replayBody
	r, err := c.receivingInput(&b, false)
	if err != nil {
		return err
	}
	filter := models.RequestFilter{SourceID: string(b.SourceID), ExternalTypes: b.ExternalTypes, Since: b.Since, Until: b.Until}
	for _, word := range b.Processing {
		if !slices.Contains(models.Processings(), models.Processing(word)) {
			return models.InvalidField("processing", fmt.Sprintf("Choose from %v.", models.Processings()))
		}
		filter.Processing = append(filter.Processing, models.Processing(word))
	}
	if filter.SourceID != "" && !idShaped(models.PrefixSource, filter.SourceID) {
		return models.InvalidField("sourceId", "An id begins with "+models.PrefixSource+" here.")
	}
	var refused error
	checkExternalTypes(filter.ExternalTypes, func(_, message string) { refused = models.InvalidField("externalTypes", message) })
	if refused != nil {
		return refused
	}
	replay, err := r.ReplayRequests(c.UserContext(), filter, b.PerSecond, b.Force)
	if err != nil {
		return err
	}
	c.Location(Path + "/replays/" + replay.ID)
	return c.answer(fiber.StatusAccepted, shapeReplay(replay))
}

func (a *API) replayRead(c *call) error { return c.replay((*store.Receiving).Replay) }

func (a *API) replayCancel(c *call) error { return c.replay((*store.Receiving).CancelReplay) }

// replay answers the replay of the path after what was done with it.
func (c *call) replay(act func(*store.Receiving, context.Context, string) (*models.RequestReplay, error)) error {
	r, err := c.receivingInput(&ofOrganization{}, true)
	if err != nil {
		return err
	}
	id, err := c.id(models.PrefixReplay, "replay")
	if err != nil {
		return err
	}
	replay, err := act(r, c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.answer(fiber.StatusOK, shapeReplay(replay))
}
