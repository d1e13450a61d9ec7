package chaos

import (
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

// TestRollingShort is the short form of `make rolling`. How late messages may be is measured by the long one: here other tests run beside it.
func TestRollingShort(t *testing.T) {
	prerequisite.Program(t, "redis-server")
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
