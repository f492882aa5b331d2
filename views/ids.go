package views

import (
	"fmt"
	"hash/fnv"
	"io"
	"strconv"

	"hookwell/models"
)

// Root ids of the partials, for hx-target, hx-select and tests.
const (
	DeliveryLogID     = "deliveries" // DeliveryLog
	DeliveryID        = "delivery"   // DeliveryPart
	EventListID       = "events"     // EventList
	OverviewID        = "overview"   // OverviewPart
	EventID           = "event"      // EventPart
	RecentID          = "recent"     // EndpointRecent
	RecoveryID        = "recovery"   // RecoveryBanner
	RecoverCountID    = "recover-count"
	SourceID          = "source"           // SourcePart
	MappingsPreviewID = "mappings-preview" // MappingsPreviewPart
	RequestLogID      = "requests"         // RequestLog
	RequestID         = "request"          // RequestPart
	RequestReplaysID  = "replays"          // RequestReplays
	TestFormID        = "test-form"        // TestForm
	TestAnswerID      = "test-answer"
	TestPanelID       = "test"
	catalogTypeID     = "type"
	catalogListID     = "types"
	deleteEndpointID  = "delete-endpoint"
	deleteSourceID    = "delete-source"
	rotateURLID       = "rotate-url"
	transferDialogID  = "transfer"
	switchDialogID    = "switch-signature"
	organizationsID   = "organizations"
	personMenuID      = "person"
	navigationID      = "nav"
	curlID            = "curl"
	payloadRawID      = "payload-raw"
	requestBodyRawID  = "request-body-raw"
	requestHeadRawID  = "request-head-raw"
	requestHoursID    = "request-hours"
	responseBodyRawID = "response-body-raw"
)

// DeliveryRowID returns the root id of DeliveryRow.
func DeliveryRowID(id string) string { return "row-" + id }

func expireDialogID(id string) string { return "expire-" + id }

func endSecretID(id string) string { return "end-" + id }

func revokeInvitationID(id string) string { return "revoke-invitation-" + id }

func revokeDialogID(id string) string { return "revoke-" + id }

// version changes when what a live part shows of deliveries does. A part that
// was fetched again and has not changed is left alone: swapping it would take
// the focus, or the click, from whoever is using it. The part's id keeps a list
// of one apart from its only row.
func version(part string, deliveries ...models.Delivery) string {
	return digest(part, func(sum io.Writer) { digestDeliveries(sum, deliveries) })
}

// digest returns the version of a part that shows what is written to it.
func digest(part string, write func(sum io.Writer)) string {
	sum := fnv.New64a()
	fmt.Fprintln(sum, part)
	write(sum)
	return strconv.FormatUint(sum.Sum64(), 36)
}

func digestDeliveries(sum io.Writer, deliveries []models.Delivery) {
	for i := range deliveries {
		d := &deliveries[i]
		next := int64(0)
		if d.NextAttemptAt != nil {
			next = d.NextAttemptAt.UnixMilli()
		}
		fmt.Fprintln(sum, d.ID, d.State, d.AttemptCount, d.InFlight, next, d.EndpointTitle)
	}
}
