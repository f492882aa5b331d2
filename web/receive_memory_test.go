package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hookwell/inbound"
	"hookwell/internal/apitest"
	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/web/api"
)

// TestReceive_memory_beside_one_stranger has somebody at one address, who knows URLs
// but no secret, hold as many bodies as go: the provider's requests to the same source,
// other organizations' and their API keep their memory.
func TestReceive_memory_beside_one_stranger(t *testing.T) {
	for _, attack := range []struct{ sources, connections, announced, sent int }{
		{4, 12, 1 << 20, 980 << 10},
		{1, 20, 1 << 20, 980 << 10},
		{1, 110, 100 << 10, 99 << 10},
	} {
		t.Run(fmt.Sprintf("%d_bodies_of_%d", attack.sources*attack.connections, attack.announced), func(t *testing.T) {
			eachDoor(t, func(t *testing.T, d *door) {
				var attacked []*models.Source
				for n := range attack.sources {
					attacked = append(attacked, d.github(t, func(in *models.SourceInput) { in.Slug = fmt.Sprintf("attacked_%d", n) }))
				}
				tenant := storetest.Organization(t, d.Store, "Other")
				_, key, err := tenant.CreateKey(t.Context(), models.NewKey{Name: "test", Scopes: []string{string(models.ScopeEventsWrite)}})
				must(t, err)
				first := *d
				first.tenant = tenant
				other := first.github(t, nil)
				host := strings.TrimPrefix(d.base, "http://")
				part := bytes.Repeat([]byte(" "), attack.sent)
				for _, s := range attacked {
					head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nX-Hub-Signature-256: sha256=00\r\nContent-Length: %d\r\n\r\n", s.Path, host, attack.announced)
					holdBodies(t, attack.connections, "127.0.9.1", host, head, part)
				}
				for _, s := range []*models.Source{other, attacked[0]} {
					for _, size := range []int{30 << 10, 300 << 10, 900 << 10} {
						body := []byte(`"` + strings.Repeat("a", size) + `"`)
						in := signed(body, inbound.Header{Name: "X-GitHub-Delivery", Value: fmt.Sprint(size)})
						if response := d.send(t, in, s.Path, false); response.StatusCode != http.StatusOK {
							t.Errorf("a signed request of %d bytes to %s returned %s beside a stranger's bodies, want 200", size, s.Slug, response.Status)
						}
					}
				}
				item := apitest.Report(t, "org.created")
				batch := `{"events":[` + item + `]` + strings.Repeat(" ", 240<<10) + `}`
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.base+api.BatchPath, strings.NewReader(batch))
				must(t, err)
				request.Header.Set("Authorization", "Bearer "+key)
				request.Header.Set("Content-Type", "application/json")
				response, err := http.DefaultClient.Do(request)
				must(t, err)
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Errorf("a batch of %d bytes returned %s beside a stranger's bodies, want 200", len(batch), response.Status)
				}
			})
		})
	}
}

// TestReceive_memory_is_the_organizations holds whose share a body uses: one of a known
// network that of the organization, with however many sources.
func TestReceive_memory_is_the_organizations(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		host := strings.TrimPrefix(d.base, "http://")
		var hold []string
		for n := range 4 {
			s := d.github(t, func(in *models.SourceInput) {
				in.Slug = fmt.Sprintf("own_%d", n)
				if n%2 > 0 {
					in.AllowNetworks = []string{"127.0.0.0/8"} // those are known without having passed
				}
			})
			if n%2 == 0 {
				d.wantAnswer(t, signed([]byte(`{"first":true}`)), s.Path, 200, "")
			}
			hold = append(hold, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", s.Path, host, 1<<20))
		}
		for _, head := range hold {
			holdBodies(t, 8, "127.0.0.1", host, head, bytes.Repeat([]byte(" "), 980<<10))
		}
		other := *d
		other.tenant = storetest.Organization(t, d.Store, "Other")
		s := other.github(t, nil)
		d.wantAnswer(t, signed([]byte(`"`+strings.Repeat("a", 900<<10)+`"`)), s.Path, 200, "")
	})
}
