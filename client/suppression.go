package client

import (
	"context"
	"net/http"
	"time"
)

// Suppression is an address that gets no invitations and alerts, since a message to
// it bounced for good or its reader complained.
type Suppression struct {
	Address   string    `json:"address"`
	Kind      string    `json:"kind"`      // bounced or complained
	Reason    string    `json:"reason"`    // what the receiving server wrote; may be empty
	CreatedAt time.Time `json:"createdAt"` // when it happened
}

// Suppressions lists these addresses, the newest first, at most 1,000. It takes a
// platform key.
func (c *Client) Suppressions(ctx context.Context) (*Page[Suppression], error) {
	return answerOf[Page[Suppression]](ctx, c, platformCall(http.MethodGet, "/suppressions"))
}

// LiftSuppression has an address get all mail again. It takes a platform key.
func (c *Client) LiftSuppression(ctx context.Context, address string) error {
	r := platformCall(http.MethodPost, "/suppressions/lift")
	r.body = map[string]string{"address": address}
	_, err := c.do(ctx, r, nil)
	return err
}
