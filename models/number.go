package models

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

// Grouped writes a whole number with commas between thousands.
func Grouped(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return sign + b.String()
}
