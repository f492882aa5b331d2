package store_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"hookwell/inbound"
	"hookwell/models"
)

// TestRefused_written_in_a_minute sends long forged requests faster than they are
// written. What is kept at one time is far below its own bound, so nothing is removed,
// and what is there is what was written.
func TestRefused_written_in_a_minute(t *testing.T) {
	const otherSecret = "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg"
	for _, test := range []struct {
		name   string
		forge  func(r *inbound.Request)
		length int
		whole  bool
		most   int // bytes of one network in a minute
	}{
		{"whole_ones", func(*inbound.Request) {}, 1 << 20, true, 2 << 20},
		{"others", func(r *inbound.Request) { r.Headers = nil }, 1 << 20, false, 1 << 19},
		{"small_ones", func(*inbound.Request) {}, 100 << 10, true, 2 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, f *fixture) {
				s := source(t, f.tenant.Receiving(), nil)
				opened := f.open(t, s)
				forged := f.signed(t, s, "invoice.paid", otherSecret)
				forged.Body = bytes.Repeat([]byte("x"), test.length-2000)
				test.forge(forged)
				f.clock.Advance(time.Minute - time.Duration(f.Now().Second())*time.Second)
				sent := 0
				send := func(address string, n int) {
					t.Helper()
					for range n {
						one := *forged
						one.RemoteAddress, one.ReceivedAt = netip.MustParseAddr(address), f.Now()
						if h, err := f.Engine().Handle(t.Context(), opened, &one, "", false); err != nil || h.State != inbound.Refused {
							t.Fatalf("Handle() returned %+v, %v; want it refused", h, err)
						}
						sent++
					}
				}
				written := func(whole bool, share string) (size int) {
					must(t, f.DB().Model(&models.RefusedRequest{}).Where("whole = ? AND share = ?", whole, share).Select("coalesce(sum(size), 0)").Scan(&size).Error)
					return size
				}
				send("203.0.113.7", 90)
				if size := written(test.whole, "203.0.113.7/32"); size == 0 || size > test.most {
					t.Errorf("%d bytes of one network are written in a minute, want up to %d", size, test.most)
				}
				if size := written(false, "203.0.113.7/32"); size > 1<<19 {
					t.Errorf("%d shortened bytes of one network are written in a minute, want up to %d", size, 1<<19)
				}
				send("198.51.100.9", 1)
				if size := written(test.whole, "198.51.100.9/32"); size == 0 {
					t.Error("nothing is written of another network in the same minute")
				}
				for n := range 60 {
					send(fmt.Sprintf("198.18.0.%d", n), 1)
				}
				var all int
				must(t, f.DB().Model(&models.RefusedRequest{}).Select("sum(size)").Scan(&all).Error)
				if most := 5 << 20; all > most {
					t.Errorf("%d bytes are written in a minute, want up to %d", all, most)
				}
				f.clock.Advance(time.Minute)
				send("192.0.2.1", 1)
				if size := written(test.whole, "192.0.2.1/32"); size == 0 {
					t.Error("nothing is written in the next minute")
				}
				counts, err := f.tenant.Receiving().RefusedCounts(t.Context(), s.ID, f.Now().Add(-time.Hour))
				must(t, err)
				counted := 0
				for _, c := range counts {
					counted += c.Count
				}
				if counted != sent {
					t.Errorf("RefusedCounts() add up to %d, want %d", counted, sent)
				}
			})
		})
	}
}

// TestRefused_longest_is_whole holds that a body as long as its source takes is kept
// whole, of a source that takes long ones too.
func TestRefused_longest_is_whole(t *testing.T) {
	eachStore(t, func(t *testing.T, f *fixture) {
		s := source(t, f.tenant.Receiving(), func(in *models.SourceInput) { in.MaxBodyBytes = 6 << 20 })
		forged := f.signed(t, s, "invoice.paid", "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMg")
		forged.Body = bytes.Repeat([]byte("x"), 6<<20)
		h := f.handle(t, s, forged)
		var kept models.RefusedRequest
		must(t, f.DB().Select("whole", "body_bytes", "size").Take(&kept).Error)
		if h.State != inbound.Refused || !kept.Whole || kept.Size < 6<<20 {
			t.Errorf("a refused body of 6 MiB is kept as whole %v with %d bytes, want all of it", kept.Whole, kept.Size)
		}
	})
}
