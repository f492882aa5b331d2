package store

import (
	"math"
	"net/netip"
	"slices"
	"time"
)

// share is a network that asks are counted for, or what is around one.
type share struct {
	level int
	name  string
}

// shareWeights are how much one ask puts the next of the same share back: of the
// networks around (IPv4 /16, IPv6 /48), of those near (/24, /56), and of the
// network itself (see networkOf). So fresh addresses of one hand soon go behind
// everybody else, and the neighbor of a few hardly does.
var shareWeights = [...]float64{1.0 / 64, 1.0 / 8, 1}

// waitingWeight is how much each of the same person who waits puts the next one
// back, behind the other people of their network.
const waitingWeight = 4

type shares [len(shareWeights)]share

// sharesOf is what an ask from a network counts for. What is no address is its
// own at every level.
func sharesOf(network string) shares {
	wide, near := network, network
	if ip, err := netip.ParseAddr(network); err == nil && ip.Unmap().Is4() {
		wide, near = prefixOf(ip.Unmap(), 16), prefixOf(ip.Unmap(), 24)
	} else if prefix, err := netip.ParsePrefix(network); err == nil {
		wide, near = prefixOf(prefix.Addr(), 48), prefixOf(prefix.Addr(), 56)
	}
	return shares{{0, wide}, {1, near}, {2, network}}
}

func prefixOf(ip netip.Addr, bits int) string {
	prefix, _ := ip.Prefix(bits) // which fits the address
	return prefix.String()
}

const (
	askHalf = 10 * time.Minute // after which half of what was asked is forgotten
	maxAsks = 1 << 14          // shares that are counted
)

// recentAsks is how much was asked of this process lately, by share. It only
// orders who waits: what may be tried at all is counted in the database, see limit.
type recentAsks map[share]askCount

// askCount is how many there were at a time.
type askCount struct {
	n  float64
	at time.Time
}

func (c askCount) left(now time.Time) float64 {
	return c.n * math.Exp2(-float64(max(0, now.Sub(c.at)))/float64(askHalf))
}

// add counts n, which takes back what is negative.
func (r recentAsks) add(of shares, n float64, now time.Time) {
	for _, s := range of {
		if left := r[s].left(now) + n; left > 1.0/64 {
			r[s] = askCount{left, now}
		} else {
			delete(r, s)
		}
	}
	if len(r) > maxAsks {
		// Those who asked least go first, so the networks around many addresses stay.
		// Half of all go, so this is seldom.
		for least := 1.0; len(r) > maxAsks/2; least *= 2 {
			r.forget(least, now)
		}
	}
}

func (r recentAsks) forget(least float64, now time.Time) {
	for s, c := range r {
		if c.left(now) < least {
			delete(r, s)
		}
	}
}

// own is what the network itself asked for lately.
func (r recentAsks) own(of shares, now time.Time) float64 {
	return shareWeights[2] * r[of[2]].left(now)
}

// around is what other networks near and around it asked for lately.
func (r recentAsks) around(of shares, now time.Time) float64 {
	wide, near, own := r[of[0]].left(now), r[of[1]].left(now), r[of[2]].left(now)
	return max(0, shareWeights[0]*(wide-near)+shareWeights[1]*(near-own))
}

// waitingLine is who waits, in the order in which they came.
type waitingLine []*waiter

// ends returns the places of who goes first and of who goes last: by what
// their network had asked for when they came, so that many of one network take
// turns with others, and by what the networks around have asked for by now. Of
// equals goes first who came first.
func (l waitingLine) ends(asks recentAsks, now time.Time) (first, last int) {
	least, most := math.Inf(1), math.Inf(-1)
	for i, w := range l {
		weight := w.weight + asks.around(w.shares, now)
		if weight < least {
			first, least = i, weight
		}
		if weight >= most {
			last, most = i, weight
		}
	}
	return first, last
}

// add puts w into the line. It returns who has no place: nil, w itself, or, in
// a full line, who goes last.
func (l *waitingLine) add(w *waiter, asks recentAsks, now time.Time) (out *waiter) {
	own := 0
	for _, other := range *l {
		if other.person == w.person {
			own++
		}
	}
	if own >= maxOfPerson {
		return w
	}
	w.weight += float64(own) * waitingWeight
	*l = append(*l, w)
	if len(*l) > maxLine {
		_, last := l.ends(asks, now)
		out = l.take(last)
	}
	return out
}

// first takes out whose turn it is; nil is nobody.
func (l *waitingLine) first(asks recentAsks, now time.Time) *waiter {
	if len(*l) == 0 {
		return nil
	}
	first, _ := l.ends(asks, now)
	return l.take(first)
}

func (l *waitingLine) take(at int) *waiter {
	w := (*l)[at]
	*l = slices.Delete(*l, at, at+1)
	return w
}

// remove reports whether w waited, and takes it out.
func (l *waitingLine) remove(w *waiter) bool {
	i := slices.Index(*l, w)
	if i < 0 {
		return false
	}
	l.take(i)
	return true
}
