package views

// Root ids of the partials, for hx-target, hx-select and tests.
const (
	DeliveryLogID     = "deliveries" // DeliveryLog
	DeliveryID        = "delivery"   // DeliveryPart
	RecentID          = "recent"     // EndpointRecent
	TestFormID        = "test-form"  // TestForm
	TestAnswerID      = "test-answer"
	TestPanelID       = "test"
	catalogTypeID     = "type"
	deleteEndpointID  = "delete-endpoint"
	organizationsID   = "organizations"
	personMenuID      = "person"
	navigationID      = "nav"
	requestBodyRawID  = "request-body-raw"
	responseBodyRawID = "response-body-raw"
)

// DeliveryRowID is the root id of DeliveryRow.
func DeliveryRowID(id string) string { return "row-" + id }

func revokeDialogID(id string) string { return "revoke-" + id }

// fieldID is the id of the input of a form's field, which the summary of
// faults links to; errorID and hintID stand beside it.
func fieldID(field string) string { return "f-" + field }

func errorID(field string) string { return fieldID(field) + "-error" }

func hintID(field string) string { return fieldID(field) + "-hint" }
