package webhook

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
)

// blanks are symbols that show nothing: the Braille pattern without dots, what
// stands for an embedded object, and the notehead that is none.
var blanks = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0xfffc, Hi: 0xfffc, Stride: 1}},
	R32: []unicode.Range32{{Lo: 0x1d159, Hi: 0x1d159, Stride: 1}},
}

// later are code points without a character as far as this program's Unicode
// knows, in the blocks that Unicode keeps for drawings and for ideographs. These
// grow every year, and people write names in them at once.
var later = &unicode.RangeTable{
	R32: []unicode.Range32{{Lo: 0x1f000, Hi: 0x1faff, Stride: 1}, {Lo: 0x1fc00, Hi: 0x1fffd, Stride: 1}, {Lo: 0x20000, Hi: 0x2fffd, Stride: 1}, {Lo: 0x30000, Hi: 0x3fffd, Stride: 1}},
}

// NameFault returns a sentence for people if a name can't be used, and "" if it
// can. A name is refused if it has more than that many characters or more than
// one line, if it shows nothing, or if it has code points that are no characters,
// differ between systems, show nothing, or turn the text round, since it could
// then pass for another name. An empty name is no fault here.
//
// Characters that words and emoji need are accepted: the joiners of Persian and
// Indic words, emoji sequences, and marks of direction beside letters that run
// from right to left.
func NameFault(name string, most int) string {
	if name == "" {
		return ""
	}
	if fault := TextFault(name, most); fault != "" {
		return fault
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }) {
		return "Write it on one line, without control characters."
	}
	return ""
}

// TextFault does what NameFault does, for text of several lines.
func TextFault(text string, most int) string {
	if utf8.RuneCountInString(text) > most {
		return fmt.Sprintf("Use up to %d characters.", most)
	}
	if !utf8.ValidString(text) {
		return "Write it in characters of Unicode; this is not UTF-8."
	}
	shows, characters := false, []rune(text)
	for i, r := range characters {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return "Leave out the control character (" + codePoint(r) + ")."
		case unicode.Is(unicode.Co, r):
			return "Leave out the character for private use (" + codePoint(r) + "): each system shows another one, or none."
		case unicode.Is(unicode.Cn, r) && !unicode.Is(later, r):
			return "Leave out " + codePoint(r) + ", which is no character: it shows a box, or nothing."
		case r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069':
			return "Leave out the character that turns the text round (" + codePoint(r) + "): with it, this could pass for something else."
		case invisible(r):
			if !needed(characters, i) {
				return "Leave out the character that shows nothing (" + codePoint(r) + "): with it, this could pass for something else."
			}
		case unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S, later):
			shows = true
		}
	}
	if text != "" && !shows {
		return "Enter at least one letter, digit or symbol: this shows nothing."
	}
	return ""
}

func codePoint(r rune) string { return fmt.Sprintf("U+%04X", r) }

// invisible reports whether a character shows nothing by itself.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, blanks) ||
		unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	blackFlag          = '\U0001f3f4' // which tags make a region's
)

// needed reports whether the invisible character at a place belongs to how a
// word or an emoji is written.
func needed(text []rune, at int) bool {
	before, after := neighbor(text, at, -1), neighbor(text, at, 1)
	switch r := text[at]; {
	case r == zeroWidthNonJoiner || r == zeroWidthJoiner:
		return joining(before) && (joining(after) || after == 0 && r == zeroWidthJoiner) || r == zeroWidthJoiner && symbol(before) && symbol(after)
	case r == '\u200e' || r == '\u200f' || r == '\u061c': // marks of direction
		return strings.ContainsFunc(string(text), rightToLeft)
	case r == '\ufe0e' || r == '\ufe0f': // an emoji as text, or in colour
		return at > 0 && (emoji(text[at-1]) || strings.ContainsRune("0123456789#*", text[at-1]))
	case r >= '\U000e0100' && r <= '\U000e01ef': // a form of an ideograph
		return at > 0 && unicode.Is(unicode.Han, text[at-1])
	case r >= '\U000e0020' && r <= '\U000e007f':
		return before == blackFlag
	case r >= '\u180b' && r <= '\u180f': // Mongolian forms
		return at > 0 && unicode.IsLetter(text[at-1]) && unicode.Is(unicode.Mongolian, text[at-1])
	}
	return false
}

// neighbor returns the next character in a direction that is no selector, tag or
// mark; 0 at the end.
func neighbor(text []rune, at, step int) rune {
	for at += step; at >= 0 && at < len(text); at += step {
		r := text[at]
		if !unicode.Is(unicode.Variation_Selector, r) && !(r >= '\U000e0020' && r <= '\U000e007f') && !unicode.Is(unicode.M, r) {
			return r
		}
	}
	return 0
}

// joining reports whether a letter is of a script whose letters join, so that
// joiners change how its words look.
func joining(r rune) bool {
	return unicode.IsLetter(r) && unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Mandaic, unicode.Adlam, unicode.Hanifi_Rohingya,
		unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada,
		unicode.Malayalam, unicode.Sinhala, unicode.Tibetan, unicode.Myanmar, unicode.Khmer, unicode.Balinese, unicode.Javanese, unicode.Newa)
}

// rightToLeft reports whether a letter runs from right to left. Marks of
// direction are of that direction too, and no letters.
func rightToLeft(r rune) bool {
	properties, _ := bidi.LookupRune(r)
	class := properties.Class()
	return unicode.IsLetter(r) && (class == bidi.R || class == bidi.AL)
}

// symbol reports whether a character may be part of an emoji: a drawing, or what
// gives it a colour of skin.
func symbol(r rune) bool { return r > 0x7f && unicode.In(r, unicode.So, unicode.Sk, unicode.Sm) }

// emoji reports whether a character may be drawn in colour; a few marks may.
func emoji(r rune) bool { return symbol(r) || r > 0x7f && unicode.Is(unicode.Po, r) }
