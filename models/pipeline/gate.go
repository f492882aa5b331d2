package pipeline

import (
	"fmt"
	"time"

	"hookwell/models"
	"hookwell/models/database"
)

// gate is what an endpoint lets through at the moment of a claim: its circuit
// and its rate limit, read by the database's clock under a lock on its state,
// so that all workers together keep to them.
type gate struct {
	EndpointID string
	HeldUs     int64       // how long it is held yet
	Held       models.Hold `gorm:"column:held_because"`
	RateFreeUs int64
	NowUs      int64
	Version    int64 // of the organization's settings
}

// lockGates locks the states of endpoints, in one order, and reads them.
func (p *Engine) lockGates(tx *database.Tx, endpointIDs []string) (map[string]*gate, error) {
	now := p.db.Dialect.Now(p.clock)
	condition, parameter := p.db.Dialect.Among("s.endpoint_id", endpointIDs)
	query := fmt.Sprintf(`SELECT s.endpoint_id, CASE WHEN s.held_until > %s THEN %s ELSE 0 END AS held_us, s.held_because, s.rate_free_us, %s AS now_us,
			(SELECT v.version FROM organization_versions v WHERE v.organization_id = e.organization_id) AS version%s%s
		FROM endpoint_states s JOIN endpoints e ON e.id = s.endpoint_id WHERE %s ORDER BY s.endpoint_id %s`,
		now, p.db.Dialect.Micros("s.held_until", now), p.db.Dialect.NowMicros(p.clock), p.db.Dialect.LightSettings(), p.db.Dialect.Share(database.ClaimLock), condition, p.db.Dialect.LockOnly("s"))
	var rows []gate
	if err := tx.Raw(query, parameter).Find(&rows).Error; err != nil {
		return nil, err
	}
	gates := make(map[string]*gate, len(rows))
	for i := range rows {
		gates[rows[i].EndpointID] = &rows[i]
	}
	return gates, nil
}

// held is 1 while nothing of the schedule may go out.
func (g *gate) held() int {
	if g.HeldUs > 0 {
		return 1
	}
	return 0
}

// most returns how many may be in flight: one, when it is to decide whether a
// circuit closes.
func (g *gate) most() int {
	if g.Held == models.HeldByCircuit {
		return 1
	}
	return models.MaxMaxInFlight
}

// probeLook is how soon a lane looks again whose circuit a probe is deciding.
const probeLook = 100 * time.Millisecond

// circuitWait returns how long the circuit lets nothing of the schedule through,
// but for a probe that was just claimed.
func (g *gate) circuitWait() time.Duration {
	if g.Held != models.HeldByCircuit {
		return 0
	}
	return max(time.Duration(g.HeldUs)*time.Microsecond, probeLook)
}

// rateBurst is the part of a second whose share of a rate limit may go out at
// once, after a lull.
const rateBurst = 10

// allowance returns how many the rate limit lets through now. It is the generic
// cell rate algorithm: RateFreeUs moves on by an interval with each request.
func (g *gate) allowance(perSecond int) int {
	if perSecond == 0 {
		return models.MaxMaxInFlight
	}
	interval := int64(time.Second/time.Microsecond) / int64(perSecond)
	burst := max(1, int64(perSecond)/rateBurst)
	ahead := max(g.RateFreeUs-g.NowUs, 0)
	return int(max(0, (burst*interval-ahead)/interval))
}

// wait returns how long the rate limit lets nothing through.
func (g *gate) wait(perSecond int) time.Duration {
	interval := int64(time.Second/time.Microsecond) / int64(perSecond)
	burst := max(1, int64(perSecond)/rateBurst)
	return time.Duration(max(g.RateFreeUs-g.NowUs-(burst-1)*interval, 1)) * time.Microsecond
}

// chargeRateLimits counts what was claimed against the endpoints' rate limits.
func chargeRateLimits(tx *database.Tx, lanes []Lane, outlooks []Outlook, templates map[string]*template, gates map[string]*gate, claimed []models.Work) error {
	counts := map[string]int{}
	for _, w := range claimed {
		counts[w.EndpointID]++
	}
	for i := range lanes {
		id := lanes[i].EndpointID
		if counts[id] == 0 || templates[id].rateLimit == 0 {
			continue
		}
		g, limit := gates[id], templates[id].rateLimit
		g.RateFreeUs = max(g.RateFreeUs, g.NowUs) + int64(counts[id])*int64(time.Second/time.Microsecond)/int64(limit)
		// One statement for each limited endpoint of the claim; few have a limit.
		if err := tx.Model(&models.EndpointState{}).Where("endpoint_id = ?", id).Update("rate_free_us", g.RateFreeUs).Error; err != nil {
			return err
		}
		if g.allowance(limit) == 0 {
			outlooks[i].Wait = max(outlooks[i].Wait, g.wait(limit))
		}
	}
	return nil
}
