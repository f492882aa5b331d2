package acceptance

import (
	"bufio"
	"net/http"
	"os"
	"regexp"
	"syscall"
	"testing"
)

// TestLogWithoutReader holds that the process outlives whoever reads its log,
// such as a journal that restarts, and that SIGHUP stops it as SIGTERM does.
func TestLogWithoutReader(t *testing.T) {
	i := embedded(t)
	i.env = append(i.env, "HOOKWELL_LOG_LEVEL=debug")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := i.command("serve")
	c.Stdout, c.Stderr = write, write
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() { c.Process.Kill() })
	address, url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`), ""
	for lines := bufio.NewScanner(read); url == "" && lines.Scan(); {
		url = address.FindString(lines.Text())
	}
	read.Close()
	for n := range 5 {
		response, err := http.Get(url + "/") // whose line of log nobody takes
		if err != nil {
			t.Fatalf("request %d without a reader of the log: %v", n, err)
		}
		response.Body.Close()
	}
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("after SIGHUP it ended with %v, want a stop", err)
	}
}
