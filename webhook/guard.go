package webhook

import (
	"context"
	"errors"
	"net/netip"
)

// ErrBlocked is what every refusal of an address is, by errors.Is.
var ErrBlocked = errors.New("address blocked")

// Guard decides which addresses may be called.
type Guard struct{}

func NewGuard(allow []netip.Prefix) *Guard { return nil }
func (g *Guard) CheckURL(ctx context.Context, raw string) (normalized string, fault error) {
	return "", nil
}
func (g *Guard) CheckAddress(addr netip.Addr, plaintext bool) error { return nil }
