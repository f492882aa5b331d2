package faults

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"

	"hookwell/client"
	"hookwell/internal/program"
	"hookwell/internal/testenv"
)

// site is one installation with all that it needs, for one fault.
type site struct {
	Options
	postgres, redis           *testenv.Process
	postgresProxy, redisProxy *proxy
	direct, proxied           program.Installation
	receiver                  *receiving
	key, org                  string
	endpoints, secrets        map[string]string // by the hook's name
	load                      *load
	provider                  *provider // whose requests the load sends; nil where it reports to the API

	mu        sync.Mutex
	server    *program.Process
	processes []*program.Process
	excused   map[string]bool // deliveries that may arrive twice
	pastLease bool            // what is excused may be on record as delivered
	notes     []string
	faulty    []string // what the promise does not allow, beside the counts
}

// callLimit bounds one request to the API or to the receiver.
const callLimit = 20 * time.Second

// timeoutSeconds is the endpoints' timeout: a lease is it and a minute.
const timeoutSeconds = 3

func newSite(ctx context.Context, o Options, f Fault) (s *site, err error) {
	s = &site{Options: o, endpoints: map[string]string{}, secrets: map[string]string{}, excused: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.postgres, err = f.startPostgres(ctx); err != nil {
		return s, err
	}
	if s.redis, err = testenv.StartRedis(ctx); err != nil {
		return s, err
	}
	if s.postgresProxy, err = newProxy(s.postgres.URL(), postgres); err != nil {
		return s, err
	}
	if s.redisProxy, err = newProxy(s.redis.URL(), plain); err != nil {
		return s, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	base := program.Installation{Binary: o.Binary, Env: []string{"HOOKWELL_ADDR=127.0.0.1:0", "HOOKWELL_OPS_ADDR=off",
		"HOOKWELL_SECRET_KEY=" + base64.StdEncoding.EncodeToString(key), "HOOKWELL_ALLOW_NETWORKS=127.0.0.0/8", "HOOKWELL_LOG_LEVEL=warn"}}
	s.direct = base.With("DATABASE_URL="+s.postgres.URL(), "REDIS_URL="+s.redis.URL())
	s.proxied = base.With("DATABASE_URL="+s.postgresProxy.through(s.postgres.URL()), "REDIS_URL="+s.redisProxy.through(s.redis.URL()))
	out, err := s.direct.Run("", "platform-key", "create", "--name", "faults")
	if err != nil {
		return s, err
	}
	s.key = strings.TrimSpace(out)
	s.receiver, err = startReceiving(o.Receiver)
	return s, err
}

// startPostgres starts one whose commits survive a crash, as in production.
func (f Fault) startPostgres(ctx context.Context) (*testenv.Process, error) {
	settings := append(testenv.Durable(), f.postgres...)
	if f.off != 0 {
		return testenv.StartPostgresOff(ctx, f.off, settings...)
	}
	return testenv.StartPostgres(ctx, settings...)
}

// serve starts the server, by way of the proxies or not, and makes the
// organization and its endpoints when it is the first.
func (s *site) serve(in program.Installation, args ...string) (*program.Process, error) {
	p, err := s.start(in, append([]string{"serve"}, args...)...)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.server = p
	s.mu.Unlock()
	if s.org == "" {
		return p, s.found()
	}
	return p, nil
}

// work starts a process of workers alone.
func (s *site) work(in program.Installation) (*program.Process, error) { return s.start(in, "work") }

func (s *site) start(in program.Installation, args ...string) (*program.Process, error) {
	p, err := in.Start(args...)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.processes = append(s.processes, p)
	return p, nil
}

// url returns where the server is now.
func (s *site) url() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server.URL
}

// found makes an organization with three endpoints: one that takes everything,
// one that refuses the first attempt of each, and one that refuses all, so that
// some deliveries fail visibly.
func (s *site) found() error {
	org, err := s.api().CreateOrganization(context.Background(), client.NewOrganization{Name: "Acme"})
	if err != nil {
		return err
	}
	s.org = org.ID
	for name, b := range map[string]behaviour{
		"steady":   {First: http.StatusNoContent, Later: http.StatusNoContent},
		"flaky":    {First: http.StatusBadRequest, Later: http.StatusNoContent},
		"refusing": {First: http.StatusNotFound, Later: http.StatusNotFound},
	} {
		schedule := []int{0, 1, 1, 1, 1}
		if name == "refusing" {
			schedule = []int{0, 1}
		}
		if err := s.endpoint(name, b, client.EndpointSettings{Schedule: &client.Schedule{Seconds: schedule}}); err != nil {
			return err
		}
	}
	s.load = newLoad(s)
	return nil
}

// endpoint makes an endpoint whose hook has that name and behaves so.
func (s *site) endpoint(name string, b behaviour, settings client.EndpointSettings) error {
	settings.URL, settings.EventTypes, settings.TimeoutSeconds = new(s.receiver.url+"/hooks/"+name), []string{"*"}, new(timeoutSeconds)
	made, err := s.api().CreateEndpoint(context.Background(), settings)
	if err != nil {
		return err
	}
	s.endpoints[name], s.secrets[name] = made.ID, made.Secret
	b.Secret = made.Secret
	return s.receiver.behave(name, b)
}

// api returns the client of the server as it is now. It makes no call twice: whoever
// counts what was refused does that.
func (s *site) api() *client.Client {
	return &client.Client{URL: s.url(), Key: s.key, Organization: s.org, Timeout: callLimit}
}

// note keeps something measured beside the counts.
func (s *site) note(format string, arguments ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf(format, arguments...))
}

// wrong keeps something that the promise does not allow.
func (s *site) wrong(format string, arguments ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faulty = append(s.faulty, fmt.Sprintf(format, arguments...))
}

// close ends everything that was started.
func (s *site) close() error {
	if s.load != nil {
		s.load.abandon()
	}
	s.mu.Lock()
	processes := s.processes
	s.mu.Unlock()
	for _, p := range processes {
		p.Kill()
	}
	for _, p := range []*proxy{s.postgresProxy, s.redisProxy} {
		if p != nil {
			p.close()
		}
	}
	var errs []error
	for _, p := range []*testenv.Process{s.postgres, s.redis} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	if s.receiver != nil {
		errs = append(errs, s.receiver.close())
	}
	return errors.Join(errs...)
}

// receiving is the receiver's process, seen from here.
type receiving struct {
	url   string
	run   *exec.Cmd
	alive io.Closer
}

func startReceiving(command []string) (*receiving, error) {
	r := &receiving{run: exec.Command(command[0], command[1:]...)}
	in, err := r.run.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := r.run.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.run.Start(); err != nil {
		return nil, fmt.Errorf("starting the receiver: %w", err)
	}
	r.alive = in
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the receiver: %w", err), r.close())
	}
	r.url = strings.TrimSpace(line)
	return r, nil
}

func (r *receiving) close() error {
	return errors.Join(r.alive.Close(), r.run.Wait())
}

func (r *receiving) ask(method, path string, body, answer any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), callLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, r.url+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking the receiver: %w", err)
	}
	defer response.Body.Close()
	if answer == nil {
		io.Copy(io.Discard, response.Body) // so that the connection is kept
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("asking the receiver: %w", err)
	}
	return nil
}

func (r *receiving) behave(name string, b behaviour) error {
	return r.ask(http.MethodPut, "/behaviour/"+name, b, nil)
}

// hold keeps back every answer until release.
func (r *receiving) hold() error { return r.ask(http.MethodPost, "/hold", nil, nil) }

func (r *receiving) release() error { return r.ask(http.MethodPost, "/release", nil, nil) }

// untilHeld waits until so many requests wait for their answers.
func (r *receiving) untilHeld(ctx context.Context, want int) error {
	return until(ctx, "requests held by the receiver", func() (bool, error) {
		var n int
		err := r.ask(http.MethodGet, "/held", nil, &n)
		return n >= want, err
	})
}

func (r *receiving) arrivals() (list []arrival, err error) {
	err = r.ask(http.MethodGet, "/arrivals", nil, &list)
	return list, err
}

const (
	lookEvery = 20 * time.Millisecond
	lookLimit = time.Minute
)

// until looks again and again until something holds.
func until(ctx context.Context, what string, holds func() (bool, error)) error {
	late := time.After(lookLimit)
	for {
		ok, err := holds()
		if ok || err != nil {
			return err
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return fmt.Errorf("not within %s: %s", lookLimit, what)
		}
	}
}
