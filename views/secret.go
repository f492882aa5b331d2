package views

import (
	"fmt"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// SecretView is the tab of an endpoint's secrets. Fresh and Revealed are set
// only on the answers that show what a secret is.
type SecretView struct {
	Endpoint *models.Endpoint
	Health   models.Health
	Strip    []models.Step
	Secrets  []models.EndpointSecret // in force, newest first
	Rotate   RotateForm
	Fresh    webhook.Secret // that a rotation just made or imported
	Revealed []models.RevealedSecret
	Faults   webhook.Faults // at overlapHours, secret or password
}

// RotateForm is what was typed to rotate. The secret to import is not kept.
type RotateForm struct {
	OverlapHours string
}

// switchable reports whether x-webhook-signature is still an earlier secret's.
func (v SecretView) switchable() bool { return len(v.Secrets) > 0 && !v.Secrets[0].SignsOlder }

// secretWord names a secret by its place, for nothing of it may be shown.
func secretWord(place int) string {
	if place == 0 {
		return "Newest"
	}
	return "Earlier"
}

// imported reports whether a secret has another form for the libraries.
func imported(secret webhook.Secret) bool { return secret.StandardForm() != secret.Reveal() }

// madeWords is who made a secret and when.
func madeWords(page Page, secret models.EndpointSecret) string {
	words := ui.FormatDay(page.Now, secret.CreatedAt)
	if secret.CreatedBy != "" {
		words += " by " + secret.CreatedBy
	}
	return words
}

func revealedTitle(place, of int) string {
	if of == 1 {
		return "The signing secret"
	}
	return "The " + map[bool]string{true: "newest", false: "earlier"}[place == 0] + " secret"
}

func revealedText(page Page, secret models.EndpointSecret) string {
	text := "Made on " + madeWords(page, secret) + ". "
	if secret.ExpiresAt != nil {
		text += "It signs until " + ui.FormatDay(page.Now, *secret.ExpiresAt) + " UTC. "
	}
	return text + "Leave this page when you have it."
}

// ordinal returns a place among signatures: "first", "second".
func ordinal(place int) string {
	words := []string{"first", "second", "third", "fourth", "fifth"}
	return words[min(place, len(words)-1)]
}

// keepField asks for an imported secret again, where the URL changes.
func keepField(faults webhook.Faults) ui.Input {
	return ui.Input{Name: "secret", Label: "Imported secret", Note: "only to keep it", Faults: faults,
		Hint: "Enter it again if the URL changes to another scheme, host or port and the receiver there has it too. Otherwise a new one is made then."}
}

// importField asks for a secret that the receiver has already.
func importField(faults webhook.Faults) ui.Input {
	return ui.Input{Name: "secret", Label: "Import a secret", Note: "optional", Faults: faults,
		Hint: fmt.Sprintf("One that the receiver has already: whsec_… or any text of %d to %d characters. Leave it empty for a new one.", webhook.MinSecretText, webhook.MaxSecretText)}
}
