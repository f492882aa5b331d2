package inbound

import (
	"fmt"
	"regexp"
	"strconv"

	"hookwell/webhook"
)

// Organization is what an item says about the organization it belongs to, for a
// source of the installation. The ID comes before the references.
type Organization struct {
	ID         string      // of an organization; "" if the item has none
	References []Reference // in the order in which they are tried
}

// Reference is a name that another system has for an organization.
type Reference struct {
	System string // "stripe"
	Value  string // "cus_9"
}

// OrganizationRule says where an installation's source finds the organization of
// each item. It is JSON in a source's row and in providers.json. Paths that a
// buyer can set are faults.
type OrganizationRule struct {
	IDs        []string        `json:"ids,omitempty"` // paths of an organization's id; the first that is there counts
	References []ReferenceRule `json:"references,omitempty"`
}

// ReferenceRule is a path of a name that another system has for an organization.
type ReferenceRule struct {
	System string `json:"system"`
	Path   string `json:"path"`
}

// organizationRule is a compiled OrganizationRule.
type organizationRule struct {
	ids        []path
	references []compiledReference
}

type compiledReference struct {
	system string
	path   path
}

const maxOrganizationPaths = 10

var referenceSystem = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)

// SystemFault says what is wrong with the name of a Reference's system, or "".
func SystemFault(system string) string {
	if !referenceSystem.MatchString(system) {
		return "is 1 to 40 characters of a to z, 0 to 9 and _"
	}
	return ""
}

// compile checks a rule. Faults are at fields below at.
func (r OrganizationRule) compile(faults *webhook.Faults, at string, p *Provider) (compiled organizationRule) {
	if len(r.IDs) > maxOrganizationPaths || len(r.References) > maxOrganizationPaths {
		faults.Add(at, fmt.Sprintf("has at most %d paths of each kind", maxOrganizationPaths))
		return compiled
	}
	for i, text := range r.IDs {
		compiled.ids = append(compiled.ids, p.organizationPath(faults, at+".ids["+strconv.Itoa(i)+"]", text))
	}
	for i, reference := range r.References {
		field := at + ".references[" + strconv.Itoa(i) + "]"
		if fault := SystemFault(reference.System); fault != "" {
			faults.Add(field+".system", fault)
		}
		compiled.references = append(compiled.references, compiledReference{reference.System, p.organizationPath(faults, field+".path", reference.Path)})
	}
	return compiled
}

// organizationPath reads a path that leads to an organization. One that a buyer
// can set would let them put events into somebody else's organization.
func (p *Provider) organizationPath(faults *webhook.Faults, at, text string) path {
	read, err := parsePath(text)
	if err != nil {
		faults.Add(at, err.Error())
		return nil
	}
	for _, controlled := range p.buyerControls {
		if read.under(controlled) {
			faults.Add(at, "is set by the buyer in the checkout, who could name any organization there; use a reference to the customer's id")
			return read
		}
	}
	for _, s := range read {
		if s.name == "client_reference_id" {
			faults.Add(at, "is set by the buyer in the checkout's address, who could name any organization there; use a reference to the customer's id")
		}
	}
	return read
}

// Organization reads which organization an item belongs to. Both parts may be
// empty.
func (v *Verifier) Organization(item Item) (found Organization) {
	rule := v.organization
	if len(rule.ids)+len(rule.references) == 0 {
		return found
	}
	body, err := decodeTree(item.Body)
	if err != nil {
		return found
	}
	for _, p := range rule.ids {
		if id, ok := p.in(body); ok && found.ID == "" {
			found.ID = externalText(textOf(id), MaxExternalID)
		}
	}
	for _, reference := range rule.references {
		if value, ok := reference.path.in(body); ok {
			if text := externalText(textOf(value), MaxExternalID); text != "" {
				found.References = append(found.References, Reference{reference.system, text})
			}
		}
	}
	return found
}
