package views

// Reference is the API's document, as people read it.
type Reference struct {
	Version  string
	Document string // the path of the OpenAPI document
	Groups   []ReferenceGroup
}

// ReferenceGroup is one noun's routes.
type ReferenceGroup struct {
	Title      string
	Operations []ReferenceOperation
}

// ReferenceOperation is one route of the API.
type ReferenceOperation struct {
	ID         string // of the document, and of its place on the page
	Method     string
	Path       string
	Summary    string
	About      string
	Scope      string // empty for platform keys only
	Parameters []ReferenceField
	Body       *ReferenceBody
	Status     string
	Answer     *ReferenceBody // nil when nothing is answered
	Refusals   []ReferenceRefusal
}

// ReferenceBody is JSON that is sent or answered. Fields within others have
// their whole path as their name.
type ReferenceBody struct {
	About   string
	Fields  []ReferenceField
	Example string
}

// ReferenceField is one parameter or member.
type ReferenceField struct {
	Name     string
	Type     string
	Required bool
	About    string
}

// words say what the value may be.
func (f ReferenceField) words() string {
	if f.Required {
		return f.Type + ", required"
	}
	return f.Type
}

// ReferenceRefusal is one way in which a route refuses.
type ReferenceRefusal struct {
	Status string
	Code   string
	About  string
}
