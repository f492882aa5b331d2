package bench

import (
	"context"
	"fmt"
	"net/http"

	"hookwell/internal/program"
)

// api is Hookwell's HTTP API, with a platform key.
type api struct{ url, key string }

func (a api) create(ctx context.Context, path string, body, answer any) error {
	status, err := program.Call(ctx, http.MethodPost, a.url+path, a.key, body, answer)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	return nil
}

func (a api) organization(ctx context.Context, name string) (id string, err error) {
	var made struct{ ID string }
	err = a.create(ctx, "/organizations", map[string]string{"name": name}, &made)
	return made.ID, err
}

// endpoint is an endpoint's settings.
type endpoint struct {
	URL            string   `json:"url"`
	EventTypes     []string `json:"eventTypes"`
	MaxInFlight    int      `json:"maxInFlight,omitzero"`
	TimeoutSeconds int      `json:"timeoutSeconds,omitzero"`
}

func (a api) endpoint(ctx context.Context, organization string, e endpoint) (secret string, err error) {
	var made struct{ Secret string }
	err = a.create(ctx, "/endpoints?organizationId="+organization, e, &made)
	return made.Secret, err
}
