package faults

import (
	"os"
	"path/filepath"
	"testing"

	"hookwell/internal/program"
)

// TestMain is also the receiver's process.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "receiver" {
		if err := ServeReceiver(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestSources makes a result from before a change to the program stale.
func TestSources(t *testing.T) {
	if err := program.LookAtSources("../.."); err != nil {
		t.Fatal(err)
	}
}

// TestPromise is the short form of the suite; go tool task faults is all of it.
func TestPromise(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "hookwell")
	if err := program.Build(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	rows, err := Run(t.Context(), Options{Binary: binary, Receiver: []string{os.Args[0], "receiver"}, Rate: 25, AtOnce: 5, Short: true, Log: t.Output()})
	if err != nil {
		t.Error(err)
	}
	for _, row := range rows {
		if len(row.Wrong) > 0 {
			t.Errorf("%s: the promise was not kept", row.Fault.Name)
		}
	}
	t.Log("\n" + Print(rows))
}
