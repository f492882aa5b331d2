package webhook

import (
	"strings"
	"testing"
)

func TestNameFault(t *testing.T) {
	taken := []string{
		"", "Ada Lovelace", "O’Brien-Smith, Jr.", "Jürgen Groß", "José", "Jose\u0301", "李小龍", "山田 太郎", "Київ", "محمد", "نرم\u200cافزار", "می\u200cخواهم",
		"क्\u200dष", "ক্\u200dষ", "ශ්\u200dරී", "פלוני (בע״מ)\u200e", "Team 👩\u200d💻", "👨\u200d👩\u200d👧\u200d👦", "🏳️\u200d🌈", "❤️", "❤\ufe0f\u200d🔥", "1️⃣ first", "👍🏽", "👩🏽\u200d🚀",
		"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🇩🇪", "葛\U000e0100城", "C++ & Go", "…", "A\u00a0B",
		"Team \U0001fae9", "\U0001faea", "Team \U0001fc00", "\U0002ebf0\U000323b0", "شركة\u061c (1)", "\u200fشركة", "ݐ\u200e!", "𐤀𐤁\u200f!", "ᠠ\u180eᠨ",
	}
	for _, name := range taken {
		if fault := NameFault(name, 100); fault != "" {
			t.Errorf("%q is refused: %s", name, fault)
		}
	}
	refused := map[string]string{
		"\u200b": "nothing", "\u00ad": "nothing", "\u3164": "nothing", "\u115f\u1160": "nothing", "\uffa0": "nothing", "\u2060": "nothing", "\ufeff": "nothing",
		"\u034f": "nothing", "\u0301": "shows nothing", "\u0301\u0302": "shows nothing", "\ufe0f": "nothing", "\u2800": "shows nothing", "\ufffc": "shows nothing", "\ufffc\ufffc": "shows nothing", "\U0001d159": "shows nothing", "\u2800 \U0001d159": "shows nothing", "\u200d": "nothing", "\u200c": "nothing",
		"\U000e0041": "nothing", "A\U000e0041": "nothing", "\u200e": "nothing", "Ac\u200bme": "U+200B", "Ac\u00adme": "U+00AD", "Ac\u200dme": "U+200D", "Ac\u200cme": "U+200C", "Acme\ufe0f": "U+FE0F", "Acme\u200f": "U+200F",
		"a\u061cb": "U+061C", "\u061ca": "U+061C", "a\u061c\u200f": "U+061C", "\u200f\u061ca": "U+200F", "a\u200eb": "U+200E", "\u200eb": "U+200E", "a\u0610\u200f": "U+200F",
		"a\u2800b": "U+2800", "a\ufffcb": "U+FFFC", "a\U0001d159b": "U+1D159", "م a\u061c\u200d": "U+200D", "ᠠ\u180e\u180e": "U+180E",
		"A\u2061b": "U+2061", "\u202eemcA": "turns the text round (U+202E)", "a\u202ab": "U+202A", "a\u2066b\u2069": "U+2066", "م\u202eب": "U+202E",
		"\ue000": "private use (U+E000)", "Ac\ue000me": "private use (U+E000)", "Ac\uf8ffme": "U+F8FF", "a\U000f0000b": "U+F0000", "a\U0010fffdb": "U+10FFFD",
		"\u0378": "U+0378, which is no character", "Ac\u0378me": "U+0378", "a\u05ffb": "U+05FF", "a\U000e0080b": "U+E0080", "a\U0001fb93b": "U+1FB93", "a\U000dffffb": "U+DFFFF",
		"\ufdd0": "no character", "a\ufdefb": "U+FDEF", "a\ufffeb": "U+FFFE", "a\uffffb": "U+FFFF", "a\U0002fffeb": "U+2FFFE", "a\U0010ffffb": "U+10FFFF",
		"a\x00b": "control", "a\x1bb": "control", "a\u0085b": "control", "a\u2028b": "control", "a\nb": "one line", "a\xffb": "UTF-8", strings.Repeat("é", 101): "100 characters",
	}
	for name, says := range refused {
		if fault := NameFault(name, 100); !strings.Contains(fault, says) {
			t.Errorf("%q: %q does not say %q", name, fault, says)
		}
	}
	if fault := TextFault("two\nlines\tof text", 100); fault != "" {
		t.Error(fault)
	}
	if fault := TextFault("two\nlines\u202e", 100); fault == "" {
		t.Error("text that is turned round is taken")
	}
}
