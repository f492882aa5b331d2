package views

import "hookwell/webhook"

// ForgotForm asks for a link that sets a new password. Field: email.
type ForgotForm struct {
	Email  string
	Mail   bool // messages reach people; without, the operator helps
	Faults webhook.Faults
}

// Sent says where a link went, and what to do with it.
type Sent struct {
	Title string
	Text  string
}

// ResetForm sets a new password by a link. Fields: new, unlink.
type ResetForm struct {
	Path   string
	Email  string
	Linked bool // to a provider, which lets in without the password
	Unlink bool
	Faults webhook.Faults
}

// LinkForm is a page behind a link that does one thing once its button is
// pressed: programs that follow links in mail press none.
type LinkForm struct {
	Path   string
	Title  string
	Text   string
	Button string
}
