package bench

import "slices"

// Figure is one thing that was measured, once in each round.
type Figure struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
	Min    float64   `json:"min"`
	Median float64   `json:"median"`
	Max    float64   `json:"max"`
}

// add takes one round's value.
func (f *Figure) add(value float64) {
	f.Values = append(f.Values, value)
	sorted := slices.Sorted(slices.Values(f.Values))
	n := len(sorted)
	f.Min, f.Max = sorted[0], sorted[n-1]
	f.Median = (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// figures are in the order in which they were first measured.
type figures []*Figure

func (f *figures) add(name, unit string, value float64) {
	for _, one := range *f {
		if one.Name == name {
			one.add(value)
			return
		}
	}
	fresh := &Figure{Name: name, Unit: unit}
	fresh.add(value)
	*f = append(*f, fresh)
}
