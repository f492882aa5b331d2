package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxData is the most bytes that an event's data may have.
const MaxData = 256 << 10

const (
	maxDepth = 128
	// maxExponent keeps 1e400 and refuses what a validator, here or at a
	// receiver, would have to write out in millions of digits to compare.
	maxExponent    = 9999
	exponentDigits = 4
	// maxDigits bounds the others: what reads a number takes time by their square.
	maxDigits = 1000
	// maxExponents bounds the exponents of all numbers of an event together: to
	// compare one of four digits takes as long as reading a thousand plain numbers.
	maxExponents = 1_000_000
)

// Envelope is an event as its receivers see it.
type Envelope struct {
	EventID        string
	Type           string
	Timestamp      time.Time // written in UTC with three decimals
	OrganizationID string    // the product's own id of it where one is set
	Test           bool
	Data           []byte // a JSON object that CheckData accepts
}

// Bytes returns the envelope as every attempt sends it. It drops only the
// whitespace between the data's parts; the order of keys, the text of numbers and
// the escapes stay. It fails if data is not JSON, if text is not UTF-8, and if
// RFC 3339 can't write the year.
func (e Envelope) Bytes() ([]byte, error) {
	at := e.Timestamp.UTC()
	if at.Year() < 0 || at.Year() > 9999 {
		return nil, fmt.Errorf("the year %d has no RFC 3339 form", at.Year())
	}
	out := make([]byte, 0, len(e.Data)+256)
	var faults [3]error
	out, faults[0] = jsontext.AppendQuote(append(out, `{"id":`...), e.EventID)
	out, faults[1] = jsontext.AppendQuote(append(out, `,"type":`...), e.Type)
	if e.Test {
		out = append(out, `,"test":true`...)
	}
	out = at.AppendFormat(append(out, `,"timestamp":"`...), "2006-01-02T15:04:05.000Z")
	out, faults[2] = jsontext.AppendQuote(append(out, `","organizationId":`...), e.OrganizationID)
	if err := errors.Join(faults[:]...); err != nil {
		return nil, fmt.Errorf("writing the envelope: %w", err)
	}
	out = append(out, `,"data":`...)
	// CheckData has looked for duplicate names: looking again would cost a map.
	out, err := jsontext.AppendFormat(out, e.Data, jsontext.PreserveRawStrings(true), jsontext.AllowDuplicateNames(true))
	if err != nil {
		return nil, fmt.Errorf("writing the data: %w", err)
	}
	return append(out, '}'), nil
}

// CheckData returns an error if bytes can't be an event's data. They must be one
// JSON object (RFC 8259) of at most MaxData bytes in valid UTF-8, without
// duplicate keys or unpaired surrogates (RFC 7493), nested at most 128 deep.
// Numbers may have 1,000 digits and an exponent of four, and the exponents of all
// numbers may add up to a million.
func CheckData(data []byte) Faults {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return Faults{{Field: "data", Message: "is required"}}
	case len(data) > MaxData:
		return Faults{{Field: "data", Message: fmt.Sprintf("must have at most %d bytes (256 KiB), it has %d", MaxData, len(data))}}
	case !utf8.Valid(data):
		return Faults{{Field: "data", Message: "must be valid UTF-8"}}
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(data))
	if kind := decoder.PeekKind(); kind != '{' && kind != jsontext.KindInvalid {
		return Faults{{Field: "data", Message: "must be a JSON object"}}
	}
	if fault := checkTokens(decoder, data); fault != nil {
		return Faults{*fault}
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return Faults{{Field: "data", Message: "must end after its object"}}
	}
	return nil
}

// checkTokens reads one whole value.
func checkTokens(decoder *jsontext.Decoder, data []byte) *Fault {
	exponents := 0
	for {
		var err error
		if decoder.PeekKind() == '0' {
			var number jsontext.Value
			number, err = decoder.ReadValue()
			if err == nil {
				size := exponent(number)
				exponents += size
				if message := checkNumber(number, size, exponents); message != "" {
					return &Fault{Field: pointerField(decoder.StackPointer()), Message: message}
				}
			}
		} else {
			_, err = decoder.ReadToken()
		}
		switch {
		case err != nil:
			fault := syntaxFault(err, data)
			return &fault
		case decoder.StackDepth() > maxDepth:
			return &Fault{Field: "data", Message: fmt.Sprintf("must be nested at most %d deep", maxDepth)}
		case decoder.StackDepth() == 0:
			return nil
		}
	}
}

// checkNumber returns what is wrong with a number's size, empty if nothing is.
func checkNumber(number []byte, exponent, exponents int) string {
	switch {
	case exponent > maxExponent:
		return "has an exponent of more than four digits"
	case exponents > maxExponents:
		return fmt.Sprintf("is a number too many: the exponents of an event's numbers add up to %d at most", maxExponents)
	case digits(number) > maxDigits:
		return fmt.Sprintf("has more than %d digits", maxDigits)
	}
	return ""
}

// digits returns how many digits a number has before its exponent.
func digits(number []byte) int {
	if at := bytes.IndexAny(number, "eE"); at >= 0 {
		number = number[:at]
	}
	n := len(number) - bytes.Count(number, []byte("."))
	if number[0] == '-' {
		n--
	}
	return n
}

// exponent returns the size of a number's exponent, without its sign.
func exponent(number []byte) int {
	at := bytes.IndexAny(number, "eE")
	if at < 0 {
		return 0
	}
	size := bytes.TrimLeft(number[at+1:], "+-")
	n, err := strconv.Atoi(string(size))
	if err != nil || len(size) > exponentDigits { // zeros in front are digits too
		return maxExponent + 1
	}
	return n
}

func syntaxFault(err error, data []byte) Fault {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Fault{Field: "data", Message: "must be JSON: it ends too early"}
	case !errors.As(err, &syntax):
		return Fault{Field: "data", Message: "must be JSON"}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return Fault{Field: pointerField(syntax.JSONPointer), Message: "occurs twice in the same object"}
	case surrogateAt(data, syntax.ByteOffset):
		return Fault{Field: pointerField(syntax.JSONPointer), Message: "has an unpaired surrogate"}
	}
	return Fault{Field: pointerField(syntax.JSONPointer), Message: fmt.Sprintf("must be JSON: there is a fault at byte %d", syntax.ByteOffset)}
}

// surrogateAt reports whether a surrogate's escape begins at an offset. The
// decoder has no type for this fault, and half a character deserves its own words.
func surrogateAt(data []byte, offset int64) bool {
	if offset+4 > int64(len(data)) {
		return false
	}
	at := data[offset:]
	return at[0] == '\\' && at[1] == 'u' && at[2]|0x20 == 'd' && strings.IndexByte("89abcdef", at[3]|0x20) >= 0
}

// pointerField turns a JSON Pointer (RFC 6901) into data.items.0.price.
func pointerField(pointer jsontext.Pointer) string {
	return dataField(slices.Collect(pointer.Tokens()))
}

// printable shows what somebody sent inside a sentence: short, and with
// nothing that a terminal or a log would act on.
func printable(text string) string {
	const most = 100
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	quoted := strconv.QuoteToGraphic(text)
	if inner := quoted[1 : len(quoted)-1]; inner == text && text != "" {
		return text
	}
	return quoted
}
