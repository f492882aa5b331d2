package inbound

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// functions are what a value may name in "fn".
var functions map[string]func(e *evaluation, v *value, found any) (any, error)

func init() {
	functions = map[string]func(*evaluation, *value, any) (any, error){
		"unix":    func(_ *evaluation, _ *value, found any) (any, error) { return instant(found, "s") },
		"unix_ms": func(_ *evaluation, _ *value, found any) (any, error) { return instant(found, "ms") },
		"time":    func(_ *evaluation, _ *value, found any) (any, error) { return instant(found, "rfc3339") },
		"int":     func(_ *evaluation, _ *value, found any) (any, error) { return integer(found) },
		"abs":     func(_ *evaluation, _ *value, found any) (any, error) { return absolute(found) },
		"lower":   func(_ *evaluation, _ *value, found any) (any, error) { return strings.ToLower(textOf(found)), nil },
		"text":    func(_ *evaluation, _ *value, found any) (any, error) { return textOf(found), nil },
		"minor":   minor,
		"present": func(_ *evaluation, _ *value, found any) (any, error) {
			_, none := found.(absent)
			return !none, nil
		},
	}
}

// textOf returns a scalar's text, and JSON for anything else.
func textOf(found any) string {
	switch found := found.(type) {
	case string:
		return found
	case json.Number:
		return found.String()
	case int64:
		return strconv.FormatInt(found, 10)
	case bool:
		return strconv.FormatBool(found)
	}
	text, _ := json.Marshal(found)
	return string(text)
}

// instant writes a provider's time as RFC 3339.
func instant(found any, unit string) (any, error) {
	at := parseExternalTime(textOf(found), unit)
	if at.IsZero() {
		return nil, fmt.Errorf("isn't a time in the unit %s", unit)
	}
	return at.Format(time.RFC3339Nano), nil
}

func integer(found any) (any, error) {
	n, err := strconv.ParseInt(textOf(found), 10, 64)
	if err != nil {
		return nil, errors.New("isn't a whole number")
	}
	return n, nil
}

func absolute(found any) (any, error) {
	text := strings.TrimPrefix(textOf(found), "-")
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if !decimal.MatchString(text) {
		return nil, errors.New("isn't a number")
	}
	return json.Number(text), nil
}

// decimal is a number in plain notation. One with an exponent could be gigantic.
var decimal = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,20})?$`)

// exponents are the currencies of ISO 4217 whose minor unit isn't a hundredth.
var exponents = map[string]int{
	"bif": 0, "clp": 0, "djf": 0, "gnf": 0, "isk": 0, "jpy": 0, "kmf": 0, "krw": 0, "pyg": 0, "rwf": 0,
	"ugx": 0, "uyi": 0, "vnd": 0, "vuv": 0, "xaf": 0, "xof": 0, "xpf": 0,
	"bhd": 3, "iqd": 3, "jod": 3, "kwd": 3, "lyd": 3, "omr": 3, "tnd": 3, "clf": 4, "uyw": 4,
}

// minor turns an amount in major units into minor units. It works on the decimal
// text, because floats aren't exact, and rounds a half up.
func minor(e *evaluation, v *value, found any) (any, error) {
	currency, err := v.currency.eval(e)
	if err != nil {
		return nil, err
	}
	exponent, ok := exponents[strings.ToLower(textOf(currency))]
	if !ok {
		exponent = 2
	}
	text := textOf(found)
	if !decimal.MatchString(text) {
		return nil, errors.New("isn't an amount such as 4.99")
	}
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	digits := fraction + strings.Repeat("0", exponent+1)
	n, err := strconv.ParseInt(whole+digits[:exponent], 10, 64)
	if err != nil {
		return nil, errors.New("is too large an amount")
	}
	if digits[exponent] >= '5' {
		n++
	}
	if negative {
		n = -n
	}
	return n, nil
}
