package ui

// FieldID returns the id of a form field's input, which the error summary links
// to. See also ErrorID and HintID.
func FieldID(field string) string { return "f-" + field }

// ErrorID returns the id of a form field's errors.
func ErrorID(field string) string { return FieldID(field) + "-error" }

// HintID returns the id of a form field's hint.
func HintID(field string) string { return FieldID(field) + "-hint" }
