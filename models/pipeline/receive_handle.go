package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"hookwell/inbound"
	"hookwell/models"
	"hookwell/models/database"
)

// Handled is what became of a request whose body was read.
type Handled struct {
	Response  inbound.Response
	State     inbound.State // "" for a handshake
	Cause     inbound.Cause // of a refused one
	RequestID string        // "" for a refused one and a handshake
	Duplicate bool
	Handshake bool
}

// Handle answers a handshake, or checks a request and commits it. What it refuses
// is kept within bounds. What s, which may come from memory, would refuse is judged by
// the source as it is now. It fails if the request could not be committed: then
// nothing is kept, and the provider repeats it. Test marks a sample of ours.
func (p *Engine) Handle(ctx context.Context, s *OpenSource, request *inbound.Request, query string, test bool) (Handled, error) {
	current := false // whether s was read after the request had come
	for range receiveTries {
		h, err := p.handle(ctx, s, request, query, test, current)
		if !errors.Is(err, ErrSourceChanged) {
			return h, err
		}
		if s, err = p.Current(ctx, s); err != nil {
			return Handled{}, err
		}
		current = true
		if !s.Enabled() {
			return p.RefuseEarly(ctx, s, request, inbound.CauseSourceDisabled, query, 0), nil
		}
	}
	return Handled{}, &models.Error{Kind: models.Unavailable, Code: "source_changing", Message: "The source is being changed. Send the request again in a moment."}
}

// receiveTries is how often a request is checked whose source is changed meanwhile.
const receiveTries = 3

func (p *Engine) handle(ctx context.Context, s *OpenSource, request *inbound.Request, query string, test, current bool) (Handled, error) {
	if s.Verifier != nil && !test {
		if response, ok := s.Verifier.Handshake(request, s.Secrets); ok {
			if err := p.stillStands(ctx, s, current || response.Status < 400); err != nil {
				return Handled{}, err
			}
			return p.handshake(ctx, s, request, query, response)
		}
	}
	v := s.Verify(request)
	if v.State == inbound.Refused {
		if err := p.stillStands(ctx, s, current); err != nil {
			return Handled{}, err
		}
		status := 401
		if s.Verifier != nil && s.Verifier.Provider().Refusal != 0 {
			status = s.Verifier.Provider().Refusal
		}
		p.Refuse(ctx, s, request, v, query, status, len(request.Body))
		return Handled{State: v.State, Cause: v.Cause, Response: RefusalResponse(v.Cause, status)}, nil
	}
	response := s.success()
	receipt, err := p.Receive(ctx, &Arrival{Source: s, Request: request, Verification: v, Query: query, StatusCode: response.Status, Test: test})
	if err != nil {
		return Handled{}, err
	}
	return Handled{State: v.State, Response: response, RequestID: receipt.RequestID, Duplicate: receipt.Duplicate != ""}, nil
}

// stillStands fails with ErrSourceChanged if a source isn't as the database has it now.
// It asks nothing if that is known already.
func (p *Engine) stillStands(ctx context.Context, s *OpenSource, known bool) error {
	if known {
		return nil
	}
	now, err := p.Current(ctx, s)
	if err == nil && now.Revision != s.Revision {
		return ErrSourceChanged
	}
	return err
}

// RefuseEarly refuses a request whose body wasn't read, or not to its end.
func (p *Engine) RefuseEarly(ctx context.Context, s *OpenSource, request *inbound.Request, cause inbound.Cause, query string, length int) Handled {
	response := RefusalResponse(cause, 0)
	p.Refuse(ctx, s, request, inbound.Verification{State: inbound.Refused, Cause: cause, Secret: -1}, query, response.Status, length)
	return Handled{State: inbound.Refused, Cause: cause, Response: response}
}

// RefusalResponse is what a refused request is answered. A status other than 0 is
// the one that the provider asks for.
func RefusalResponse(cause inbound.Cause, status int) inbound.Response {
	told, usual := "The signature is wrong or missing.", 401
	switch cause {
	case inbound.CauseSourceDisabled:
		told, usual = "The source is paused.", 429
	case inbound.CauseMethod:
		told, usual = "This method isn’t taken here.", 405
	case inbound.CauseAddress:
		told, usual = "Requests from this address aren’t taken.", 403
	case inbound.CauseRate:
		told, usual = "Too many requests.", 429
	case inbound.CauseTooLarge:
		told, usual = "The body is too large.", 413
	case inbound.CauseLoop:
		told, usual = "This request was sent by Hookwell itself, after it had come in here.", 409
	case inbound.CauseTooOld, inbound.CauseTooNew:
		told = "The signature’s time is too far off."
	}
	if status == 0 {
		status = usual
	}
	return inbound.Response{Status: status, ContentType: "text/plain; charset=utf-8", Body: []byte(told + "\n")}
}

// success is what an accepted request and a duplicate are answered.
func (s *OpenSource) success() inbound.Response {
	if own := s.Response; own.Status != 0 {
		return inbound.Response{Status: own.Status, ContentType: own.MediaType, Body: []byte(own.Body)}
	}
	answer := inbound.Answer{Status: 200}
	if s.Verifier != nil && s.Verifier.Provider().Success.Status != 0 {
		answer = s.Verifier.Provider().Success
	}
	return inbound.Response{Status: answer.Status, ContentType: answer.ContentType, Body: []byte(answer.Body)}
}

// handshakes count the handshakes that this process took within a minute, by source.
// Those that were refused have a count of their own: who knows only the URL can't use
// up what the provider needs.
type handshakes struct {
	mu     sync.Mutex
	minute int64
	counts map[handshakeKind]int
}

type handshakeKind struct {
	sourceID string
	refused  bool
}

func (h *handshakes) allow(kind handshakeKind, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if minute := now.Unix() / 60; minute != h.minute || h.counts == nil {
		h.minute, h.counts = minute, map[handshakeKind]int{}
	}
	h.counts[kind]++
	return h.counts[kind] <= inbound.HandshakesPerMinute
}

// handshake keeps a handshake on record and answers it.
func (p *Engine) handshake(ctx context.Context, s *OpenSource, request *inbound.Request, query string, response *inbound.Response) (Handled, error) {
	if !p.handshakes.allow(handshakeKind{s.ID, response.Status >= 400}, p.clock.Now()) {
		return p.RefuseEarly(ctx, s, request, inbound.CauseRate, query, len(request.Body)), nil
	}
	row := requestRow(s, request, query)
	row.ID = p.clock.NewID(models.PrefixRequest, request.ReceivedAt)
	row.State, row.StatusCode, row.Checked = inbound.Unverified, response.Status, "A handshake: the provider asked whether the URL is ours."
	row.Processing, row.Reason = models.ProcessingIgnored, models.ReasonHandshake
	err := p.db.Transaction(ctx, func(tx *database.Tx) error {
		return database.InsertAll(p.db.Dialect, tx.DB, []*models.Request{row}, database.RefuseTaken)
	})
	if err != nil {
		return Handled{}, fmt.Errorf("recording a handshake: %w", err)
	}
	p.showRequests([]requestWork{{RequestID: row.ID, OrganizationID: row.OrganizationID, SourceID: row.SourceID}})
	return Handled{Response: *response, Handshake: true, State: inbound.Unverified}, nil
}

// hopHeader is on what is sent of a source's requests. A source refuses what
// carries this installation's own: it would go round for ever.
const hopHeader = "x-webhook-hop"

// hop returns what this installation's deliveries are known by.
func (p *Engine) hop(ctx context.Context) (string, error) {
	p.hopOnce.Lock()
	defer p.hopOnce.Unlock()
	if p.hopText == "" {
		id, err := p.db.InstallationID(ctx)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256([]byte("hop " + id))
		p.hopText = hex.EncodeToString(sum[:12])
	}
	return p.hopText, nil
}

// CameFromHere reports whether a request was sent by this installation, of what
// one of its sources had taken in.
func (p *Engine) CameFromHere(ctx context.Context, headers []inbound.Header) (bool, error) {
	for _, h := range headers {
		if strings.EqualFold(h.Name, hopHeader) {
			own, err := p.hop(ctx)
			return err == nil && h.Value == own, err
		}
	}
	return false, nil
}

// AcceptRefused verifies a refused request again, with the secrets of today and its
// age as of its receipt, and takes it in if it passes. url is the source's. What is
// not whole, and what doesn't pass, is a Conflict.
func (p *Engine) AcceptRefused(tx *database.Tx, s *OpenSource, refused *models.RefusedRequest, url string) (Receipt, error) {
	if refused.Cause != inbound.CauseSignature || refused.Cut() {
		return Receipt{}, models.NewConflict("not_whole", "Not all of this request was kept, so it can’t be verified again.")
	}
	a, v := p.again(s, refused, url)
	if v.State == inbound.Refused {
		return Receipt{}, &models.Error{Kind: models.Conflict, Code: "still_refused", Message: "The request doesn’t pass: " + refusedAgain(s, a.Request, v) + " Nothing was changed."}
	}
	if err := p.takeBack(tx, []*Arrival{a}); err != nil {
		return Receipt{}, err
	}
	if a.err != nil {
		return Receipt{}, models.NewConflict("source_changed", "The source was changed at the same moment, or is paused. Try again.")
	}
	return a.receipt, nil
}

// refusedAgain says why a request doesn't pass.
func refusedAgain(s *OpenSource, request *inbound.Request, v inbound.Verification) string {
	if s.Verifier != nil {
		if text := s.Verifier.Diagnose(request, s.Secrets, s.Earlier).Text; text != "" {
			return text
		}
	}
	return string(v.Cause) + "."
}

// TrySecrets tries the source's secrets on a refused request that is kept whole, and
// says what most likely happened to it: as it was found before, unless it is known
// better now. It sets the request's Secrets, Diagnosis and DiagnosisText.
func (s *OpenSource) TrySecrets(refused *models.RefusedRequest, url string) {
	tried := &models.SecretsTried{InForce: len(s.Secrets), Ended: len(s.Earlier)}
	refused.Secrets = tried
	if s.Verifier == nil || refused.Cut() {
		return
	}
	if refused.Query != "" {
		url += "?" + refused.Query
	}
	request := keptRequest(&refused.Request, url)
	switch v := s.Verify(request); {
	case v.State != inbound.Refused:
		tried.Passes = true
		return
	case v.Cause != inbound.CauseSignature: // a masked credential can't be tried again
		return
	}
	if fitting := s.Verifier.Verify(request, s.Earlier); len(s.Earlier) > 0 && fitting.Secret >= 0 {
		tried.Fits = s.earlier[fitting.Secret]
		refused.Diagnosis = ""
	}
	if refused.Diagnosis == "" {
		found := s.Verifier.Diagnose(request, s.Secrets, s.Earlier)
		refused.Diagnosis, refused.DiagnosisText = found.Reason, found.Text
	}
}

// Diagnose says what most likely happened to a refused request of which the whole body
// is kept. It returns the zero Diagnosis if the source, as it is now, doesn't refuse
// the request for the same cause.
func (s *OpenSource) Diagnose(refused *models.RefusedRequest, url string) inbound.Diagnosis {
	if s.Verifier == nil || refused.Cut() || refused.BodyDroppedAt != nil {
		return inbound.Diagnosis{}
	}
	if refused.Query != "" {
		url += "?" + refused.Query
	}
	request := keptRequest(&refused.Request, url)
	if s.Verify(request).Cause != refused.Cause {
		return inbound.Diagnosis{}
	}
	return s.Verifier.Diagnose(request, s.Secrets, s.Earlier)
}
