package faults

import (
	"context"
	"net/http"
	"time"

	"hookwell/client"
)

// whileWaiting changes an endpoint while deliveries wait for it, because its
// receiver takes one at a time, slowly.
func whileWaiting(change func(ctx context.Context, s *site, id string) error) func(context.Context, *site) error {
	return func(ctx context.Context, s *site) error {
		if _, err := s.serve(s.direct); err != nil {
			return err
		}
		slow := behaviour{First: http.StatusNoContent, Later: http.StatusNoContent, After: 300 * time.Millisecond}
		if err := s.endpoint("waiting", slow, client.EndpointSettings{MaxInFlight: new(1)}); err != nil {
			return err
		}
		if err := warmUp(ctx, s); err != nil {
			return err
		}
		if err := change(ctx, s, s.endpoints["waiting"]); err != nil {
			return err
		}
		return coolDown(ctx, s)
	}
}

// quick lets what waits for the slow endpoint through.
func quick(s *site, hook, secret string) error {
	return s.receiver.behave(hook, behaviour{Secret: secret, First: http.StatusNoContent, Later: http.StatusNoContent})
}

func disableAndEnable(ctx context.Context, s *site, id string) error {
	if _, err := s.api().DisableEndpoint(ctx, id); err != nil {
		return err
	}
	if err := s.load.more(ctx, warm); err != nil {
		return err
	}
	if err := quick(s, "waiting", s.secrets["waiting"]); err != nil {
		return err
	}
	_, err := s.api().EnableEndpoint(ctx, id)
	return err
}

// edit moves the endpoint to another URL, from where it is quick.
func edit(ctx context.Context, s *site, id string) error {
	if err := quick(s, "moved", s.secrets["waiting"]); err != nil {
		return err
	}
	_, err := s.api().UpdateEndpoint(ctx, id, client.EndpointSettings{URL: new(s.receiver.url + "/hooks/moved")})
	return err
}

func deleteEndpoint(ctx context.Context, s *site, id string) error {
	return s.api().DeleteEndpoint(ctx, id)
}
