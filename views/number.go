package views

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// WholeNumber reads a number that was typed. Fault is a sentence for people about
// what is none, else empty. A number too large for any field is the largest there
// is, which its bounds refuse.
func WholeNumber(typed string) (n int, fault string) {
	typed = strings.TrimSpace(typed)
	n, err := strconv.Atoi(typed)
	switch {
	case err == nil:
		return n, ""
	case !errors.Is(err, strconv.ErrRange):
		return 0, "Enter a whole number, in digits alone."
	case strings.HasPrefix(typed, "-"):
		return math.MinInt32, ""
	default:
		return math.MaxInt32, ""
	}
}
