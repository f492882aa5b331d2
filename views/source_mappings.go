package views

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
	"hookwell/webhook"
)

// SourceMappingsView is a source's mappings as they were typed. Preview is what they
// would make, if that was asked for. Faults stand at mappings.
type SourceMappingsView struct {
	Source  *models.Source
	Version string
	Text    string
	Own     bool // they are the source's own, not the provider's
	Asked   bool // for a preview
	Preview []models.PreviewedRequest
	Faults  webhook.Faults
}

// NewSourceMappings returns the mappings as they are saved.
func NewSourceMappings(s *models.Source) SourceMappingsView {
	list := mappingsOf(s)
	if list == nil {
		list = []json.RawMessage{}
	}
	text, _ := json.Marshal(list) // which was JSON when it was read
	return SourceMappingsView{Source: s, Version: s.Version().Form, Text: editableJSON(text), Own: s.Mappings != ""}
}

// ownWords say whose mappings they are.
func (v SourceMappingsView) ownWords() string {
	if v.Own {
		return "This source’s own mappings"
	}
	if list := mappingsOf(v.Source); len(list) == 0 {
		return providerTitle(v.Source.Provider) + " comes with none"
	}
	return "As " + providerTitle(v.Source.Provider) + " comes with them"
}

// previewCount says how the previewed requests end.
func (v SourceMappingsView) previewCount() string {
	counts := map[models.Processing]int{}
	for i := range v.Preview {
		counts[previewEnd(&v.Preview[i])]++
	}
	var parts []string
	for _, end := range []struct {
		processing models.Processing
		words      string
	}{{models.ProcessingFailed, "can’t be mapped"}, {models.ProcessingProcessed, "mapped"}, {models.ProcessingIgnored, "left out"}} {
		if n := counts[end.processing]; n > 0 {
			parts = append(parts, ui.FormatCount(n)+" "+end.words)
		}
	}
	return strings.Join(parts, ", ")
}

// previewEnd returns what mapping alone makes of a request, whether or not its events
// were made before.
func previewEnd(p *models.PreviewedRequest) models.Processing {
	misfits := slices.ContainsFunc(p.Events, func(e models.PreviewedEvent) bool { return len(e.Faults) > 0 })
	switch {
	case p.Request.Processing == models.ProcessingFailed, len(p.Faults) > 0, misfits:
		return models.ProcessingFailed
	case len(p.Events) > 0:
		return models.ProcessingProcessed
	}
	return models.ProcessingIgnored
}

// previewLook returns how a previewed request is drawn.
func previewLook(p *models.PreviewedRequest) (class, icon string) {
	switch previewEnd(p) {
	case models.ProcessingFailed:
		return "is-failed", "failed"
	case models.ProcessingProcessed:
		return "is-ok", "delivered"
	}
	return "is-off", "cancelled"
}

// previewWords say what a request without events and faults of a mapping becomes.
func previewWords(p *models.PreviewedRequest) string {
	r := &p.Request
	switch {
	case len(p.Events) > 0 || len(p.Faults) > 0:
		return ""
	case r.Processing == models.ProcessingFailed:
		return r.Error
	}
	if why, _ := unmappedWords(r); why != "" {
		return why
	}
	return "The source has no mapping."
}

// relayedWords say how a request is passed on beside its mappings.
func relayedWords(p *models.PreviewedRequest) string {
	if p.Relayed == "" {
		return "It isn’t passed on as it was received."
	}
	return "It is passed on as it was received, as"
}

// faultHead names the mapping that fails, and the item of a batch.
func faultHead(fault models.PreviewFault) string {
	words := fault.Mapping
	if words == "" {
		words = "The request"
	}
	if fault.Item > 0 {
		words += ", item " + ui.FormatCount(fault.Item+1)
	}
	return words
}

// previewedFacts are what an event has beside its data.
func previewedFacts(e models.PreviewedEvent) string {
	facts := []string{"by " + e.Mapping, "occurred " + e.OccurredAt.UTC().Format(time.RFC3339)}
	if e.Test {
		facts = append(facts, "test")
	}
	if e.Repeated {
		facts = append(facts, "made before")
	}
	return strings.Join(facts, ", ")
}

// dataLabel names the data of an event of a request, as nothing else on the page is.
func dataLabel(p *models.PreviewedRequest, n int) string {
	return "Data of event " + ui.FormatCount(n+1) + ", " + p.Events[n].Type + ", of " + p.Request.ID
}
