package database

import (
	"strings"
	"sync"

	"gorm.io/gorm/schema"

	"hookwell/models"
)

// ColumnsOf lists the columns of a row's type, separated by commas, each behind
// the name of its table in the query. A query of ours names what it reads: an
// older process goes on beside a newer one whose migration has added columns,
// and a session that has described "*" before that can't.
func ColumnsOf[T any](table string) string {
	parsed, err := schema.Parse(new(T), &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		panic(err) // the types are our own
	}
	return table + "." + strings.Join(parsed.DBNames, ", "+table+".")
}

// The columns that queries of our own text read.
var (
	WorkColumns    = ColumnsOf[models.Work]("delivery_work")
	StateColumns   = ColumnsOf[models.EndpointState]("endpoint_states")
	MailColumns    = ColumnsOf[models.MailMessage]("mail_messages")
	LinkColumns    = ColumnsOf[models.PortalLink]("portal_links")
	MemberColumns  = ColumnsOf[models.Member]("members")
	OrgColumns     = ColumnsOf[models.Organization]("organizations")
	HistoryColumns = ColumnsOf[models.EndpointHistory]("endpoint_settings")
)
