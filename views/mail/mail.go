// Package mail writes mail. A message is queued as its kind and the values that
// its text needs (models.Mail); the worker that sends it calls Words.Write for
// the subject and the text.
//
//   - mail.go: Words, and the writer of each kind; start here
//   - account.go: sign-up, passwords, addresses and sign-ins of one person
//   - team.go: invitations
//   - endpoint.go: news of an organization's endpoints, for its admins
//   - text.go: names that people chose, so that a mail program makes no link of them
package mail

import (
	"fmt"
	"net/url"

	"hookwell/models"
)

// Words writes the text of messages. It is safe for concurrent use.
type Words struct {
	base string
}

// NewWords returns Words whose links begin with base, which is HOOKWELL_BASE_URL
// and never the host of a request.
func NewWords(base *url.URL) Words { return Words{base: base.String()} }

// link returns a page's address as messages carry it. The path begins with a slash.
func (w Words) link(path string) string { return w.base + path }

// home returns where people sign in.
func (w Words) home() string { return w.link("/") }

// written is what a message says.
type written struct{ subject, text string }

// writers are the words by kind.
var writers = map[models.MailKind]func(w Words, v *models.MailValues) written{
	models.MailTest:              test,
	models.MailInvitation:        invitation,
	models.MailJoin:              join,
	models.MailJoinKnown:         joinKnown,
	models.MailSignUp:            signUp,
	models.MailSignUpKnown:       signUpKnown,
	models.MailReset:             reset,
	models.MailEmailAsked:        emailAsked,
	models.MailEmailConfirm:      emailConfirm,
	models.MailEmailTaken:        emailTaken,
	models.MailEmailChanged:      emailChanged,
	models.MailPasswordChanged:   passwordChanged,
	models.MailTwoFactorOff:      twoFactorOff,
	models.MailIdentityLinked:    identityLinked,
	models.MailIdentityUnlinked:  identityUnlinked,
	models.MailEndpointFailing:   endpointFailing,
	models.MailEndpointDisabling: endpointDisabling,
	models.MailEndpointDisabled:  endpointDisabled,
	models.MailEndpointGone:      endpointGone,
	models.MailEndpointRecovered: endpointRecovered,
}

// Write returns the subject and the text of a message, without invisible
// characters. It fails for an unknown kind, such as one of a newer version.
func (w Words) Write(m *models.Mail) (subject, text string, err error) {
	write, known := writers[m.Kind]
	if !known {
		return "", "", fmt.Errorf("this version has no words for mail of the kind %q", m.Kind)
	}
	words := write(w, &m.Values)
	return oneLine(words.subject, maxSubject), lines(words.text), nil
}

func test(w Words, _ *models.MailValues) written {
	return written{"A test message from Hookwell",
		"This message was asked for at the command line of Hookwell at " + w.base + ".\n\nIt arrived, so mail works.\n"}
}
