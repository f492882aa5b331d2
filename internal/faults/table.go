package faults

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"hookwell/internal/page"
)

// Print returns the table for a terminal, with what is wrong below it.
func Print(rows []Row) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\taccepted\tdelivered\tvisibly failed\tlost\tduplicates\tlast one after")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\n", r.Fault.Name, r.Accepted, r.Delivered, r.VisiblyFailed, r.Lost, r.Duplicates, r.last())
	}
	w.Flush()
	for _, r := range rows {
		for _, note := range r.Notes {
			fmt.Fprintf(&b, "%s: %s\n", r.Fault.Name, note)
		}
	}
	const most = 10
	for _, r := range rows {
		for i, wrong := range r.Wrong {
			if i == most {
				fmt.Fprintf(&b, "WRONG  %s: and %d more\n", r.Fault.Name, len(r.Wrong)-most)
				break
			}
			fmt.Fprintf(&b, "WRONG  %s: %s\n", r.Fault.Name, wrong)
		}
	}
	return b.String()
}

func (r Row) last() string { return fmt.Sprintf("%.1f s", r.Last.Seconds()) }

// Write puts the table into a page, in the place of the one before.
func Write(path string, rows []Row) error { return page.Put(path, "faults", markdown(rows)) }

func markdown(rows []Row) string {
	var b strings.Builder
	b.WriteString("\n| Fault | Accepted | Delivered | Visibly failed | Lost | Duplicates | Last one after |\n| --- | --: | --: | --: | --: | --: | --: |\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %s |\n", r.Fault.Name, r.Accepted, r.Delivered, r.VisiblyFailed, r.Lost, r.Duplicates, r.last())
	}
	b.WriteString("\n| Fault | What it means | Measured beside it |\n| --- | --- | --- |\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.Fault.Name, r.Fault.Meaning, strings.Join(r.Notes, "; "))
	}
	b.WriteString("\n")
	return b.String()
}
