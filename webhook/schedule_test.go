package webhook

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSchedules(t *testing.T) {
	want := map[string]struct {
		attempts int
		span     time.Duration
	}{
		"standard": {10, 5*time.Second + 35*time.Minute + 75*time.Hour},
		"patient":  {9, 35*time.Second + 42*time.Minute + 17*time.Hour},
		"brisk":    {6, 36*time.Minute + 14*time.Hour},
	}
	for _, schedule := range Schedules() {
		expected := want[schedule.Name]
		if len(schedule.Delays) != expected.attempts || schedule.Span() != expected.span {
			t.Errorf("%s: %d attempts in %v, want %+v", schedule.Name, len(schedule.Delays), schedule.Span(), expected)
		}
		if again, err := ParseSchedule(schedule.Name); err != nil || !slices.Equal(again.Delays, schedule.Delays) {
			t.Errorf("%s is read as %+v, %v", schedule.Name, again, err)
		}
	}
	if first, err := ParseSchedule(""); err != nil || first.Name != "standard" {
		t.Errorf("nothing is read as %s, %v", first.Name, err)
	}
	if _, err := ParseSchedule("eager"); err == nil {
		t.Error("an unknown name is accepted")
	}
}

func TestSchedule_Delay(t *testing.T) {
	schedule, err := NewSchedule([]int{0, 100})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		made   int
		random float64
		want   time.Duration
		left   bool
	}{
		"first_at_once":         {0, 0.9, 0, true},
		"least_jitter":          {1, 0, 80 * time.Second, true},
		"middle":                {1, 0.5, 100 * time.Second, true},
		"most_jitter":           {1, 0.999999999, 119999999600, true},
		"none_left":             {2, 0, 0, false},
		"resends_made_it_more":  {7, 0, 0, false},
		"less_than_none_at_all": {-1, 0, 0, false},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			got, left := schedule.Delay(test.made, test.random)
			if (got-test.want).Abs() > time.Microsecond || left != test.left {
				t.Errorf("got %v, %v", got, left)
			}
		})
	}
}

func TestNewSchedule(t *testing.T) {
	day := int((24 * time.Hour).Seconds())
	for name, seconds := range map[string][]int{
		"one": {0}, "first_may_wait": {60}, "twenty": slices.Repeat([]int{1}, 20), "five_days": {0, 5 * day},
	} {
		t.Run(name, func(t *testing.T) {
			schedule, err := NewSchedule(seconds)
			if err != nil || schedule.Name != "custom" || len(schedule.Delays) != len(seconds) {
				t.Errorf("got %+v, %v", schedule, err)
			}
		})
	}
	for name, seconds := range map[string][]int{
		"none": nil, "twenty_one": slices.Repeat([]int{1}, 21), "over_five_days": {0, 5 * day, 1},
		"negative": {-1}, "later_zero": {0, 0}, "overflow": {1, 1<<63 - 1, 1<<63 - 1},
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			if schedule, err := NewSchedule(seconds); err == nil {
				t.Errorf("accepted as %+v", schedule)
			}
		})
	}
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	type answer struct {
		Wait time.Duration
		OK   bool
	}
	cases := map[string]struct {
		value string
		want  answer
	}{
		"seconds":          {"120", answer{2 * time.Minute, true}},
		"zero":             {"0", answer{0, true}},
		"spaces_around":    {" 5\t", answer{5 * time.Second, true}},
		"date":             {now.Add(time.Hour).Format(http.TimeFormat), answer{time.Hour, true}},
		"RFC_850_date":     {"Tuesday, 03-Mar-26 13:00:00 GMT", answer{time.Hour, true}},
		"asctime_date":     {"Tue Mar  3 13:00:00 2026", answer{time.Hour, true}},
		"date_gone_by":     {now.Add(-time.Hour).Format(http.TimeFormat), answer{0, true}},
		"date_far_ahead":   {now.AddDate(10, 0, 0).Format(http.TimeFormat), answer{24 * time.Hour, true}},
		"huge":             {"31536000", answer{24 * time.Hour, true}},
		"past_an_integer":  {"99999999999999999999999", answer{24 * time.Hour, true}},
		"past_a_duration":  {"9223372036854775807", answer{24 * time.Hour, true}},
		"negative":         {"-5", answer{}},
		"fraction":         {"1.5", answer{}},
		"garbage":          {"soon", answer{}},
		"empty":            {"", answer{}},
		"other_digits":     {"１２", answer{}},
		"seconds_and_more": {"5 s", answer{}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			var got answer
			got.Wait, got.OK = ParseRetryAfter(test.value, now)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"120", "-1", "Tue, 03 Mar 2026 13:00:00 GMT", "99999999999999999999", "soon", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		wait, ok := ParseRetryAfter(value, time.Unix(1_773_000_000, 0))
		if wait < 0 || wait > 24*time.Hour || !ok && wait != 0 {
			t.Errorf("%q gives %v, %v", value, wait, ok)
		}
	})
}
