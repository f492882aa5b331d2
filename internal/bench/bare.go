package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// bare is the least that a program can do which keeps its events: it takes one
// by HTTP, commits one row, answers, signs, and posts to one endpoint. It checks
// nothing, records no outcome and tries nothing again.
type bare struct {
	settings Bare
	db       *sql.DB
	signer   *standardwebhooks.Webhook
	client   *http.Client
	server   *http.Server
	due      chan *plainMessage
	sending  sync.WaitGroup
}

// Bare is what the bare program is given.
type Bare struct {
	Database  string
	URL       string // of the endpoint
	Secret    string
	Exchanges int // at once
}

const (
	bareConnections = 20     // to Postgres, as many as Hookwell opens at most
	bareWaiting     = 100000 // events in memory; more keep their reports waiting
	bareTable       = "CREATE TABLE bare_events (id text PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), body bytea NOT NULL)"
	bareInsert      = "INSERT INTO bare_events (id, body) VALUES ($1, $2)"
)

// Start lets it serve, and returns where.
func (p *bare) Start(settings Bare, address *string) (err error) {
	p.settings = settings
	if p.db, err = openPostgres(settings.Database); err != nil {
		return err
	}
	p.db.SetMaxOpenConns(bareConnections)
	p.db.SetMaxIdleConns(bareConnections)
	if p.signer, err = standardwebhooks.NewWebhook(settings.Secret); err != nil {
		return fmt.Errorf("reading the secret: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.client = plainClient(settings.Exchanges)
	p.due = make(chan *plainMessage, bareWaiting)
	for range settings.Exchanges {
		p.sending.Go(p.send)
	}
	p.server = &http.Server{Handler: p}
	go p.server.Serve(listener)
	*address = listener.Addr().String()
	return nil
}

func (p *bare) close() error {
	if p.server == nil {
		return nil
	}
	err := p.server.Close()
	close(p.due)
	p.sending.Wait()
	return errors.Join(err, p.db.Close())
}

// ServeHTTP takes one event.
func (p *bare) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var event struct {
		Type           string          `json:"type"`
		OrganizationID string          `json:"organizationId"`
		Data           json.RawMessage `json:"data"`
	}
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = json.Unmarshal(body, &event)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m := &plainMessage{id: "evt_" + rand.Text()}
	m.body = fmt.Appendf(nil, `{"id":"%s","type":"%s","timestamp":"%s","organizationId":"%s","data":%s}`, m.id, event.Type,
		time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), event.OrganizationID, event.Data)
	if _, err := p.db.ExecContext(request.Context(), bareInsert, m.id, m.body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	p.due <- m
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"id":"%s"}`, m.id)
}

// send posts events as they come. What fails is lost, and found by who checks
// what arrived.
func (p *bare) send() {
	for m := range p.due {
		now := time.Now()
		m.timestamp = strconv.FormatInt(now.Unix(), 10)
		var err error
		if m.signature, err = p.signer.Sign(m.id, now, m.body); err == nil {
			_ = m.post(p.client, p.settings.URL)
		}
	}
}

const bareFigure = "bare program, accepted and delivered"

func prepareBare(ctx context.Context, b *bench, _ *installation) (measure, error) {
	const database, path = "bench_bare", pathHealthy + "bare"
	trust := Trust{path, newSecret()}
	address, err := withPath(b.services.postgres.URL(), database)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(onDatabase(ctx, b.services.postgres.URL(), "CREATE DATABASE "+database), onDatabase(ctx, address, bareTable)); err != nil {
		return nil, err
	}
	if b.bare, err = startRole(bareRole); err != nil {
		return nil, err
	}
	var serves string
	if err := b.bare.call(ctx, "Start", Bare{address, "http://" + b.receiverAddress + path, trust.Secret, maxInFlight}, &serves); err != nil {
		return nil, err
	}
	s := &scenario{name: "bare", targets: []Target{{"org_bare", paymentFailed}}, paths: [][]string{{path}}, trusts: []Trust{trust}}
	return func(ctx context.Context, f *figures) error {
		used, err := b.bareTime()
		if err != nil {
			return err
		}
		load := b.load(b.Count)
		load.URL, load.Targets = "http://"+serves, s.targets
		arrivals, reported, err := b.beside(ctx, s, "Report", load)
		if err != nil {
			return err
		}
		now, err := b.bareTime()
		if err != nil {
			return err
		}
		rate := float64(len(arrivals)) / lastArrival(arrivals, reported).Seconds()
		f.add(bareFigure, perSecond, rate)
		if plain := f.value(plainFigure, b.round); plain > 0 {
			f.add(bareFigure+", ratio", ratio, rate/plain)
		}
		f.add("per delivery, bare program and its Postgres", cpuMillis, float64(now-used)/float64(time.Millisecond)/float64(len(arrivals)))
		return nil
	}, nil
}

// bareTime returns the processor time of the bare program and of Postgres so far.
func (b *bench) bareTime() (time.Duration, error) {
	return treeTime(b.bare.command.Process.Pid, b.services.postgres.PID())
}
