package faults

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"hookwell/client"
)

// The statements by which the transactions of receiving are known.
var (
	receiveStatement = regexp.MustCompile(`(?i)(into|copy)\s+"?requests"?[\s(]`)
	processStatement = regexp.MustCompile(`(?i)(into|copy)\s+"?request_events"?[\s(]`)
)

// killReceiving kills the server when a transaction with requests is committed and
// none of their providers knows it.
func killReceiving(ctx context.Context, s *site) error {
	victim, err := s.serve(s.proxied, "--no-workers")
	if err != nil {
		return err
	}
	if _, err := s.work(s.direct); err != nil {
		return err
	}
	p, err := s.receive(ctx)
	if err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	h := s.postgresProxy.stop(receiveStatement, true)
	select {
	case <-h.caught:
	case <-time.After(lookLimit):
		return errNotSeen
	}
	victim.Kill()
	s.postgresProxy.release(h)
	p.mu.Lock()
	known := len(p.answered)
	p.mu.Unlock()
	rows, err := query(ctx, s, pgx.RowTo[int], "SELECT count(*) FROM requests")
	if err != nil {
		return err
	}
	if rows[0] <= known {
		s.wrong("the moment was not met: %d requests are on record, and %d were answered", rows[0], known)
	}
	s.note("%d requests committed and not answered", rows[0]-known)
	if _, err := s.serve(s.direct, "--no-workers"); err != nil {
		return err
	}
	return coolDown(ctx, s)
}

// killProcessing kills the worker that turns requests into events, before that is
// committed, and its successor after it is, when it doesn't know yet.
func killProcessing(ctx context.Context, s *site) error {
	if _, err := s.serve(s.direct, "--no-workers"); err != nil {
		return err
	}
	victim, err := s.work(s.proxied)
	if err != nil {
		return err
	}
	if _, err := s.receive(ctx); err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	for _, committed := range []bool{false, true} {
		h := s.postgresProxy.stop(processStatement, committed)
		select {
		case <-h.caught:
		case <-time.After(lookLimit):
			return errNotSeen
		}
		victim.Kill()
		s.postgresProxy.release(h)
		if _, err := s.excuse(ctx); err != nil {
			return err
		}
		if victim, err = s.work(s.proxied); err != nil {
			return err
		}
		if err := s.load.more(ctx, warm/2); err != nil {
			return err
		}
	}
	return coolDown(ctx, s)
}

// receiveWithoutRedis takes Redis away while requests come to a source.
func receiveWithoutRedis(ctx context.Context, s *site) error {
	if _, err := s.serve(s.direct); err != nil {
		return err
	}
	if _, err := s.receive(ctx); err != nil {
		return err
	}
	return withoutRedisBeside(10*time.Second, 3*time.Second, stopRedis, startRedis)(ctx, s)
}

// repeatAtOnce sends every request eight times at once.
func repeatAtOnce(ctx context.Context, s *site) error {
	if _, err := s.serve(s.direct); err != nil {
		return err
	}
	p, err := s.receive(ctx)
	if err != nil {
		return err
	}
	p.copies = 8
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	return coolDown(ctx, s)
}

// mappingFails has a mapping that fits most requests and fails for every third one.
// Those are parked; the mapping is corrected, and they are replayed.
func mappingFails(ctx context.Context, s *site) error {
	if _, err := s.serve(s.direct); err != nil {
		return err
	}
	p, err := s.receive(ctx)
	if err != nil {
		return err
	}
	p.spoils = func(n int) bool { return n%3 == 1 }
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	if err := coolDown(ctx, s); err != nil {
		return err
	}
	if err := until(ctx, "requests processed", func() (bool, error) {
		left, err := query(ctx, s, pgx.RowTo[int], "SELECT count(*) FROM request_work")
		return err == nil && left[0] == 0, err
	}); err != nil {
		return err
	}
	parked, err := query(ctx, s, pgx.RowTo[string], "SELECT external_id FROM requests WHERE processing = 'failed' AND reason = 'mapping_failed' AND error <> ''")
	if err != nil {
		return err
	}
	want := 0
	for id := range p.answered {
		var n int
		if _, err := fmt.Sscanf(id, "evt_%d", &n); err == nil && p.spoils(n) {
			want++
		}
	}
	if len(parked) != want || want == 0 {
		s.wrong("%d requests are parked because their mapping failed; want %d", len(parked), want)
	}
	s.note("%d requests parked, then replayed", len(parked))
	if _, err := s.api().UpdateSource(ctx, p.source.ID, client.SourceSettings{Mappings: mapping("$.data.amount", "$.data.cents")}); err != nil {
		return err
	}
	replay, err := s.api().ReplayRequests(ctx, client.NewReplay{SourceID: p.source.ID, Processing: []string{"failed"}, PerSecond: 100})
	if err != nil {
		return err
	}
	return until(ctx, "the replay", func() (bool, error) {
		now, err := s.api().Replay(ctx, replay.ID)
		return err == nil && now.State == "done", err
	})
}

// What a flood is made of: waves from so many networks each, which send no more than
// one may have refused before it is only counted.
const (
	floodWaves    = 3
	floodNetworks = 10
	floodEach     = 120
	floodBody     = 32 << 10 // bytes: the ring's 32 MiB are full before its 1,000 requests are
	ringRequests  = 1000
	ringBytes     = 32 << 20
)

// flood sends a source what doesn't verify, from many networks, beside what does. The
// database may grow by the ring of refused requests and by nothing else.
func flood(ctx context.Context, s *site) error {
	if _, err := s.serve(s.direct); err != nil {
		return err
	}
	p, err := s.receive(ctx)
	if err != nil {
		return err
	}
	if err := warmUp(ctx, s); err != nil {
		return err
	}
	var sizes []int64
	for wave := range floodWaves {
		if err := p.flood(ctx, wave); err != nil {
			return err
		}
		size, err := s.ring(ctx)
		if err != nil {
			return err
		}
		sizes = append(sizes, size)
	}
	if err := coolDown(ctx, s); err != nil {
		return err
	}
	s.note("the ring's table has %d, %d and %d MiB after the waves", sizes[0]>>20, sizes[1]>>20, sizes[2]>>20)
	// A wave writes more than the ring holds. The second one needs room beside what is
	// in the ring; from then on what a vacuum frees is enough.
	if sizes[2] > sizes[1]+sizes[1]/10 {
		s.wrong("the table of refused requests grew from %d to %d bytes by a third wave", sizes[1], sizes[2])
	}
	counted, err := query(ctx, s, pgx.RowTo[int], "SELECT coalesce(sum(count), 0)::bigint FROM refused_counts")
	if err != nil {
		return err
	}
	if want := floodWaves * floodNetworks * floodEach; counted[0] != want {
		s.wrong("%d refused requests are counted, want %d", counted[0], want)
	}
	return nil
}

func (p *provider) flood(ctx context.Context, wave int) error {
	random := make([]byte, floodBody/2)
	rand.Read(random) // so that the database can't compress it
	padding := hex.EncodeToString(random)
	refused := make([]error, floodNetworks)
	var sending sync.WaitGroup
	for network := range floodNetworks {
		by := from(net.IPv4(127, 0, byte(wave+1), byte(network+2)))
		sending.Go(func() {
			defer by.CloseIdleConnections()
			for n := range floodEach {
				body := fmt.Appendf(nil, `{"id":"evt_%d","type":"payment.failed","data":{"padding":"%d %s"}}`, n, n, padding)
				status, err := p.send(ctx, by, body, "whsec_of_somebody_else_entirely")
				if err == nil && status != http.StatusUnauthorized {
					err = fmt.Errorf("a request that doesn't verify was answered %d, want 401", status)
				}
				if err != nil {
					refused[network] = err
					return
				}
			}
		})
	}
	sending.Wait()
	return errors.Join(refused...)
}

// ring checks the bounds of what is kept of refused requests, and that a flood left
// nothing elsewhere, and returns how large their table is once its dead rows are
// free.
func (s *site) ring(ctx context.Context) (size int64, err error) {
	type kept struct{ Rows, Bytes, Networks, Forged int }
	found, err := query(ctx, s, pgx.RowToStructByPos[kept], `SELECT count(*), coalesce(sum(size), 0)::bigint, count(DISTINCT share),
		(SELECT count(*) FROM requests WHERE state <> 'verified' OR body LIKE '%padding%'::bytea) FROM refused_requests`)
	if err != nil {
		return 0, err
	}
	k := found[0]
	s.note("%d refused requests of %d networks with %d MiB kept", k.Rows, k.Networks, k.Bytes>>20)
	if k.Rows == 0 || k.Rows > ringRequests || k.Bytes > ringBytes || k.Networks < floodNetworks {
		s.wrong("%d refused requests of %d networks with %d bytes are kept; want at most %d with %d, and some of each of %d", k.Rows, k.Networks, k.Bytes, ringRequests, ringBytes, floodNetworks)
	}
	if k.Forged > 0 {
		s.wrong("%d requests of the flood are on record as received", k.Forged)
	}
	conn, err := pgx.Connect(ctx, s.postgres.URL())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err = conn.Exec(ctx, "VACUUM refused_requests"); err != nil {
		return 0, err
	}
	return size, conn.QueryRow(ctx, "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relname = 'refused_requests' OR i.inhparent = 'refused_requests'::regclass").Scan(&size)
}
