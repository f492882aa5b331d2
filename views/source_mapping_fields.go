package views

// mappingFieldWords explain the fields of a mapping, and then the values that the data's
// fields may have. docs/receiving.md says the same at length.
var mappingFieldWords = [][2]string{
	{"name", "A stable name, unique in the source. Renaming a mapping lets repeats through."},
	{"events", "The provider’s types that it is for, or \"*\"."},
	{"when", "A condition in CEL, such as body.data.object.amount_paid > 0. If it is false, the request is filtered. CEL sees body, type and headers; has(body.a) asks whether something is there."},
	{"unless", "Names of earlier mappings. If one of them took the request, this one doesn’t."},
	{"type", "The event type of the catalog that it makes."},
	{"identity", "Values that make two requests the same event. Without it, the provider’s id."},
	{"same", "A name in place of its own in the identity, so that several mappings share it."},
	{"occurredAt", "The event’s time as RFC 3339. Without it, the provider’s time."},
	{"payment", "What the event says of a payment’s money: id, and paid or refund."},
	{"data", "The fields of the event’s data, each with one of the values below."},
	{"note", "Text for people."},
	{`{"path": "$.a.b[0].c"}`, "What stands there. A value that isn’t there is left out."},
	{`{"first": [...]}`, "The first of these values that is there."},
	{`{"const": ...}`, "A constant."},
	{`{"cel": "..."}`, "The result of an expression."},
	{`{"fields": {...}}`, "An object."},
	{`{"payment": "..."}`, "amount, refunded or status of the payment, as far as the source knows it."},
	{"fn", "Beside a value, one or several of unix, unix_ms, time, int, text, lower, abs, present and minor."},
	{"map, else", "Beside a value, a text for each text, and one for all others."},
}
