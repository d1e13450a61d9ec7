package chaos

import (
	"os/exec"
	"slices"
	"testing"
	"time"
)

// TestChaosShort is the short form of `make chaos`.
func TestChaosShort(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server here; make test installs one where it can")
	}
	result, err := Run(t.Context(), Options{
		Dir: t.TempDir(), Seed: 1, Customers: 20, Messages: 400, Duration: 30 * time.Second, Rounds: 1, Settle: 45 * time.Second,
		Nodes: 3, Partitions: 4, Pace: 5 * time.Millisecond, PostsPerSecond: 200, Say: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + result.Markdown())
	for _, failure := range result.Failures() {
		t.Error(failure)
	}
}

func TestCompareNamesWhatIsWrong(t *testing.T) {
	sent := []string{"m0001x00000", "m0001x00001p00", "m0001x00001", "m0001x00002"}
	for _, c := range []struct {
		name string
		got  []string
		want difference
	}{
		{"all well", sent, difference{}},
		{"nothing", nil, difference{lost: []string{"m0001x00000", "m0001x00001", "m0001x00002"}}},
		{"a part missing", []string{"m0001x00000", "m0001x00001", "m0001x00002"}, difference{lost: []string{"m0001x00001"}}},
		{"twice", append(slices.Clone(sent), "m0001x00000"), difference{twice: []string{"m0001x00000"}}},
		{"swapped", []string{"m0001x00001p00", "m0001x00001", "m0001x00000", "m0001x00002"}, difference{disorder: []string{"m0001x00000"}}},
		{"somebody else's", append(slices.Clone(sent), "m0002x00000"), difference{strange: []string{"m0002x00000"}}},
	} {
		got := compare(sent, c.got)
		if !slices.Equal(got.lost, c.want.lost) || !slices.Equal(got.twice, c.want.twice) || !slices.Equal(got.disorder, c.want.disorder) || !slices.Equal(got.strange, c.want.strange) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestScheduleIsTheSeeds(t *testing.T) {
	o := Options{Seed: 7, Rounds: 2, Duration: time.Minute}
	one, two := schedule(o), schedule(o)
	o.Seed = 8
	other := schedule(o)
	same := func(a, b planned) bool { return a.name == b.name && a.due == b.due && a.seed == b.seed }
	if !slices.EqualFunc(one, two, same) || slices.EqualFunc(one, other, same) {
		t.Fatal("a seed must decide the schedule")
	}
	for _, f := range faults {
		if n := len(slices.DeleteFunc(slices.Clone(one), func(p planned) bool { return p.name != f.name })); n != o.Rounds {
			t.Errorf("%s happens %d times in %d rounds", f.name, n, o.Rounds)
		}
	}
}
