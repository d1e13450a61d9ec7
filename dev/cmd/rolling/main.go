// Command rolling replaces everything that runs, one after the other, under load, and prints as Markdown what was lost, doubled, late or refused.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/slacktalk/slacktalk/dev/chaos"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "rolling:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	o := chaos.Options{Seed: 1, Nodes: 3, Partitions: 8, Pace: 5 * time.Millisecond, PostsPerSecond: 400, Linger: 5 * time.Second, LameDuck: 5 * time.Second, Settle: 5 * time.Minute}
	rate := flag.Int("rate", 100, "messages a second in each direction")
	seconds := flag.Int("seconds", 100, "how long the load lasts")
	flag.IntVar(&o.Customers, "customers", 200, "customers who write")
	flag.IntVar(&o.Channels, "channels", 8, "channels that the customers are spread over")
	flag.StringVar(&o.Former, "former", "", "folder with the services' programs of an earlier version, which is updated from")
	keep := flag.Bool("keep", false, "leave the folder with logs and data")
	flag.Parse()
	o.Duration, o.Messages = time.Duration(*seconds)*time.Second, 2**rate**seconds
	if o.Dir, err = os.MkdirTemp("", "slacktalk-rolling-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	if *keep {
		fmt.Fprintln(os.Stderr, "logs and data:", o.Dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	o.Say = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	result, err := chaos.Roll(ctx, o)
	if err != nil {
		return err
	}
	fmt.Print(result.Markdown())
	if failures := result.Failures(); len(failures) > 0 {
		return errors.New(strings.Join(failures, "; "))
	}
	return nil
}
