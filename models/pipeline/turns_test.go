package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hookwell/models"
)

// TestTurns holds the order in which drafts are taken.
func TestTurns(t *testing.T) {
	type step struct {
		add  []string // drafts, by organization and name; a capital letter is owed
		take []string // group by group
	}
	for name, steps := range map[string][]step{
		"organizations_take_turns": {{add: []string{"a1", "a2", "a3", "b1"}, take: []string{"a1", "b1", "a2", "a3"}}},
		// Two events to thousands of endpoints, and one report behind them.
		"a_report_waits_for_one_slice_of_what_its_organization_is_owed": {
			{add: []string{"aX", "aY"}, take: []string{"aX"}},
			{add: []string{"a1", "a2"}, take: []string{"a1", "aY", "a2", "aX", "aY"}},
		},
		"and_what_is_owed_waits_for_one_report": {{add: []string{"a1", "a2", "a3", "aX"}, take: []string{"a1", "aX", "a2", "aX", "a3", "aX"}}},
	} {
		t.Run(name, func(t *testing.T) {
			turns := &turns{most: 1, weigh: func(*Draft) int { return 1 }}
			names := map[*Draft]string{}
			var got, want []string
			for _, s := range steps {
				for _, name := range s.add {
					d := &Draft{Event: models.Event{OrganizationID: name[:1]}, committed: name[1] >= 'A'}
					names[d] = name
					turns.add([]*Draft{d})
				}
				want = append(want, s.take...)
				for range s.take {
					group, _, _ := turns.take()
					if len(group) != 1 {
						t.Fatalf("take() returned %d drafts after %v; want 1", len(group), got)
					}
					got = append(got, names[group[0]])
					left := group
					if !group[0].committed {
						left = nil // written whole
					}
					turns.done(group, left)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("drafts were taken in another order (-want +got):\n%s", diff)
			}
		})
	}
}
