package config

import (
	"net/mail"
	"net/url"
	"strings"

	"hookwell/jobs"
)

// checkMail makes the mailer. What is wrong with the server's URL is said
// without it: it may hold a password.
func (s *checks) checkMail() error {
	if s.SMTPURL == "" && s.MailFrom == "" {
		return nil
	}
	if s.SMTPURL == "" {
		return Wrong("HOOKWELL_SMTP_URL", "set it too, or unset HOOKWELL_MAIL_FROM to send no mail")
	}
	const form = "write it as smtp://user:password@host:587 or smtps://user:password@host:465"
	if fault := unencoded(s.SMTPURL); fault != "" {
		return Wrong("HOOKWELL_SMTP_URL", "%s", fault)
	}
	server, err := url.Parse(s.SMTPURL)
	if err != nil {
		return Wrong("HOOKWELL_SMTP_URL", form)
	}
	if server.RawQuery != "" || server.ForceQuery {
		return Wrong("HOOKWELL_SMTP_URL", "the options behind the ? are not used; remove them")
	}
	if path := strings.Trim(server.Path, "/"); path != "" {
		return Wrong("HOOKWELL_SMTP_URL", "the path behind the host is not used; remove it")
	}
	from, err := mail.ParseAddress(s.MailFrom)
	if err != nil {
		return Wrong("HOOKWELL_MAIL_FROM", "set it to the address that mail is from, such as hooks@example.com or Hookwell <hooks@example.com>")
	}
	if s.config.Mailer, err = jobs.NewMailer(jobs.MailOptions{Server: server, From: from}); err != nil {
		return Wrong("HOOKWELL_SMTP_URL", "%v; %s", err, form)
	}
	return nil
}
