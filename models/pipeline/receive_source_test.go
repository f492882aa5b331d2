package pipeline_test

import (
	"sync"
	"testing"

	"hookwell/internal/storetest"
	"hookwell/models"
	"hookwell/models/pipeline"
	"hookwell/models/store"
)

// TestSourceByToken_at_once has many requests come at once to a source that isn't in
// memory: it is opened once for all of them, and again after a change.
func TestSourceByToken_at_once(t *testing.T) {
	storetest.EachParallel(t, func(t *testing.T, o store.Options) {
		s := storetest.Open(t, o)
		receiving := storetest.Organization(t, s, "Acme").Receiving()
		in := models.NewSourceInput()
		in.Name, in.Provider, in.Secrets = "GitHub", "github", []string{"a secret of the tests, long enough"}
		source, err := receiving.CreateSource(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		token := source.Path[len(models.ReceivePath):]
		at := func() map[*pipeline.OpenSource]int {
			const requests = 64
			opened := make([]*pipeline.OpenSource, requests)
			var all sync.WaitGroup
			for n := range requests {
				all.Go(func() {
					var err error
					if opened[n], err = s.Engine().SourceByToken(t.Context(), token); err != nil {
						t.Errorf("SourceByToken() failed: %v", err)
					}
				})
			}
			all.Wait()
			counts := map[*pipeline.OpenSource]int{}
			for _, one := range opened {
				counts[one]++
			}
			return counts
		}
		first := at()
		if len(first) != 1 {
			t.Errorf("64 requests at once had %d sources opened, want 1", len(first))
		}
		for one := range first {
			s.Engine().ForgetSource(&one.Source)
		}
		if _, err := receiving.AddSourceSecret(t.Context(), source.ID, "another secret, long enough", nil); err != nil {
			t.Fatal(err)
		}
		for one := range at() {
			if len(one.Secrets) != 2 {
				t.Errorf("after a change the source has %d secrets, want 2", len(one.Secrets))
			}
		}
	})
}
