package jobs

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// silence is how long a subscription may be silent before it is asked
	// whether its connection still stands.
	silence = 5 * time.Second
	// subscribeAgain is how long a refused subscription waits for its next try.
	subscribeAgain = time.Second
)

// listen hands every message of a channel to handle until ctx ends, and tells
// note of each subscription that begins (nil) or fails. It subscribes again
// after a fault, also when Redis permits it only later.
func listen(ctx context.Context, client redis.UniversalClient, channel string, note func(error), handle func(payload string)) {
	for ctx.Err() == nil {
		err := hear(ctx, client, channel, note, handle)
		if ctx.Err() != nil {
			return
		}
		note(err)
		select {
		case <-time.After(subscribeAgain):
		case <-ctx.Done():
		}
	}
}

// hear listens to one subscription, and returns why it ended.
func hear(ctx context.Context, client redis.UniversalClient, channel string, note func(error), handle func(payload string)) error {
	subscription := client.Subscribe(ctx, channel)
	defer subscription.Close()
	// A read that waits for a message does not heed ctx.
	defer context.AfterFunc(ctx, func() { subscription.Close() })()
	for asked := false; ; {
		received, err := subscription.ReceiveTimeout(ctx, silence)
		var network net.Error
		switch {
		case err == nil:
			asked = false
		case errors.As(err, &network) && network.Timeout() && !asked:
			asked = true
			if err := subscription.Ping(ctx); err != nil {
				return err
			}
			continue
		default:
			return err
		}
		switch message := received.(type) {
		case *redis.Subscription:
			note(nil)
		case *redis.Message:
			handle(message.Payload)
		}
	}
}
