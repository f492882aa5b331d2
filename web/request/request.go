// Package request has what pages and the API share of a request before either
// handles it: its id, its client, the share of memory that its body uses, and the
// reading of the body.
package request

import (
	"errors"
	"net/netip"

	"hookwell/models"
)

// Request is one HTTP request.
type Request struct {
	ID     string     // our own: one that came with the request could be anything
	Client netip.Addr // behind trusted proxies the one that they name
	KeyID  string     // of the API key, once it was found right; empty on pages
	Body   Body       // nil until the first handler
}

// Actor returns the actor of a change, as far as the request shows it; the store
// adds the user or the key.
func (r *Request) Actor() models.Actor {
	return models.Actor{Kind: models.ActorUser, RemoteAddress: r.Client.String(), RequestID: r.ID}
}

// Body is a request's body. Nothing is read before a handler asks for it.
type Body interface {
	// Read returns the whole body, which is in memory until the request is over.
	// The error is ErrTooLong for a body of more than limit bytes, Unavailable if
	// the owner's share of the memory for bodies is used up, and a fiber.Error of
	// 400 or 408 if the body doesn't arrive as announced or in time.
	Read(limit int, owner Owner) ([]byte, error)
	// Beginning returns up to most bytes of a body that is too long: what Read has read
	// of it, or what comes in time if nothing was read.
	Beginning(most int, owner Owner) []byte
	// Length returns how many bytes the body has, as announced, or chunked.
	Length() int
}

// Chunked is the length of a body that comes in chunks, and so is unknown.
const Chunked = -1

// MaxBody is the longest body in bytes, except for a batch of events.
const MaxBody = 1 << 20

// ErrTooLong is the error for a body that is longer than its reader accepts.
var ErrTooLong = errors.New("the body is too long")

// Owner is whose share of the memory for bodies a body uses: an organization's,
// that of a platform key or a signed-in person, by their id, or that of a
// stranger's network.
type Owner struct {
	ID      string
	Network netip.Prefix // set for strangers alone
}

// Stranger reports whether the owner is unknown.
func (o Owner) Stranger() bool { return o.ID == "" }

// String returns the owner as the log names it.
func (o Owner) String() string {
	if o.Stranger() {
		return o.Network.String()
	}
	return o.ID
}
