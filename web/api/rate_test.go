package api

import (
	"testing"
	"time"
)

func TestKeyRates(t *testing.T) {
	at := time.Unix(0, 0)
	none := &keyRates{}
	for range 1000 {
		if none.take("key_1", at) != 0 {
			t.Fatal("bounded without a limit")
		}
	}
	r := &keyRates{limit: 2}
	r.take("key_1", at)
	r.take("key_1", at)
	if wait := r.take("key_1", at); wait != 500*time.Millisecond {
		t.Errorf("wait %v, want half a second", wait)
	}
	if r.take("key_1", at.Add(500*time.Millisecond)) != 0 {
		t.Error("refused after the wait")
	}
}
