package acceptance

import (
	"strings"
	"testing"
)

func TestOneServerPerFolder(t *testing.T) {
	t.Parallel()
	here := embedded(t)
	server := here.start(t)
	out, err := here.command("serve").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "HOOKWELL_DATA_DIR: another server uses") {
		t.Errorf("a second server in the same folder: %v\n%s", err, out)
	}
	here.run(t, "", "platform-key", "list")
	server.terminate(t)
	here.start(t).terminate(t)
}
