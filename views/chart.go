package views

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"hookwell/models"
)

// The drawing of a chart, stretched to the width that there is.
const (
	chartWidth  = 480.0
	chartHeight = 120.0
	chartLines  = 3 // above the base
	chartRows   = 8 // of the table, about
)

// chart is one chart: what it draws, its scales and its table.
type chart struct {
	title  string
	words  string // what it shows, in a sentence or two
	paths  []chartPath
	legend []chartKey
	ys, xs []string // labels, from the top and from the left
	heads  []string // of the table, after the time
	rows   []chartRow
	empty  string // instead, where nothing was counted
}

type chartPath struct{ class, d string }

type chartKey struct {
	text, class string
	line        bool
}

type chartRow struct {
	time   string
	values []string
}

// niceCeiling is the next number of 1, 1.5, 2, 3, 4.5, 6 and 9 times a power of ten:
// a third of each is easy to read.
func niceCeiling(value float64) float64 {
	if value <= chartLines {
		return chartLines
	}
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, step := range []float64{1.2, 1.5, 1.8, 2.4, 3, 4.5, 6, 7.5, 9} {
		if step*power >= value {
			return step * power
		}
	}
	return 12 * power
}

// scale are the labels of the y axis, the unit at the top one.
func scale(top float64, unit string) []string {
	labels := make([]string, chartLines+1)
	for i := range labels {
		labels[i] = formatCount(int(top * float64(chartLines-i) / chartLines))
	}
	labels[0] += unit
	return labels
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// points places values in the drawing, each in the middle of its step; one
// below zero is a gap.
func points(values []float64, top float64) (runs [][][2]float64) {
	width := chartWidth / float64(max(len(values), 1))
	var run [][2]float64
	for i, v := range values {
		if v < 0 {
			if len(run) > 0 {
				runs, run = append(runs, run), nil
			}
			continue
		}
		run = append(run, [2]float64{(float64(i) + 0.5) * width, chartHeight * (1 - math.Min(v/top, 1))})
	}
	if len(run) > 0 {
		runs = append(runs, run)
	}
	return runs
}

// line draws values as lines; a value alone between gaps is a short one.
func line(values []float64, top float64) string {
	var b strings.Builder
	for _, run := range points(values, top) {
		if len(run) == 1 {
			run = [][2]float64{{run[0][0] - 2, run[0][1]}, {run[0][0] + 2, run[0][1]}}
		}
		for i, p := range run {
			b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0])
			b.WriteString(coordinate(p[0]) + " " + coordinate(p[1]))
		}
	}
	return b.String()
}

// area draws values as the ground under their line.
func area(values []float64, top float64) string {
	var b strings.Builder
	for _, run := range points(values, top) {
		b.WriteString("M" + coordinate(run[0][0]) + " " + coordinate(chartHeight))
		for _, p := range run {
			b.WriteString("L" + coordinate(p[0]) + " " + coordinate(p[1]))
		}
		b.WriteString("V" + coordinate(chartHeight) + "Z")
	}
	return b.String()
}

// columns draws values as bars; what is not zero is seen.
func columns(values []float64, top float64) string {
	var b strings.Builder
	width := chartWidth / float64(max(len(values), 1))
	for i, v := range values {
		if v > 0 {
			height := math.Max(chartHeight*math.Min(v/top, 1), 2)
			fmt.Fprintf(&b, "M%s %sh%sV%sh-%sZ", coordinate(float64(i)*width+width*0.2), coordinate(chartHeight-height), coordinate(width*0.6),
				coordinate(chartHeight), coordinate(width*0.6))
		}
	}
	return b.String()
}

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

// label is a time on the x axis.
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
func (t traffic) table(values func(models.Counts) []string) []chartRow {
	var rows []chartRow
	per := (len(t.steps) + chartRows - 1) / chartRows
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
		rows = append(rows, chartRow{t.moment(t.steps[i].At) + " – " + until, values(sum)})
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
		return formatSpan(t.step)
	}
}

// volume is the chart of what arrived and what did not.
func (t traffic) volume() chart {
	c := chart{title: "Volume", heads: []string{"Delivered", "Failed attempts"},
		legend: []chartKey{{text: "Delivered", class: "r-ok"}, {text: "Failed attempts", class: "r-bad"}}}
	sum := t.sum()
	if sum.Attempts == 0 && sum.Delivered == 0 {
		c.empty = "Nothing was sent " + t.words + "."
		return c
	}
	delivered := t.values(func(n models.Counts) float64 { return float64(max(n.Delivered, 0)) })
	failed := t.values(func(n models.Counts) float64 { return float64(max(n.FailedAttempts, 0)) })
	least, most, _ := extremes(delivered[:max(len(delivered)-1, 1)])
	_, worst, at := extremes(failed)
	top := niceCeiling(math.Max(most, math.Max(worst, delivered[len(delivered)-1])))
	if most > 0 {
		delivered[len(delivered)-1] = -1 // the step that is under way would look like a fall
	}
	c.ys, c.xs = scale(top, ""), t.xs()
	c.paths = []chartPath{{"g-ok", area(delivered, top)}, {"g-line g-ok-line", line(delivered, top)}, {"g-bad", columns(failed, top)}}
	c.words = fmt.Sprintf("Deliveries for each %s %s. Between %s and %s arrived.", t.each(), t.words, formatCount(int(least)), formatCount(int(most)))
	if worst > 0 {
		c.words += fmt.Sprintf(" Failed attempts were at most %s, at %s UTC.", formatCount(int(worst)), t.moment(t.steps[at].At))
	} else {
		c.words += " No attempt failed."
	}
	c.rows = t.table(func(n models.Counts) []string {
		return []string{formatCount(max(n.Delivered, 0)), formatCount(max(n.FailedAttempts, 0))}
	})
	return c
}

// response is the chart of how long answers took.
func (t traffic) response() chart {
	c := chart{title: "Response time", heads: []string{"p50", "p95"},
		legend: []chartKey{{"p50", "g-line g-p50", true}, {"p95", "g-line g-p95", true}}}
	sum := t.sum()
	if sum.Answered() == 0 {
		c.empty = "Nothing was answered " + t.words + "."
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
	_, slowest, at := extremes(p95)
	top := niceCeiling(slowest)
	c.ys, c.xs = scale(top, " ms"), t.xs()
	c.paths = []chartPath{{"g-line g-p95", line(p95, top)}, {"g-line g-p50", line(p50, top)}}
	c.words = fmt.Sprintf("Response time %s. Half of the answers took at most %s, 95 %% at most %s. The slowest %s was at %s UTC, with 95 %% within %s.",
		t.words, formatTook(sum.Quantile(0.5)), formatTook(sum.Quantile(0.95)), t.each(), t.moment(t.steps[at].At), formatTook(time.Duration(slowest)*time.Millisecond))
	c.rows = t.table(func(n models.Counts) []string {
		return []string{formatTook(n.Quantile(0.5)), formatTook(n.Quantile(0.95))}
	})
	return c
}

// extremes are the least and the greatest value, and where the greatest is.
func extremes(values []float64) (least, most float64, at int) {
	least = math.Inf(1)
	for i, v := range values {
		if v >= 0 && v < least {
			least = v
		}
		if v > most {
			most, at = v, i
		}
	}
	if math.IsInf(least, 1) {
		least = 0
	}
	return least, most, at
}
