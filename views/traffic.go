package views

import (
	"fmt"
	"math"
	"time"

	"hookwell/models"
	"hookwell/views/ui"
)

// traffic is what the charts of a page are made of.
type traffic struct {
	steps []models.Step
	step  time.Duration
	words string // "in the last 24 hours"
}

func (t traffic) values(of func(models.Counts) float64) []float64 {
	values := make([]float64, len(t.steps))
	for i := range t.steps {
		values[i] = of(t.steps[i].Counts)
	}
	return values
}

func (t traffic) sum() (sum models.Counts) {
	for _, s := range t.steps {
		sum.Add(s.Counts)
	}
	return sum
}

// label returns a time on the x axis.
func (t traffic) label(at time.Time) string {
	if t.step >= 6*time.Hour {
		return at.UTC().Format("2 Jan")
	}
	if t.step > time.Hour {
		return at.UTC().Format("Mon 2 Jan")
	}
	return at.UTC().Format("15:04")
}

// xs are five times along the axis.
func (t traffic) xs() []string {
	labels := make([]string, 0, 5)
	for i := range 4 {
		at := t.steps[i*len(t.steps)/4].At
		text := t.label(at)
		if i == 0 && t.step <= time.Hour {
			text = at.UTC().Format("Mon 15:04")
		}
		labels = append(labels, text)
	}
	return append(labels, "Now")
}

// table adds steps up to about eight rows.
func (t traffic) table(values func(models.Counts) []string) []ui.ChartRow {
	var rows []ui.ChartRow
	per := (len(t.steps) + ui.ChartRows - 1) / ui.ChartRows
	for i := 0; i < len(t.steps); i += per {
		var sum models.Counts
		end := min(i+per, len(t.steps))
		for _, s := range t.steps[i:end] {
			sum.Add(s.Counts)
		}
		until := "now"
		if end < len(t.steps) {
			until = t.moment(t.steps[end].At)
		}
		rows = append(rows, ui.ChartRow{Time: t.moment(t.steps[i].At) + " – " + until, Values: values(sum)})
	}
	return rows
}

func (t traffic) moment(at time.Time) string {
	if t.step <= time.Hour {
		return at.UTC().Format("Mon 15:04")
	}
	return at.UTC().Format("2 Jan, 15:04")
}

func (t traffic) each() string {
	switch {
	case t.step == models.HalfHour:
		return "half hour"
	default:
		return ui.FormatSpan(t.step)
	}
}

// volume returns the chart of what arrived and what did not.
func (t traffic) volume() ui.Chart {
	c := ui.Chart{Title: "Volume", Heads: []string{"Delivered", "Failed attempts"},
		Legend: []ui.ChartKey{{Text: "Delivered", Class: "r-ok"}, {Text: "Failed attempts", Class: "r-bad"}}}
	sum := t.sum()
	if sum.Attempts == 0 && sum.Delivered == 0 {
		c.Empty = "Nothing was sent " + t.words + "."
		return c
	}
	delivered := t.values(func(n models.Counts) float64 { return float64(max(n.Delivered, 0)) })
	failed := t.values(func(n models.Counts) float64 { return float64(max(n.FailedAttempts, 0)) })
	least, most, _ := ui.Extremes(delivered[:max(len(delivered)-1, 1)])
	_, worst, at := ui.Extremes(failed)
	top := ui.NiceCeiling(math.Max(most, math.Max(worst, delivered[len(delivered)-1])))
	if most > 0 {
		delivered[len(delivered)-1] = -1 // the step that is under way would look like a fall
	}
	c.Ys, c.Xs = ui.Scale(top, ""), t.xs()
	c.Paths = []ui.ChartPath{{Class: "g-ok", D: ui.Area(delivered, top)}, {Class: "g-line g-ok-line", D: ui.Line(delivered, top)}, {Class: "g-bad", D: ui.Columns(failed, top)}}
	c.Words = fmt.Sprintf("Deliveries for each %s %s. Between %s and %s arrived.", t.each(), t.words, ui.FormatCount(int(least)), ui.FormatCount(int(most)))
	if worst > 0 {
		c.Words += fmt.Sprintf(" Failed attempts were at most %s, at %s UTC.", ui.FormatCount(int(worst)), t.moment(t.steps[at].At))
	} else {
		c.Words += " No attempt failed."
	}
	c.Rows = t.table(func(n models.Counts) []string {
		return []string{ui.FormatCount(max(n.Delivered, 0)), ui.FormatCount(max(n.FailedAttempts, 0))}
	})
	return c
}

// response returns the chart of how long answers took.
func (t traffic) response() ui.Chart {
	c := ui.Chart{Title: "Response time", Heads: []string{"p50", "p95"},
		Legend: []ui.ChartKey{{Text: "p50", Class: "g-line g-p50", Line: true}, {Text: "p95", Class: "g-line g-p95", Line: true}}}
	sum := t.sum()
	if sum.Answered() == 0 {
		c.Empty = "Nothing was answered " + t.words + "."
		return c
	}
	quantile := func(share float64) []float64 {
		return t.values(func(n models.Counts) float64 {
			if n.Answered() == 0 {
				return -1
			}
			return float64(n.Quantile(share)) / float64(time.Millisecond)
		})
	}
	p50, p95 := quantile(0.5), quantile(0.95)
	_, slowest, at := ui.Extremes(p95)
	top := ui.NiceCeiling(slowest)
	c.Ys, c.Xs = ui.Scale(top, " ms"), t.xs()
	c.Paths = []ui.ChartPath{{Class: "g-line g-p95", D: ui.Line(p95, top)}, {Class: "g-line g-p50", D: ui.Line(p50, top)}}
	c.Words = fmt.Sprintf("Response time %s. Half of the answers took at most %s, 95 %% at most %s. The slowest %s was at %s UTC, with 95 %% within %s.",
		t.words, ui.FormatTook(sum.Quantile(0.5)), ui.FormatTook(sum.Quantile(0.95)), t.each(), t.moment(t.steps[at].At), ui.FormatTook(time.Duration(slowest)*time.Millisecond))
	c.Rows = t.table(func(n models.Counts) []string {
		return []string{ui.FormatTook(n.Quantile(0.5)), ui.FormatTook(n.Quantile(0.95))}
	})
	return c
}
