package chaos

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestRollingShort is the short form of `make rolling`. How late messages may be is measured by the long one: here other tests run beside it.
func TestRollingShort(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI needs a real redis-server on PATH")
		}
		t.Skip("*** NOT TESTED: no redis-server on PATH ***")
	}
	rolled, err := Roll(t.Context(), Options{
		Dir: t.TempDir(), Seed: 1, Customers: 20, Messages: 400, Duration: 20 * time.Second, Settle: time.Minute, Channels: 4,
		Nodes: 3, Partitions: 4, Pace: 5 * time.Millisecond, PostsPerSecond: 200, Linger: 500 * time.Millisecond, LameDuck: time.Second, Say: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + rolled.Markdown())
	for _, failure := range rolled.Result.Failures() {
		t.Error(failure)
	}
}
