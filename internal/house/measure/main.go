// Measure prints how large the house is: files and lines of each package, the
// types with the most methods, and how long files and functions are. Generated
// code and tests count in columns of their own, or not at all.
//
//	go run ./internal/house/measure [folder]
package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
)

// mostTypes is how many types are listed.
const mostTypes = 10

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	h, err := measure(os.DirFS(root))
	if err == nil {
		err = h.print(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// print writes three tables. It fails if they can't be written.
func (h *house) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "package\tfiles\tlines\ttest files\ttest lines")
	var all room
	for _, name := range sorted(h.rooms) {
		r := h.rooms[name]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", name, r.files, r.lines, r.testFiles, r.testLines)
		all = room{all.files + r.files, all.lines + r.lines, all.testFiles + r.testFiles, all.testLines + r.testLines}
	}
	fmt.Fprintf(t, "all\t%d\t%d\t%d\t%d\n\n", all.files, all.lines, all.testFiles, all.testLines)

	fmt.Fprintln(t, "type\tmethods")
	types := sorted(h.methods)
	slices.SortStableFunc(types, func(a, b string) int { return cmp.Compare(h.methods[b], h.methods[a]) })
	for _, name := range types[:min(mostTypes, len(types))] {
		fmt.Fprintf(t, "%s\t%d\n", name, h.methods[name])
	}

	fmt.Fprintln(t, "\nlines of a\tp50\tp90\tmax\tthe longest")
	for _, of := range []struct {
		what    string
		lengths []length
	}{{"file", h.files}, {"function", h.functions}} {
		longest := quantile(of.lengths, 1)
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\n", of.what, quantile(of.lengths, 0.5).lines, quantile(of.lengths, 0.9).lines, longest.lines, longest.of)
	}
	return t.Flush()
}

func sorted[T any](of map[string]T) []string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// quantile returns the length that the given share is at most as long as, such as
// 0.9; the zero length if there are none.
func quantile(lengths []length, share float64) length {
	if len(lengths) == 0 {
		return length{}
	}
	slices.SortStableFunc(lengths, func(a, b length) int { return cmp.Compare(a.lines, b.lines) })
	return lengths[max(int(share*float64(len(lengths))+0.5), 1)-1]
}
