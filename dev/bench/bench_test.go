package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/slacktalk/slacktalk/internal/prerequisite"
)

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	is, err := Reference(ctx)
	stop()
	switch {
	case is && err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case !is:
		os.Exit(m.Run())
	}
}

// TestEveryRowIsMeasured runs the whole bench with tiny sizes. It says nothing about speed, only that everything that is sent arrives and that figures are figures.
func TestEveryRowIsMeasured(t *testing.T) {
	prerequisite.Program(t, "redis-server")
	results, err := Run(t.Context(), Options{Dir: t.TempDir(), Sizes: Small(), Rows: only(os.Getenv("RUN")), Say: t.Logf})
	if err != nil {
		t.Error(err)
	}
	for name, result := range results {
		if len(result.Measures) == 0 {
			t.Errorf("%s measured nothing", name)
		}
		for _, m := range result.Measures {
			for _, v := range slices.Concat(m.Subject, m.Reference) {
				if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					t.Errorf("%s: %s measured %v", name, m.What, v)
				}
			}
			if len(m.Subject) == 0 {
				t.Errorf("%s: %s has no figure", name, m.What)
			}
			if len(m.Reference) > 0 && len(m.Reference) != len(m.Subject) {
				t.Errorf("%s: %s took %d turns, the reference %d", name, m.What, len(m.Subject), len(m.Reference))
			}
		}
	}
	if len(only(os.Getenv("RUN"))) == 0 && len(results) != len(rows()) {
		t.Errorf("%d of %d rows were measured", len(results), len(rows()))
	}
}

func only(names string) []string {
	if names == "" {
		return nil
	}
	return strings.Split(names, ",")
}

func TestARowThatIsNotThereIsRefused(t *testing.T) {
	_, err := Run(t.Context(), Options{Dir: t.TempDir(), Rows: []string{"speed"}, Say: t.Logf})
	if err == nil || !strings.Contains(err.Error(), `no row "speed"`) {
		t.Errorf("answered %v", err)
	}
}

func TestMarksSurviveEncodings(t *testing.T) {
	var found []int
	for _, body := range []string{
		words + mark(7), `{"text":"\u3053` + mark(8) + `"}`, "text=%E3%81%82" + mark(9) + "&blocks=" + mark(10), markBegin + "12", markBegin + "zq000000011x", "nothing",
	} {
		marksIn([]byte(body), func(n int) { found = append(found, n) })
	}
	if want := []int{7, 8, 9, 10, 11}; !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
}

func TestFiguresAreMediansOfTurns(t *testing.T) {
	m := Measure{What: "posts", Unit: "/s", Subject: []float64{90, 40, 100}, Reference: []float64{100, 50, 80}, Against: "(d)", Goal: Goal{AtLeast: 0.85}}
	if got, want := m.String(), "posts: 90 (40–100) /s, (d): 80 (50–100), ratio 0.90 (0.80–1.25) (goal ≥ 0.85, met: yes)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m.Goal = Goal{AtLeast: 0.95}
	if m.verdict() != "**no**" {
		t.Error("0.90 is taken for at least 0.95")
	}
	if got := quantile([]float64{4, 1, 3, 2}, 0.5); got != 2.5 {
		t.Errorf("the median of four is %v", got)
	}
	for v, want := range map[float64]string{1234567: "1,234,567", 999.4: "999", 12.34: "12.3", 1.234: "1.23", 30: "30", 0: "0", 1000: "1,000"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

func TestGoBenchmarksAreRead(t *testing.T) {
	got := parseBenchmarks([]byte("goos: linux\nBenchmarkPathHookToFact-2   \t  123\t  9.5 ns/op\t 10 B/op\t  3 allocs/op\nBenchmarkPathHookToFact-2 \t 123\t 8.5 ns/op\t 10 B/op\t 3 allocs/op\nBenchmarkOther-2 1 2 ns/op\nPASS\n"))
	if len(got) != 3 || got[0].What != "HookToFact" || got[0].Unit != "ns per message" || !slices.Equal(got[0].Subject, []float64{9.5, 8.5}) || got[2].Unit != "allocs per message" {
		t.Errorf("read %+v", got)
	}
}

func TestPublishReplacesTheSectionAlone(t *testing.T) {
	docs := t.TempDir()
	path := filepath.Join(docs, document)
	if err := os.WriteFile(path, []byte("# Before\n"+begin+"\nold\n"+end+"\nAfter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"ingest", "events"} {
		fresh := Report{Platform: "a machine", Versions: "versions", Rows: map[string]Result{row: {Title: "Row " + row, Commit: "abc", Measures: []Measure{{What: "requests", Subject: []float64{1}, Unit: "/s"}}}}}
		if err := Publish(docs, fresh); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Before\n", "### Row ingest (`ingest`)", "### Row events (`events`)", "| requests | 1 /s | – | – | – | – |", "\nAfter\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old") {
		t.Error("the former section is still there")
	}
}

// TestTheDocumentSaysWhatWasMeasured keeps figures from being written by hand.
func TestTheDocumentSaysWhatWasMeasured(t *testing.T) {
	docs := t.TempDir()
	for _, name := range []string{document, figures} {
		data, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(docs, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(filepath.Join(docs, document))
	if err != nil {
		t.Fatal(err)
	}
	r, err := readReport(docs)
	if err != nil {
		t.Fatal(err)
	}
	if err := Publish(docs, Report{Platform: r.Platform, Versions: r.Versions}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(docs, document))
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("docs/benchmarks.md does not say what docs/benchmarks.json holds: run make bench")
	}
}
