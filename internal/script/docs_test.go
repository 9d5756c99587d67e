package script_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/wasm/wasmtest"
)

var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)```")

// served are statements that need a server: they are parsed and left out here.
var served = regexp.MustCompile(`(?s)^CREATE SINK \w+ FROM \w+ TO (NATS|KV|HTTP|POSTGRES)`)

// TestGuide compiles every statement of the guide.
func TestGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/sql.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "score.wasm"), wasmtest.Module(), 0o600); err != nil {
		t.Fatal(err)
	}
	n, before := 0, ""
	for _, block := range sqlBlock.FindAllStringSubmatch(string(text), -1) {
		for st := range strings.SplitSeq(block[1], ";\n") {
			if st = strings.TrimSpace(st); st == "" || served.MatchString(st) {
				continue
			}
			n++
			if strings.HasPrefix(st, "CREATE FUNCTION") {
				st = strings.Replace(st, "score(a BIGINT, b DOUBLE)", "score(b DOUBLE)", 1) + " EXPORT 'half'"
			}
			if _, errs := script.Compile(t.Context(), before+st+";", script.Options{Dir: dir}); len(errs) > 0 {
				t.Errorf("%s\n%v", st, errs[0])
				continue
			}
			if !strings.HasPrefix(st, "SELECT") && !strings.HasPrefix(st, "WITH") {
				before += st + ";\n"
			}
		}
	}
	if n < 25 {
		t.Errorf("the guide has %d statements", n)
	}
}
