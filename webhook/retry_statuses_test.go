package webhook

import (
	"regexp"
	"strings"
	"testing"
)

func TestParseRetryStatuses(t *testing.T) {
	for name, test := range map[string]struct {
		typed  string
		normal RetryStatuses
		words  string
		has    []int
		hasNot []int
	}{
		"nothing_is_all":             {" ", "", "all", []int{0, 301, 404, 410, 599, 999}, nil},
		"a_list":                     {"408,429,500-599", "408,429,500-599", "only 408, 429, 500-599", []int{0, 101, 408, 429, 500, 599, 600, 999}, []int{302, 407, 410, 430, 499}},
		"spaces":                     {"  500-599 ,\t429 , 408 ", "408,429,500-599", "only 408, 429, 500-599", []int{408}, []int{404}},
		"overlaps_and_neighbors":     {"429,408,409,500-550,540-599,429", "408-409,429,500-599", "only 408-409, 429, 500-599", []int{409, 555}, []int{410}},
		"within_another":             {"500-599,503", "500-599", "only 500-599", []int{503, 599, 999}, []int{499}},
		"a_range_of_one":             {"404-404", "404", "only 404", []int{404}, []int{101, 405, 600, 999}},
		"all_but":                    {"!404, !401", "!401,!404", "all but 401, 404", []int{0, 400, 403, 500, 999}, []int{401, 404}},
		"all_but_a_range":            {"!400-407,!409-499", "!400-407,!409-499", "all but 400-407, 409-499", []int{408, 301}, []int{400, 499}},
		"none_but_network_failures":  {"!300-599", "!300-599", "all but 300-599", []int{0}, []int{101, 300, 404, 599, 600, 999}},
		"what_was_excluded_by_piece": {"!401,!402,!403", "!401-403", "all but 401-403", []int{404}, []int{402}},
		"a_failure_but_500":          {"!503", "!503", "all but 503", []int{500, 999}, []int{503}},
		"not_500":                    {"501-599", "501-599", "only 501-599", []int{501}, []int{500, 600, 999}},
	} {
		t.Run(name, func(t *testing.T) {
			normal, faults := ParseRetryStatuses(test.typed)
			if normal != test.normal || len(faults) > 0 {
				t.Fatalf("ParseRetryStatuses(%q) returned %q, %v; want %q", test.typed, normal, faults, test.normal)
			}
			set := normal.Set()
			if got := set.Words(); got != test.words {
				t.Errorf("Words() returned %q; want %q", got, test.words)
			}
			for _, status := range test.has {
				if !set.Has(status) {
					t.Errorf("Has(%d) returned false; want true", status)
				}
			}
			for _, status := range test.hasNot {
				if set.Has(status) {
					t.Errorf("Has(%d) returned true; want false", status)
				}
			}
		})
	}
}

func TestParseRetryStatuses_says_every_fault(t *testing.T) {
	for name, test := range map[string]struct {
		typed string
		want  []string // what the messages contain
	}{
		"a_class":            {"5xx", []string{"5xx is no status"}},
		"words":              {"some, none", []string{"some is no status", "none is no status"}},
		"a_success":          {"200-299", []string{"outside of 300 to 599"}},
		"too_high":           {"500-600", []string{"outside of 300 to 599"}},
		"high_to_low":        {"599-500", []string{"599-500 goes from high to low. Write 500-599."}},
		"both":               {"408,!401", []string{"and not both"}},
		"an_empty_item":      {"408,,429,", []string{"An item is empty", "An item is empty"}},
		"a_sign_alone":       {"!", []string{"An item is empty"}},
		"a_range_of_three":   {"400-410-420", []string{"400-410-420 is no status"}},
		"signs_within":       {"!400-!410", []string{"is no status"}},
		"other_digits":       {"４０４", []string{"is no status"}},
		"signed_numbers":     {"+40,-404", []string{"+40 is no status", "-404 is no status"}},
		"several":            {"abc, 599-500, !700, 408", []string{"abc is no status", "high to low", "outside", "and not both"}},
		"too_long":           {strings.Repeat("404,", 60) + "404", []string{"Use at most 200 characters."}},
		"control_characters": {"4\x0004", []string{"is no status"}},
	} {
		t.Run(name, func(t *testing.T) {
			normal, faults := ParseRetryStatuses(test.typed)
			if normal != "" || len(faults) != len(test.want) {
				t.Fatalf("ParseRetryStatuses(%q) returned %q, %v; want faults that say %q", test.typed, normal, faults, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(faults[i].Message, want) || faults[i].Field != "" {
					t.Errorf("fault %d is %+v; want %q in it", i, faults[i], want)
				}
			}
		})
	}
}

func TestRetryStatuses_Set_of_what_nobody_saves_has_all(t *testing.T) {
	if set := RetryStatuses("5xx").Set(); !set.Has(404) || set.Words() != "all" {
		t.Errorf("Set() of an unreadable list has %s; want all", set.Words())
	}
}

// FuzzParseRetryStatuses holds the normal form: it reads as itself, means the same,
// is no longer than what was typed, and the API's pattern takes both.
func FuzzParseRetryStatuses(f *testing.F) {
	for _, typed := range []string{"", "408,429,500-599", "!401, !404", " 500-599 ,\t429", "408,409", "599-500", "5xx", "!", "408,!401"} {
		f.Add(typed)
	}
	pattern := regexp.MustCompile(RetryStatusesPattern)
	f.Fuzz(func(t *testing.T, typed string) {
		normal, faults := ParseRetryStatuses(typed)
		if len(faults) > 0 {
			if normal != "" {
				t.Fatalf("ParseRetryStatuses(%q) returned %q beside faults", typed, normal)
			}
			return
		}
		again, faults := ParseRetryStatuses(string(normal))
		if again != normal || len(faults) > 0 {
			t.Fatalf("ParseRetryStatuses(%q) returned %q, %v; want it unchanged", normal, again, faults)
		}
		if len(normal) > len(typed) || !pattern.MatchString(string(normal)) {
			t.Fatalf("%q became %q, which is longer or not as the pattern has it", typed, normal)
		}
		read, _ := parseStatusSet(typed)
		for status := 0; status < 1000; status++ {
			known := status
			if status > 0 && (status < 300 || status > 599) {
				known = 500
			}
			if named := namesStatus(typed, known); read.Has(status) != normal.Set().Has(status) || status > 0 && strings.TrimSpace(typed) != "" && read.Has(status) == (named == strings.Contains(typed, "!")) {
				t.Fatalf("%q and its normal form %q say different things of %d", typed, normal, status)
			}
		}
	})
}

// namesStatus reads a list that is valid the slow way.
func namesStatus(list string, status int) bool {
	for item := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(strings.TrimPrefix(strings.TrimSpace(item), "!"), "-")
		if !isRange {
			high = low
		}
		first, _ := parseStatus(low)
		last, _ := parseStatus(high)
		if first > 0 && first <= status && status <= last {
			return true
		}
	}
	return false
}
