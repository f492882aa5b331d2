package database

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"hookwell/models"
)

// idAlphabet rises with its byte values, so that encoded ids sort as the
// numbers behind them do.
const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

var idEncoding = base32.NewEncoding(idAlphabet).WithPadding(base32.NoPadding)

// NewID makes an id that rises with time: the prefix and a UUIDv7 (RFC 9562,
// section 5.7) in 26 characters of lower-case base 32. Ids of one process are
// strictly rising, within one millisecond and when the clock is set back too.
func (c *Clock) NewID(prefix string, at time.Time) string {
	var id [16]byte
	rand.Read(id[:]) // which never fails
	// 48 bits of milliseconds and 12 of their fraction, as method 3 of
	// section 6.2 lays them out.
	micros := uint64(at.UnixMicro())
	tick := micros/1000<<12 | micros%1000<<2
	for {
		last := c.lastTick.Load()
		tick = max(tick, last+1)
		if c.lastTick.CompareAndSwap(last, tick) {
			break
		}
	}
	binary.BigEndian.PutUint64(id[:8], tick>>12<<16|0x7000|tick&0xfff)
	id[8] = id[8]&0x3f | 0x80
	return prefix + idEncoding.EncodeToString(id[:])
}

// lastID returns when the newest id was made: later than Now once the clock was set back.
func (c *Clock) lastID() time.Time { return time.UnixMilli(int64(c.lastTick.Load() >> 12)).UTC() }

// LowestID returns the smallest id that can be made at a time: a bound for ranges.
func LowestID(prefix string, at time.Time) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(max(at.UnixMilli(), 0))<<16) // there is none from before 1970
	return prefix + idEncoding.EncodeToString(id[:])
}

// IsID reports whether text has the shape of an id with that prefix.
func IsID(prefix, text string) bool {
	rest, ok := strings.CutPrefix(text, prefix)
	// Not by decoding, which passes over line breaks.
	return ok && len(rest) == models.IDLength && strings.Trim(rest, idAlphabet) == ""
}

// IDTime returns when an id of ours was made, to the millisecond.
func IDTime(id string) time.Time {
	if i := strings.IndexByte(id, '_'); i >= 0 {
		if raw, err := idEncoding.DecodeString(id[i+1:]); err == nil && len(raw) == 16 {
			return time.UnixMilli(int64(binary.BigEndian.Uint64(raw[:8]) >> 16)).UTC()
		}
	}
	return time.Time{}
}

// IDAt returns an id as it would have been made at a time. Ids of one clock rise.
func (c *Clock) IDAt(prefix string, at time.Time) string { return c.NewID(prefix, at) }
