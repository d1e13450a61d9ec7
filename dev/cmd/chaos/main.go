// Command chaos runs everything as processes, breaks them by a seeded schedule, and prints as Markdown what was lost, doubled or disordered.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/slacktalk/slacktalk/dev/chaos"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	var o chaos.Options
	seed := flag.String("seed", os.Getenv("SEED"), "reproduces a run; a random one when empty")
	minutes := flag.Float64("minutes", 5, "how long the load lasts")
	keep := flag.Bool("keep", false, "leave the folder with logs and data")
	flag.IntVar(&o.Customers, "customers", 200, "customers who write")
	flag.IntVar(&o.Messages, "messages", 10000, "texts in both directions together")
	flag.IntVar(&o.Rounds, "rounds", 2, "how often every kind of fault happens")
	flag.IntVar(&o.Nodes, "nodes", 3, "NATS nodes")
	flag.IntVar(&o.Partitions, "partitions", 8, "partitions of every stream")
	flag.DurationVar(&o.Settle, "settle", 10*time.Minute, "how long everything may take to arrive afterwards")
	flag.DurationVar(&o.Pace, "pace", 5*time.Millisecond, "least time between posts to a channel")
	flag.Float64Var(&o.PostsPerSecond, "posts-per-second", 200, "posts that the Slack stand-in takes per channel")
	flag.Parse()
	o.Duration = time.Duration(*minutes * float64(time.Minute))
	if o.Seed = rand.Uint64N(1_000_000); *seed != "" {
		if o.Seed, err = strconv.ParseUint(*seed, 10, 64); err != nil {
			return fmt.Errorf("read the seed: %w", err)
		}
	}
	if o.Dir, err = os.MkdirTemp("", "slacktalk-chaos-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	if *keep {
		fmt.Fprintln(os.Stderr, "logs and data:", o.Dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	o.Say = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	result, err := chaos.Run(ctx, o)
	if err != nil {
		return err
	}
	fmt.Print(result.Markdown())
	if failures := result.Failures(); len(failures) > 0 {
		return fmt.Errorf("seed %d: %s", o.Seed, strings.Join(failures, "; "))
	}
	return nil
}
