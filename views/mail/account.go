package mail

import (
	"cmp"

	"hookwell/models"
	"hookwell/views"
)

func signUp(w Words, v *models.MailValues) written {
	return written{"Your account at Hookwell", "Create your account at " + w.home() + " within a day:\n\n" + w.signUpLink(v)}
}

// signUpLink ends the text of a message that makes an account.
func (w Words) signUpLink(v *models.MailValues) string {
	return w.link(views.SignupLinkPath(v.Token)) + "\n\nIf it was not you, do nothing: no account is made.\n"
}

func signUpKnown(w Words, _ *models.MailValues) written {
	return written{"You have an account at Hookwell already", "Somebody, most likely you, wanted to create an account at " + w.home() +
		" with this address. There is one already.\n\nSign in: " + w.link(views.LoginPath) + "\nA new password: " + w.link(views.ForgotPath) + "\n"}
}

func reset(w Words, v *models.MailValues) written {
	return written{"A new password for Hookwell", "Somebody, most likely you, asked for a new password at " + w.home() + ".\n\n" +
		"Choose it here within an hour:\n\n" + w.link(views.ResetPath(v.Token)) + "\n\n" +
		"If it was not you, do nothing: your password stays as it is.\n"}
}

func emailConfirm(w Words, v *models.MailValues) written {
	return written{"Confirm your address at Hookwell", "Confirm within a day that you sign in at " + w.home() + " with this address:\n\n" +
		w.link(views.EmailPath(v.Token)) + "\n\nIf you know nothing of it, do nothing.\n"}
}

func emailTaken(w Words, _ *models.MailValues) written {
	return written{"Your address at Hookwell", "Somebody wanted to sign in at " + w.home() +
		" with this address. It belongs to your account there; nothing was changed.\n"}
}

// notice is word of a change of the account, which ends with what to do if
// somebody else made it.
func (w Words) notice(subject, text string) written {
	return written{subject, text + "\n\nIf it was not you, set a new password at once: " + w.link(views.ForgotPath) + "\n"}
}

func emailAsked(w Words, v *models.MailValues) written {
	return w.notice("Your address at Hookwell is about to change", name(v.Person, "You")+" asked to sign in at "+w.home()+" with "+v.Email+" from now on.")
}

func emailChanged(w Words, v *models.MailValues) written {
	return w.notice("Your address at Hookwell has changed", "You sign in at "+w.home()+" with "+v.Email+" from now on, and no more with this address.")
}

func passwordChanged(w Words, _ *models.MailValues) written {
	return w.notice("Your password at Hookwell has changed", "The password of your account at "+w.home()+" was changed. All other sessions have ended.")
}

func twoFactorOff(w Words, _ *models.MailValues) written {
	return w.notice("Two-factor sign-in was turned off at Hookwell", "Your account at "+w.home()+" asks for no code any more when you sign in.")
}

func identityLinked(w Words, v *models.MailValues) written {
	return w.notice("A sign-in was linked to your account at Hookwell", "Whoever signs in at "+v.Issuer+" as "+cmp.Or(v.Email, "the person who is linked")+
		" can use your account at "+w.home()+" from now on. Unlink it with a new password, or at "+w.link(views.AccountPath)+".")
}

func identityUnlinked(w Words, _ *models.MailValues) written {
	return w.notice("A sign-in was unlinked from your account at Hookwell", "Nobody signs in to your account at "+w.home()+" by a provider any more.")
}
