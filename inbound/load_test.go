package inbound

import "testing"

func TestProviders_load(t *testing.T) {
	set, err := readProviders(providersFile, mappingsFile)
	if err != nil {
		t.Fatalf("readProviders() = %v", err)
	}
	if len(set.list) < 28 {
		t.Errorf("readProviders() returned %d providers", len(set.list))
	}
}
