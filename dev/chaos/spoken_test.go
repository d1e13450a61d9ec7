package chaos

import (
	"os"
	"path/filepath"
	"testing"
)

// The logs of a run are looked through for what was written in it, in whatever line it stands.
func TestWhatNoLogMayHoldIsFound(t *testing.T) {
	for line, bad := range map[string]bool{
		`{"msg":"posted to slack","event_id":"hook-1","ts":"1700000001.000000"}`:     false,
		`{"msg":"will try again","err":"invalid_blocks: A & B m0001x00004 refused"}`: true,
		`{"msg":"will try again","err":"r0001x00004p17"}`:                            true,
		`{"msg":"hook refused","body":"返品したいです。\n注文番号は 12345 です"}`:                   true,
		`{"msg":"calling","authorization":"Bearer xoxb-demo"}`:                       true,
		`{"msg":"linked","name":"佐藤 花子"}`:                                            true,
	} {
		log := filepath.Join(t.TempDir(), "router-0.log")
		if err := os.WriteFile(log, []byte(`{"msg":"ready"}`+"\n"+line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if found := spoken(&process{name: "router-0", log: log}); (len(found) > 0) != bad {
			t.Errorf("%s: %v", line, found)
		}
	}
	if found := spoken(&process{name: "router-1", log: filepath.Join(t.TempDir(), "none.log")}); found != nil {
		t.Errorf("a process that was never started: %v", found)
	}
}
