package database

import (
	"hookwell/models"
)

// GrowingTable is a table that grows without end, and its rising key.
type GrowingTable struct{ Name, Key, Prefix string }

// GrowingTables are the tables that retention shortens.
var GrowingTables = []GrowingTable{
	{"attempts", "delivery_id", models.PrefixDelivery},
	{"deliveries", "id", models.PrefixDelivery},
	{"events", "id", models.PrefixEvent},
}
