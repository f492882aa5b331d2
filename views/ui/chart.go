package ui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The drawing of a chart, stretched to the width that there is.
const (
	chartWidth  = 480.0
	chartHeight = 120.0
	chartLines  = 3 // above the base
	ChartRows   = 8 // of the table, about
)

// Chart is one chart: its lines and areas, its scales and its table.
type Chart struct {
	Title  string
	Words  string // what it shows, in a sentence or two
	Paths  []ChartPath
	Legend []ChartKey
	Ys, Xs []string // labels, from the top and from the left
	Heads  []string // of the table, after the time
	Rows   []ChartRow
	Empty  string // instead, where nothing was counted
}

// ChartPath is one line or area of a chart: its class and its path.
type ChartPath struct{ Class, D string }

// ChartKey is one entry of the legend.
type ChartKey struct {
	Text, Class string
	Line        bool
}

// ChartRow is one row of a chart's table.
type ChartRow struct {
	Time   string
	Values []string
}

// NiceCeiling returns the next number of 1, 1.5, 2, 3, 4.5, 6 and 9 times a power
// of ten. A third of each is easy to read.
func NiceCeiling(value float64) float64 {
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

// Scale returns the labels of the y axis; the top one has the unit.
func Scale(top float64, unit string) []string {
	labels := make([]string, chartLines+1)
	for i := range labels {
		labels[i] = FormatCount(int(top * float64(chartLines-i) / chartLines))
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

// Line returns values as lines. A value alone between gaps becomes a short line.
func Line(values []float64, top float64) string {
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

// Area returns values as the area under their line.
func Area(values []float64, top float64) string {
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

// Columns returns values as bars. Every value that is not zero is visible.
func Columns(values []float64, top float64) string {
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

// Extremes returns the least and the greatest value, and the index of the
// greatest.
func Extremes(values []float64) (least, most float64, at int) {
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
