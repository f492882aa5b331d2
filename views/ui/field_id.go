package ui

// FieldID is the id of the input of a form's field, which the summary of
// faults links to; errorID and hintID stand beside it.
func FieldID(field string) string { return "f-" + field }

// ErrorID is the id of the faults of a form's field.
func ErrorID(field string) string { return FieldID(field) + "-error" }

// HintID is the id of the hint of a form's field.
func HintID(field string) string { return FieldID(field) + "-hint" }
