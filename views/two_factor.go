package views

import (
	"fmt"
	"net/url"
	"strings"

	"rsc.io/qr"

	"hookwell/models"
	"hookwell/webhook"
)

// TwoFactorView is the page of a person's second factor. Key is set while it is
// being set up; Codes only on the answer that makes them. Faults stand at code.
type TwoFactorView struct {
	State  models.TwoFactor
	Key    *models.TwoFactorKey
	Codes  []string
	Asked  string // the name of the organization that asks for it; may be empty
	Faults webhook.Faults
}

// TwoFactorAskedPath returns the page for a member of an organization that asks for
// a second factor.
func TwoFactorAskedPath(slug string) string { return TwoFactorPath + "?org=" + url.QueryEscape(slug) }

// qrDrawing is a QR code as SVG: the side of its square, quiet zone included,
// and the path of its dark modules.
type qrDrawing struct {
	side int
	path string
}

// qrQuiet is the white border that scanners need (ISO/IEC 18004).
const qrQuiet = 4

// drawQR returns the QR code of a text. What is too long for one has no path.
func drawQR(text string) qrDrawing {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return qrDrawing{side: 2 * qrQuiet}
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+qrQuiet, y+qrQuiet, run, run)
				x += run
			}
		}
	}
	return qrDrawing{code.Size + 2*qrQuiet, path.String()}
}

// groups writes a key in fours, as people read it aloud.
func groups(text string) string {
	var b strings.Builder
	for i, r := range text {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// twoFactorAction is a form of one button.
type twoFactorAction struct{ path, id, title, text, button, class string }

// CodeForm is the second step of a sign-in. Field: code.
type CodeForm struct{ Faults webhook.Faults }
