// Package webhook holds the rules of webhooks. It uses no database and no web
// framework. Its parts, in the order in which an event meets them:
//
//   - The catalog has the event types (catalog.go) and checks data against their
//     schemas (schema*.go). Subscriptions match types to endpoints (subscription.go).
//   - An Envelope is the body that receivers get (envelope.go).
//   - A Schedule says when attempts are made (schedule*.go), RetryStatuses which
//     statuses are tried again (retry_statuses.go).
//   - The Guard decides which addresses may be called (guard.go, url.go).
//   - The Sender makes one attempt (sender.go): it signs a Message (message.go,
//     signature.go, secret.go), dials (dial.go, pool.go), speaks HTTP (http1.go,
//     http2.go, head.go, body.go), and names the cause of a failure (cause.go,
//     failure.go).
//
// Faults are input errors, each at its field (fault.go). Start with Sender.Send,
// and with Catalog.Validate.
package webhook

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed events.json
var builtIn []byte

// EventType is one kind of event that an organization can subscribe to. All
// callers share it; don't change it.
type EventType struct {
	Type             string
	Category         string // the name of its Category
	Description      string
	FiresWhen        string
	Schema           json.RawMessage // JSON Schema of the data, indented, keys in the file's order
	Example          json.RawMessage // a data object that fits the schema, likewise
	ExampleTimestamp time.Time

	fields   []Field
	compiled *jsonschema.Schema
	shape    *shape // of compiled; nil if it has none
}

// Category is a group of event types, in the order of the file that names it.
type Category struct {
	Name  string // as in the file: "apiKey"
	Title string // for people: "API keys"
	Types []*EventType
}

// Catalog has every event type that this installation knows. It is safe for
// concurrent use.
type Catalog struct {
	types      []*EventType
	byName     map[string]*EventType
	categories []Category
}

// catalogEntry is an event type as the files write it.
type catalogEntry struct {
	Type        string         `json:"type"`
	Category    string         `json:"category"`
	Description string         `json:"description"`
	FiresWhen   string         `json:"fires_when"`
	Schema      jsontext.Value `json:"schema"`
	Example     struct {
		Type      string         `json:"type"`
		Timestamp time.Time      `json:"timestamp"`
		Data      jsontext.Value `json:"data"`
	} `json:"example"`
}

// maxTypeName keeps a type's name fit for a header and an index.
const maxTypeName = 128

var typeName = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)

// NewCatalog reads the built-in event types and, if extra is not nil, those of an
// operator's file in the same form. Its error names the faulty entry: a bad or
// doubled type name, a schema that does not compile or refers to another
// document, or an example that its own schema refuses.
func NewCatalog(extra []byte) (*Catalog, error) {
	c := &Catalog{byName: map[string]*EventType{}}
	if err := c.add(builtIn); err != nil {
		return nil, fmt.Errorf("built-in catalog: %w", err)
	}
	if extra == nil {
		return c, nil
	}
	if err := c.add(extra); err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	return c, nil
}

// unreadable says what of a catalog's file can't be read, and where.
func unreadable(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *jsonx.SemanticError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("the file is not valid JSON at byte %d", syntax.ByteOffset)
	case errors.As(err, &semantic) && semantic.JSONPointer == "":
		return errors.New("the file has to be a list of event types")
	case errors.As(err, &semantic) && errors.Is(semantic.Err, jsonx.ErrUnknownName):
		return fmt.Errorf("%s is not known", semantic.JSONPointer)
	case errors.As(err, &semantic):
		return fmt.Errorf("%s may not be a JSON %s", semantic.JSONPointer, semantic.JSONKind)
	}
	return err
}

func (c *Catalog) add(file []byte) error {
	var entries []catalogEntry
	if err := jsonx.Unmarshal(file, &entries, jsonx.RejectUnknownMembers(true)); err != nil {
		return unreadable(err)
	}
	for i, entry := range entries {
		eventType, err := newEventType(entry)
		if err == nil && c.byName[entry.Type] != nil {
			err = fmt.Errorf("the catalog has this type already")
		}
		if err != nil {
			return fmt.Errorf("entry %d (%q): %w", i+1, entry.Type, err)
		}
		c.insert(eventType)
	}
	return nil
}

func (c *Catalog) insert(t *EventType) {
	c.types = append(c.types, t)
	c.byName[t.Type] = t
	at := slices.IndexFunc(c.categories, func(have Category) bool { return have.Name == t.Category })
	if at < 0 {
		at = len(c.categories)
		c.categories = append(c.categories, Category{Name: t.Category, Title: categoryTitle(t.Category)})
	}
	c.categories[at].Types = append(c.categories[at].Types, t)
}

func newEventType(entry catalogEntry) (*EventType, error) {
	if len(entry.Type) > maxTypeName || !typeName.MatchString(entry.Type) {
		return nil, fmt.Errorf("a type is lower-case words of a to z, 0 to 9 and _, joined by dots, %d characters at most", maxTypeName)
	}
	if strings.TrimSpace(entry.Category) == "" {
		return nil, fmt.Errorf("the category is missing")
	}
	for part, fault := range map[string]string{"category": NameFault(entry.Category, 100), "description": TextFault(entry.Description, 2000), "fires_when": TextFault(entry.FiresWhen, 2000)} {
		if fault != "" {
			return nil, fmt.Errorf("the %s: %s", part, fault)
		}
	}
	if entry.Example.Type != entry.Type {
		return nil, fmt.Errorf("its example is of the type %q", entry.Example.Type)
	}
	compiled, shape, err := compileSchema(entry.Type, entry.Schema)
	if err != nil {
		return nil, err
	}
	fields, err := schemaFields(entry.Schema)
	if err != nil {
		return nil, fmt.Errorf("reading the properties of the schema: %w", err)
	}
	t := &EventType{
		Type: entry.Type, Category: entry.Category,
		Description: entry.Description, FiresWhen: entry.FiresWhen,
		ExampleTimestamp: entry.Example.Timestamp.UTC(),
		fields:           fields, compiled: compiled, shape: shape,
	}
	if faults := t.validate(entry.Example.Data); len(faults) > 0 {
		return nil, fmt.Errorf("the example fails its own schema: %w", faults)
	}
	t.Schema, t.Example = indented(entry.Schema), indented(entry.Example.Data)
	return t, nil
}

// indented undoes the indentation that a value has inside its file. What comes
// here has been parsed, so it cannot fail.
func indented(value jsontext.Value) json.RawMessage {
	value = value.Clone()
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		panic(err)
	}
	return json.RawMessage(value)
}

// categoryTitle makes "Invoice items" of invoiceItems, invoice_items or
// invoice.items. "apiKey" is the one whose title its name does not give.
func categoryTitle(name string) string {
	if name == "apiKey" {
		return "API keys"
	}
	var title strings.Builder
	for i, r := range name {
		switch {
		case i == 0:
			title.WriteRune(unicode.ToUpper(r))
		case r == '_' || r == '.' || r == '-':
			title.WriteByte(' ')
		case unicode.IsUpper(r):
			title.WriteByte(' ')
			title.WriteRune(unicode.ToLower(r))
		default:
			title.WriteRune(r)
		}
	}
	return title.String()
}

// Types lists every event type in the order of the files. The list is shared;
// don't change it.
func (c *Catalog) Types() []*EventType { return c.types }

// Categories lists the categories in the order of the files. The list is shared;
// don't change it.
func (c *Catalog) Categories() []Category { return c.categories }

// Lookup returns an event type by its name, and whether there is one.
func (c *Catalog) Lookup(eventType string) (*EventType, bool) {
	t, ok := c.byName[eventType]
	return t, ok
}
