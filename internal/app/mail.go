package app

import (
	"net/url"

	"hookwell/internal/config"
	"hookwell/views/mail"
)

// MailWords returns what messages of this process say. Served is where its server
// is found, nil if it has none.
func MailWords(c *config.Config, served *url.URL) mail.Words {
	return mail.NewWords(linkBase(c, served))
}

// linkBase is what links in mail begin with. A process that serves no pages
// can't know better than the settings.
func linkBase(c *config.Config, served *url.URL) *url.URL {
	switch {
	case served != nil:
		return served
	case c.BaseURL != nil:
		return c.BaseURL
	default:
		return &url.URL{Scheme: "http", Host: c.Addr}
	}
}
