// Package bench measures the real service binaries beside bare references, in the same run on the same machine.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Options of a run.
type Options struct {
	// Dir takes programs, data and logs.
	Dir string
	// Rows are the rows of the table to measure; all of them when empty.
	Rows  []string
	Sizes Sizes
	// Profiles is a folder for CPU profiles of what is measured; none are made when empty. They cost some of what is measured.
	Profiles string
	// Say is told how it goes on.
	Say func(format string, args ...any)
}

// Sizes are how much is measured.
type Sizes struct {
	// Repeats of every measurement, subject and reference taking turns.
	Repeats int
	// Span is how long one measurement of a rate takes, after Warm.
	Span, Warm time.Duration
	// Connections send at once.
	Connections int
	// Customers write from pages that are routed to Channels.
	Customers, Channels int
	// Window is how many messages are on their way at most where the sustained rate is looked for.
	Window int
	// Rate of messages/s at which CPU and memory are measured, LatencyRate at which latencies are.
	Rate, LatencyRate float64
	// Backlog waits, of BacklogCustomers in one channel.
	Backlog, BacklogCustomers int
	// Gap is the least time between two posts that Slack takes there.
	Gap time.Duration
	// Known are the numbers of conversations known beforehand.
	Known []int
	// Starts of each service.
	Starts int
	// Slow is how long KARTE takes for a call where partitions are tried, Partitions are their numbers.
	Slow       time.Duration
	Partitions []int
	// Benchmarks is how often each Go benchmark runs, BenchTime for how long.
	Benchmarks int
	BenchTime  string
}

// Full are the sizes of the published figures.
func Full() Sizes {
	return Sizes{
		Repeats: 5, Span: 6 * time.Second, Warm: time.Second, Connections: 64, Customers: 640, Channels: 32, Window: 256, Rate: 500, LatencyRate: 100,
		Backlog: 1000, BacklogCustomers: 50, Gap: time.Second, Known: []int{1_000, 100_000, 1_000_000}, Starts: 10,
		Slow: 100 * time.Millisecond, Partitions: []int{1, 2, 4}, Benchmarks: 6, BenchTime: "1s",
	}
}

// Small are sizes that show in a few seconds that everything works, and nothing about speed.
func Small() Sizes {
	return Sizes{
		Repeats: 2, Span: 300 * time.Millisecond, Warm: 50 * time.Millisecond, Connections: 4, Customers: 8, Channels: 4, Window: 8, Rate: 20, LatencyRate: 20,
		Backlog: 20, BacklogCustomers: 4, Gap: 10 * time.Millisecond, Known: []int{10, 200}, Starts: 1,
		Slow: 20 * time.Millisecond, Partitions: []int{1, 2}, Benchmarks: 1, BenchTime: "1x",
	}
}

// row is one row of the table, or several that are measured together.
type row struct {
	name, title string
	run         func(*bench, context.Context) ([]Measure, error)
}

func rows() []row {
	return []row{
		{"ingest", "KARTE's hooks, acknowledged when stored", (*bench).ingest},
		{"events", "Slack's events, acknowledged when stored", (*bench).events},
		{"to-slack", "Customer to Slack, sustained", (*bench).toSlack},
		{"to-karte", "Slack to customer, sustained", (*bench).toKARTE},
		{"cpu", "CPU and memory under a steady load", (*bench).cpu},
		{"latency", "Latency end to end", (*bench).latency},
		{"backlog", "A channel that is behind", (*bench).backlog},
		{"known", "Many known conversations", (*bench).known},
		{"start", "Start to ready", (*bench).starts},
		{"grpc", "The router's API", (*bench).api},
		{"partitions", "Partitions and replicas on a slow KARTE", (*bench).partitions},
		{"allocs", "Allocations on the decision path", (*bench).allocs},
	}
}

// Names answers the rows there are.
func Names() []string {
	var names []string
	for _, r := range rows() {
		names = append(names, r.name)
	}
	return names
}

// bench is one run.
type bench struct {
	Options
	bin, self string
}

// Run measures, and answers what it could even when a row failed.
func Run(ctx context.Context, o Options) (map[string]Result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the own program: %w", err)
	}
	b := &bench{Options: o, bin: filepath.Join(o.Dir, "bin"), self: self}
	for _, name := range o.Rows {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("there is no row %q, only %s", name, strings.Join(Names(), ", "))
		}
	}
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	results := map[string]Result{}
	var failed []error
	for _, r := range rows() {
		if ctx.Err() != nil || len(o.Rows) > 0 && !slices.Contains(o.Rows, r.name) {
			continue
		}
		b.Say("%s: %s", r.name, r.title)
		result := Result{Title: r.title, At: time.Now().UTC().Truncate(time.Second), Commit: commit(ctx), LoadBefore: loadAverage()}
		if result.Measures, err = r.run(b, ctx); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", r.name, err))
			continue
		}
		result.LoadAfter = loadAverage()
		for _, m := range result.Measures {
			b.Say("  %s", m)
		}
		results[r.name] = result
	}
	return results, errors.Join(append(failed, context.Cause(ctx))...)
}

// The programs that take part, all pinned by this module.
const (
	ingestKARTE  = "ingest-karte"
	router       = "router"
	slackGateway = "slack-gateway"
	natsServer   = "nats-server"
)

var services = []string{ingestKARTE, router, slackGateway}

func (b *bench) build(ctx context.Context) error {
	const root = "github.com/slacktalk/slacktalk/services/"
	args := []string{"build", "-buildvcs=false", "-o", b.bin + string(filepath.Separator), root + ingestKARTE, root + router, root + slackGateway, "github.com/nats-io/nats-server/v2"}
	if err := os.MkdirAll(b.bin, 0o750); err != nil {
		return fmt.Errorf("make the folder for programs: %w", err)
	}
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
}

// turns lets subject and reference take turns, so that noise meets both.
func (b *bench) turns(each ...func() error) error {
	for n := range b.Sizes.Repeats {
		for _, turn := range each {
			if err := turn(); err != nil {
				return fmt.Errorf("repeat %d: %w", n+1, err)
			}
		}
	}
	return nil
}

// commit answers the commit that is measured, with a plus when there is more than is committed.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--abbrev=10", "--dirty=+").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// Platform says on what it was measured.
func Platform() string {
	return fmt.Sprintf("%s, %d CPUs, %s/%s, %s", cpuModel(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}
