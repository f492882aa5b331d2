package pipeline

import (
	"strings"
	"sync"
	"time"
)

// ownGroup is a group of this process that is not expanded, as far as it knows.
type ownGroup struct {
	organizationIDs []string
	since           time.Time
	left            int // outcomes to come
}

// ownGroups are this process's groups by their tokens.
type ownGroups struct {
	mu      sync.Mutex
	byToken map[string]*ownGroup
	of      map[string]int // how many are about an organization
}

func (o *ownGroups) add(row *acceptedGroup, left int) {
	g := &ownGroup{organizationIDs: strings.Split(strings.Trim(row.OrganizationIDs, ","), ","), since: time.Now(), left: left}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byToken == nil {
		o.byToken, o.of = map[string]*ownGroup{}, map[string]int{}
	}
	o.byToken[row.Token] = g
	for _, id := range g.organizationIDs {
		o.of[id]++
	}
}

func (o *ownGroups) has(organizationID string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.of[organizationID] > 0
}

func (o *ownGroups) hasToken(token string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.byToken[token] != nil
}

// before returns the tokens of groups that are older.
func (o *ownGroups) before(at time.Time) (tokens []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for token, g := range o.byToken {
		if g.since.Before(at) {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// finishing returns which groups have no other outcome to come than some, counted
// by token.
func (o *ownGroups) finishing(outcomes map[string]int) (tokens []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for token, n := range outcomes {
		if g := o.byToken[token]; g != nil && g.left <= n {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// recorded notes outcomes, counted by token, after their commit.
func (o *ownGroups) recorded(outcomes map[string]int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for token, n := range outcomes {
		if g := o.byToken[token]; g != nil {
			if g.left -= n; g.left <= 0 {
				o.forget(token, g)
			}
		}
	}
}

func (o *ownGroups) remove(tokens ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, token := range tokens {
		if g := o.byToken[token]; g != nil {
			o.forget(token, g)
		}
	}
}

func (o *ownGroups) forget(token string, g *ownGroup) {
	delete(o.byToken, token)
	for _, id := range g.organizationIDs {
		if o.of[id]--; o.of[id] == 0 {
			delete(o.of, id)
		}
	}
}
