package webhook

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// thinned is data without what would only add to the count of its faults. The
// schema's validator makes an error of some 300 bytes for each wrong value and takes
// ten times as long for it as for a right one, while people are shown MaxFaults. So
// it gets, of each list, the values with the first MaxFaults faults, and those that
// the shape can't judge. Faults of the values behind them come later in every order
// that is shown: where they stand makes no difference.
type thinned struct {
	data    []byte
	decoder *jsontext.Decoder
	out     []byte
	text    []byte // the string that was unquoted last
	kept    int    // certain faults in out
	more    int    // certain faults of what was left out
}

// judgement is what a shape says of a value.
type judgement struct {
	faults int  // of it and its members
	sure   bool // that the schema finds these and no others
}

func (j *judgement) add(other judgement) {
	j.faults += other.faults
	j.sure = j.sure && other.sure
}

// thin returns data that passed CheckData without what would only be counted, and
// the count. The schema finds faults in what is left if, and only if, it finds any
// in the data.
func (s *shape) thin(data []byte) (left []byte, more int) {
	if s == nil {
		return data, 0
	}
	w := thinned{data: data, decoder: jsontext.NewDecoder(bytes.NewBuffer(data)), out: make([]byte, 0, min(len(data), longData))}
	if _, ok := w.value(s); !ok {
		return data, 0
	}
	return w.out, w.more
}

// value writes the next value, or what is left of it. It reports false if the data
// can't be read.
func (w *thinned) value(s *shape) (judgement, bool) {
	if s.rest != nil {
		_, ok := w.copy()
		return judgement{}, ok
	}
	kind, nested := w.decoder.PeekKind(), false
	var j judgement
	ok := true
	switch {
	case kind == '{' && s.kinds&objects != 0 && s.values == nil:
		j, ok = w.object(s.object)
		nested = true
	case kind == '[' && s.kinds&arrays != 0 && s.values == nil:
		j, ok = w.array(s.array)
		nested = true
	}
	if nested {
		return j, ok
	}
	text, ok := w.copy()
	if !ok {
		return j, false
	}
	j = w.judge(s, text)
	w.kept += j.faults
	return j, true
}

func (w *thinned) copy() (jsontext.Value, bool) {
	text, err := w.decoder.ReadValue()
	w.out = append(w.out, text...)
	return text, err == nil
}

// judge judges a value that has no members which the shape knows.
func (w *thinned) judge(s *shape, text jsontext.Value) judgement {
	of := kindOf(text.Kind())
	switch {
	case s.kinds&of == 0:
		return judgement{1, true}
	case of == nulls || of == booleans:
		return judged(s.values == nil || s.values.literals[string(text)])
	case of == texts:
		return w.judgeText(s, text)
	case of == numbers && s.values == nil && len(text) <= maxPlain && !bytes.ContainsAny(text, "eE"):
		return s.judgeNumber(text)
	}
	return judgement{}
}

// unquoted returns what a JSON string says, until the next call.
func (w *thinned) unquoted(value jsontext.Value) ([]byte, bool) {
	var err error
	w.text, err = jsontext.AppendUnquote(w.text[:0], value)
	return w.text, err == nil
}

func judged(right bool) judgement {
	if right {
		return judgement{0, true}
	}
	return judgement{1, true}
}

func kindOf(kind jsontext.Kind) kinds {
	switch kind {
	case 'n':
		return nulls
	case 't', 'f':
		return booleans
	case '0':
		return numbers
	case '"':
		return texts
	case '[':
		return arrays
	}
	return objects
}

// judgeNumber judges a short number without an exponent.
func (s *shape) judgeNumber(text jsontext.Value) judgement {
	whole, fraction, _ := bytes.Cut(text, []byte{'.'})
	fraction = bytes.Trim(fraction, "0")
	switch within := s.bounds == nil || s.bounds.have(whole, fraction); {
	case s.integers && len(fraction) > 0:
		return judged(false)
	case within:
		return judged(true)
	case len(fraction) == 0: // of an integer, the bounds say what they mean
		return judged(false)
	}
	return judgement{}
}

func (w *thinned) judgeText(s *shape, quoted jsontext.Value) judgement {
	if s.values == nil && s.text == nil {
		return judged(true)
	}
	text, ok := w.unquoted(quoted)
	if !ok {
		return judgement{}
	}
	return judged((s.values == nil || s.values.texts[string(text)]) && (s.text == nil || s.text.fits(text)))
}

// array writes the items until they have MaxFaults certain faults. Of what follows
// it writes what is not certain, and as much as the bounds of the list's size ask
// for.
func (w *thinned) array(s *arrayShape) (judgement, bool) {
	if !w.open('[') {
		return judgement{}, false
	}
	all, keptBefore, count, written := judgement{sure: true}, w.kept, 0, 0
	for ; w.decoder.PeekKind() != ']'; count++ {
		item := s.items
		if count < len(s.first) {
			item = s.first[count]
		}
		from, kept, more := len(w.out), w.kept, w.more
		full := kept-keptBefore >= MaxFaults && count >= len(s.first) && s.size.past(written)
		if written > 0 {
			w.out = append(w.out, ',')
		}
		j, ok := w.value(item)
		if !ok {
			return all, false
		}
		all.add(j)
		if full && j.sure {
			w.out, w.kept, w.more = w.out[:from], kept, more+j.faults
		} else {
			written++
		}
	}
	return w.end(']', all, s.size.has(count))
}

// past reports whether n and any larger number are on the same side of the bounds.
func (s size) past(n int) bool { return n >= s.least && (s.most == math.MaxInt || n > s.most) }

// surplus is a member of an object that its schema doesn't name, and that is wrong.
type surplus struct {
	name       string
	text       []byte
	faults     int
	kept, more int // of the faults
}

// object writes the members, and of those that the schema doesn't name the ones with
// the first MaxFaults certain faults.
func (w *thinned) object(s *objectShape) (judgement, bool) {
	if !w.open('{') {
		return judgement{}, false
	}
	all, count, written, required := judgement{sure: true}, 0, 0, 0
	var wrong []surplus
	for ; w.decoder.PeekKind() != '}'; count++ {
		from, kept, more := len(w.out), w.kept, w.more
		quoted, ok := w.copy()
		if !ok {
			return all, false
		}
		name, ok := w.unquoted(quoted)
		if !ok {
			return all, false
		}
		m, named := s.members[string(name)]
		if !named {
			m.shape = s.others
		}
		if m.required {
			required++
		}
		w.out = append(w.out, ':')
		j, ok := w.value(m.shape)
		if !ok {
			return all, false
		}
		all.add(j)
		if !named && j.sure && j.faults > 0 {
			name, _ = w.unquoted(quoted)
			wrong = append(wrong, surplus{string(name), bytes.Clone(w.out[from:]), j.faults, w.kept - kept, w.more - more})
			w.out, w.kept, w.more = w.out[:from], kept, more
			continue
		}
		w.out = append(w.out, ',')
		written++
	}
	w.surplus(wrong, s.size, written)
	if w.out[len(w.out)-1] == ',' {
		w.out = w.out[:len(w.out)-1]
	}
	missing := s.required - required
	all.faults, w.kept = all.faults+missing, w.kept+missing
	return w.end('}', all, s.size.has(count))
}

// surplus writes the first of the wrong members, in the order in which their faults
// are shown.
func (w *thinned) surplus(wrong []surplus, bounds size, written int) {
	slices.SortFunc(wrong, func(a, b surplus) int { return cmp.Or(compareSteps(a.name, b.name), cmp.Compare(a.name, b.name)) })
	kept := w.kept
	for _, m := range wrong {
		if w.kept-kept >= MaxFaults && bounds.past(written) {
			w.more += m.faults
			continue
		}
		w.out = append(append(w.out, m.text...), ',')
		w.kept, w.more = w.kept+m.kept, w.more+m.more
		written++
	}
}

func (w *thinned) open(bracket byte) bool {
	_, err := w.decoder.ReadToken()
	w.out = append(w.out, bracket)
	return err == nil
}

// end writes the end of an object or an array, whose size may be wrong as well.
func (w *thinned) end(bracket byte, j judgement, sized bool) (judgement, bool) {
	_, err := w.decoder.ReadToken()
	w.out = append(w.out, bracket)
	if !sized {
		j.faults++
		w.kept++
	}
	return j, err == nil
}
