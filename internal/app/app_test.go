package app_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"hookwell/internal/app"
	"hookwell/internal/config"
)

func open(t *testing.T, folder string) (*app.App, error) {
	t.Helper()
	c, err := config.Demo(folder)
	if err != nil {
		t.Fatalf("Demo(%s) = %v", folder, err)
	}
	return app.Open(t.Context(), c)
}

// TestApp starts on a port that is taken, which the demo may leave for another,
// and looks what a folder allows while it runs and after it stopped.
func TestApp(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Setenv("HOOKWELL_ADDR", taken.Addr().String())
	folder := t.TempDir()
	a, err := open(t, folder)
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	ended, err := a.Start(t.Context(), true)
	if err != nil {
		t.Fatalf("Start() = %v", err)
	}
	if a.URL().Host == taken.Addr().String() {
		t.Errorf("it says that it serves on %s, which is taken", a.URL())
	}
	response, err := http.Get(a.URL().JoinPath("healthz").String())
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("GET /healthz = %s, want 200", response.Status)
	}
	if _, err := open(t, folder); err == nil || !strings.Contains(err.Error(), "HOOKWELL_DATA_DIR: another server uses "+folder) {
		t.Errorf("Open() of the folder that is in use = %v", err)
	}
	a.Close()
	if err := <-ended; err != nil {
		t.Errorf("after Close the serving ended with %v", err)
	}
	again, err := open(t, folder)
	if err != nil {
		t.Fatalf("Open() of the folder after Close = %v", err)
	}
	again.Close()
}
