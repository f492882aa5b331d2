package acceptance

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	_ "github.com/glebarez/sqlite" // the driver

	"hookwell/models/store"
)

// TestPasswordCost holds what the tests of the packages make cheap: the program
// hashes passwords at the default cost, whatever its environment says.
func TestPasswordCost(t *testing.T) {
	folder := t.TempDir()
	here := installation{[]string{"HOOKWELL_DATA_DIR=" + folder, "HOOKWELL_PASSWORD_COST=1", "HOOKWELL_LOG_LEVEL=warn"}}
	here.run(t, "correct horse battery staple\n", "user", "create", "--email", "priya@example.com", "--name", "Priya", "--org", "Acme")
	db, err := sql.Open("sqlite", "file:"+folder+"/hookwell.db?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var hash string
	if err := db.QueryRowContext(context.Background(), "SELECT password_hash FROM users").Scan(&hash); err != nil {
		t.Fatal(err)
	}
	cost := store.DefaultPasswordCost
	if want := fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=1$", cost.Memory, cost.Passes); !strings.HasPrefix(hash, want) || cost.Memory < 19*1024 || cost.Passes < 2 {
		t.Errorf("a password is stored as %s..., want %s... of at least 19 MiB and two passes", hash[:32], want)
	}
}
