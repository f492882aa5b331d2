package models

import (
	"strings"
	"sync"

	"gorm.io/gorm/schema"
)

// columnsOf lists the columns of a row's type, separated by commas, each behind
// the name of its table in the query. A query of ours names what it reads: an
// older process goes on beside a newer one whose migration has added columns,
// and a session that has described "*" before that can't.
func columnsOf[T any](table string) string {
	parsed, err := schema.Parse(new(T), &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		panic(err) // the types are our own
	}
	return table + "." + strings.Join(parsed.DBNames, ", "+table+".")
}

// The columns that queries of our own text read.
var (
	workColumns    = columnsOf[Work]("delivery_work")
	stateColumns   = columnsOf[EndpointState]("endpoint_states")
	mailColumns    = columnsOf[mailMessage]("mail_messages")
	linkColumns    = columnsOf[PortalLink]("portal_links")
	memberColumns  = columnsOf[Member]("members")
	orgColumns     = columnsOf[Organization]("organizations")
	settingColumns = columnsOf[EndpointSetting]("endpoint_settings")
)
