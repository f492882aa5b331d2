package mail

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxSubject is how many characters a subject has at most.
	maxSubject = 200
	// maxName is how many characters of a name stand in a message.
	maxName = 60
)

// hidden reports whether a character shows nothing or turns the text around it:
// controls, joiners, marks of direction, fillers.
func hidden(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0':
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Variation_Selector)
}

// lines returns a message's text without hidden characters: its lines stay.
func lines(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && hidden(r) {
			return -1
		}
		return r
	}, valid(text))
}

// valid is text in UTF-8 without NUL, whatever it was made of.
func valid(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// oneLine returns one line of at most so many characters, whatever it is made of.
func oneLine(text string, most int) string {
	shown := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case hidden(r):
			return -1
		}
		return r
	}, valid(text))
	return shorten(strings.Join(strings.Fields(shown), " "), most)
}

func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:most-1])) + "…"
}

// name returns a name that somebody chose, as it stands in a message to others:
// one short line in which no mail program finds an address to make a link of.
// A name that shows nothing is replaced by what it is a name of.
func name(chosen, noun string) string {
	var b strings.Builder
	characters := []rune(oneLine(chosen, 4*maxName))
	for i, r := range characters {
		next := rune(' ')
		if i+1 < len(characters) {
			next = characters[i+1]
		}
		switch {
		case r == '@' || r == '＠' || r == '﹫':
			b.WriteString(" at ")
		case r == '<' || r == '>' || r == '\\':
			b.WriteRune(' ')
		case isDot(r) || r == ':' || r == '：' || r == '﹕':
			b.WriteRune(r)
			if !unicode.IsSpace(next) && !within(characters, i, unicode.IsDigit) {
				b.WriteRune(' ')
			}
		case r == '/' && next == '/':
		default:
			b.WriteRune(r)
		}
	}
	return cmp.Or(shorten(strings.Join(strings.Fields(b.String()), " "), maxName), noun)
}

// isDot reports whether a character separates the labels of a domain, as IDNA
// has it (UTS 46).
func isDot(r rune) bool { return strings.ContainsRune(".。．｡․", r) }

// within reports whether both neighbours of a character are of a kind, as in 2.0
// and 12:30, and it is the only such character of its word: four numbers are an
// address.
func within(characters []rune, i int, of func(rune) bool) bool {
	if i == 0 || i+1 == len(characters) || !of(characters[i-1]) || !of(characters[i+1]) {
		return false
	}
	from, to := i, i
	for from > 0 && !unicode.IsSpace(characters[from-1]) {
		from--
	}
	for to < len(characters) && !unicode.IsSpace(characters[to]) {
		to++
	}
	n := 0
	for _, r := range characters[from:to] {
		if isDot(r) || strings.ContainsRune(":：﹕/@", r) {
			n++
		}
	}
	return n == 1
}
