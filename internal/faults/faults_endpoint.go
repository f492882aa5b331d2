package faults

import (
	"context"
	"net/http"
	"time"
)

// whileWaiting changes an endpoint while deliveries wait for it, because its
// receiver takes one at a time, slowly.
func whileWaiting(change func(ctx context.Context, s *site, path string) error) func(context.Context, *site) error {
	return func(ctx context.Context, s *site) error {
		if _, err := s.serve(s.direct); err != nil {
			return err
		}
		slow := behaviour{First: http.StatusNoContent, Later: http.StatusNoContent, After: 300 * time.Millisecond}
		if err := s.endpoint("waiting", slow, map[string]any{"maxInFlight": 1}); err != nil {
			return err
		}
		if err := warmUp(ctx, s); err != nil {
			return err
		}
		if err := change(ctx, s, "/api/v1/endpoints/"+s.endpoints["waiting"]); err != nil {
			return err
		}
		return coolDown(ctx, s)
	}
}

// quick lets what waits for the slow endpoint through.
func quick(s *site, hook, secret string) error {
	return s.receiver.behave(hook, behaviour{Secret: secret, First: http.StatusNoContent, Later: http.StatusNoContent})
}

func disableAndEnable(ctx context.Context, s *site, path string) error {
	if err := s.call(http.MethodPost, path+"/disable?organizationId="+s.org, nil, nil, http.StatusOK); err != nil {
		return err
	}
	if err := s.load.more(ctx, warm); err != nil {
		return err
	}
	if err := quick(s, "waiting", s.secrets["waiting"]); err != nil {
		return err
	}
	return s.call(http.MethodPost, path+"/enable?organizationId="+s.org, nil, nil, http.StatusOK)
}

// edit moves the endpoint to another URL, from where it is quick.
func edit(_ context.Context, s *site, path string) error {
	if err := quick(s, "moved", s.secrets["waiting"]); err != nil {
		return err
	}
	return s.call(http.MethodPatch, path+"?organizationId="+s.org, map[string]any{"url": s.receiver.url + "/hooks/moved"}, nil, http.StatusOK)
}

func deleteEndpoint(_ context.Context, s *site, path string) error {
	return s.call(http.MethodDelete, path+"?organizationId="+s.org, nil, nil, http.StatusNoContent)
}
