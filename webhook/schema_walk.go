package webhook

import (
	"bytes"
	"io"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxPlain is how many bytes a number may have for a walk to read it as an int64.
const maxPlain = 18

// maxKept is how much a walk keeps for the next one to unquote texts in.
const maxKept = 4 << 10

// tokenWalk reads an event's data once and holds each token against a shape. It
// keeps to CheckData's rules on its way.
type tokenWalk struct {
	data    []byte
	source  bytes.Buffer // of data; the decoder reads its bytes in place
	decoder jsontext.Decoder
	text    []byte // the string that was unquoted last
}

var tokenWalks = sync.Pool{New: func() any { return new(tokenWalk) }}

// fits reports whether data surely passes CheckData and fits the schema that
// the shape was made of. What it says no to may fit all the same.
func (s *shape) fits(data []byte) bool {
	if s == nil || len(data) > MaxData {
		return false
	}
	w := tokenWalks.Get().(*tokenWalk)
	defer w.release()
	w.data, w.source = data, *bytes.NewBuffer(data)
	w.decoder.Reset(&w.source)
	if w.decoder.PeekKind() != '{' || !w.value(s) {
		return false
	}
	_, err := w.decoder.ReadToken()
	return err == io.EOF
}

func (w *tokenWalk) release() {
	w.data, w.source = nil, bytes.Buffer{}
	w.decoder.Reset(&w.source)
	if cap(w.text) > maxKept {
		w.text = nil
	}
	tokenWalks.Put(w)
}

func (w *tokenWalk) value(s *shape) bool {
	if s.rest != nil {
		return w.rest(s.rest)
	}
	switch w.decoder.PeekKind() {
	case 'n':
		return s.kinds&nulls != 0 && w.literal(s)
	case 't', 'f':
		return s.kinds&booleans != 0 && w.literal(s)
	case '0':
		return s.kinds&numbers != 0 && w.number(s)
	case '"':
		return s.kinds&texts != 0 && w.string(s)
	case '{':
		return s.kinds&objects != 0 && s.values == nil && w.object(s.object)
	case '[':
		return s.kinds&arrays != 0 && s.values == nil && w.array(s.array)
	}
	return false
}

func (w *tokenWalk) literal(s *shape) bool {
	value, err := w.decoder.ReadValue()
	return err == nil && (s.values == nil || s.values.literals[string(value)])
}

// number reads a number. One with an exponent is left to the schema, since only
// few events have any and their exponents have to be added up.
func (w *tokenWalk) number(s *shape) bool {
	value, err := w.decoder.ReadValue()
	if err != nil || len(value) > maxDigits || bytes.ContainsAny(value, "eE") {
		return false
	}
	if s.values != nil && !s.values.literals[string(value)] {
		return false
	}
	whole, fraction, pointed := bytes.Cut(value, []byte{'.'})
	if pointed && s.integers { // 1.0 is an integer
		return false
	}
	return s.bounds == nil || s.bounds.have(whole, bytes.Trim(fraction, "0"))
}

// have reports whether a number without an exponent is surely within the
// bounds. Its fraction has lost the zeros at its ends.
func (b *bounds) have(whole, fraction []byte) bool {
	if len(whole) > maxPlain {
		return false
	}
	n, err := strconv.ParseInt(string(whole), 10, 64)
	switch {
	case err != nil:
		return false
	case len(fraction) == 0:
		return b.integers.has(n, n)
	case whole[0] == '-':
		return b.fractions.has(n-1, n)
	}
	return b.fractions.has(n, n+1)
}

func (w *tokenWalk) string(s *shape) bool {
	value, err := w.decoder.ReadValue()
	switch {
	case err != nil:
		return false
	case s.values == nil && s.text == nil:
		return true
	}
	text, ok := w.unquoted(value)
	return ok && (s.values == nil || s.values.texts[string(text)]) && (s.text == nil || s.text.fits(text))
}

// unquoted returns what a JSON string says, until the next call.
func (w *tokenWalk) unquoted(value jsontext.Value) ([]byte, bool) {
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	var err error
	w.text, err = jsontext.AppendUnquote(w.text[:0], value)
	return w.text, err == nil
}

func (s *textShape) fits(text []byte) bool {
	if !s.size.has(utf8.RuneCount(text)) {
		return false
	}
	if s.pattern != nil && !s.pattern.MatchString(string(text)) {
		return false
	}
	switch {
	case s.format == nil,
		s.format.Name == "date-time" && isPlainTime(text),
		s.format.Name == "email" && isPlainEmail(text):
		return true
	}
	return s.format.Validate(string(text)) == nil
}

func (w *tokenWalk) object(s *objectShape) bool {
	if !w.open() {
		return false
	}
	count, required := 0, 0
	for ; w.decoder.PeekKind() != '}'; count++ {
		quoted, err := w.decoder.ReadValue()
		if err != nil {
			return false
		}
		name, ok := w.unquoted(quoted)
		if !ok {
			return false
		}
		m, ok := s.members[string(name)]
		if !ok {
			m.shape = s.others
		}
		if m.required {
			required++ // the decoder refuses a name that stands twice
		}
		if !w.value(m.shape) {
			return false
		}
	}
	_, err := w.decoder.ReadToken()
	return err == nil && required == s.required && s.size.has(count)
}

func (w *tokenWalk) array(s *arrayShape) bool {
	if !w.open() {
		return false
	}
	count := 0
	for ; w.decoder.PeekKind() != ']'; count++ {
		item := s.items
		if count < len(s.first) {
			item = s.first[count]
		}
		if !w.value(item) {
			return false
		}
	}
	_, err := w.decoder.ReadToken()
	return err == nil && s.size.has(count)
}

// open reads the token that begins an object or an array.
func (w *tokenWalk) open() bool {
	_, err := w.decoder.ReadToken()
	return err == nil && w.decoder.StackDepth() <= maxDepth
}

// rest reads a value that has no shape, and checks it by its schema.
func (w *tokenWalk) rest(schema *jsonschema.Schema) bool {
	from := w.decoder.InputOffset()
	if !w.value(anything) {
		return false
	}
	// Between the value and the token before it there may be a comma or a colon.
	value := bytes.TrimLeft(w.data[from:w.decoder.InputOffset()], " \t\r\n,:")
	if len(value) >= longData {
		validating <- struct{}{}
		defer func() { <-validating }()
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	return err == nil && schema.Validate(decoded) == nil
}

// isPlainTime reports whether text is a time such as 2026-03-03T15:22:41.123Z,
// on a day that every month has.
func isPlainTime(text []byte) bool {
	const form = "0000-00-00T00:00:00"
	if len(text) < len(form)+1 || text[len(text)-1] != 'Z' {
		return false
	}
	for i := range form {
		if isDigit := text[i]-'0' <= 9; form[i] == '0' && !isDigit || form[i] != '0' && text[i] != form[i] {
			return false
		}
	}
	two := func(at int) byte { return (text[at]-'0')*10 + text[at+1] - '0' }
	if month, day := two(5), two(8); month < 1 || month > 12 || day < 1 || day > 28 {
		return false
	}
	if two(11) > 23 || two(14) > 59 || two(17) > 59 {
		return false
	}
	fraction := text[len(form) : len(text)-1]
	if len(fraction) == 0 {
		return true
	}
	for _, c := range fraction[1:] {
		if c-'0' > 9 {
			return false
		}
	}
	return fraction[0] == '.' && len(fraction) > 1
}

// isPlainEmail reports whether text is an address of ASCII letters, digits and
// _, with single dots, hyphens and plus signs between them, that is too short to
// have a part that is too long.
func isPlainEmail(text []byte) bool {
	const longestLabel = 63
	if len(text) > longestLabel {
		return false
	}
	ats, joined := 0, true // joined is whether the last one may not stand at an end
	for _, c := range text {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9':
			joined = false
		case c == '_' && ats == 0:
			joined = false
		case joined:
			return false
		case c == '.', c == '-', c == '+' && ats == 0:
			joined = true
		case c == '@' && ats == 0:
			ats, joined = 1, true
		default:
			return false
		}
	}
	return ats == 1 && !joined
}
