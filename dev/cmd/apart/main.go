// Command apart writes on both sides of an installation beside its stand-ins, such as the overlay trial on a cluster, and prints as Markdown what was lost, doubled or late.
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
		fmt.Fprintln(os.Stderr, "apart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	o := chaos.Options{Seed: 1, Settle: 3 * time.Minute}
	slack := flag.String("slack", "http://127.0.0.1:8080", "the stand-in of Slack")
	karte := flag.String("karte", "http://127.0.0.1:8082", "the stand-in of KARTE")
	rate := flag.Float64("rate", 5, "messages a second in each direction")
	seconds := flag.Int("seconds", 60, "how long the load lasts")
	flag.IntVar(&o.Customers, "customers", 40, "customers who write; each run of one installation wants others")
	flag.Uint64Var(&o.Seed, "seed", 1, "of what is written")
	flag.Parse()
	o.Duration, o.Messages = time.Duration(*seconds)*time.Second, int(2**rate*float64(*seconds))
	o.Say = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	result, err := chaos.Apart(ctx, o, *slack, *karte)
	if err != nil {
		return err
	}
	fmt.Print(result.Markdown())
	if failures := result.Failures(); len(failures) > 0 {
		return errors.New(strings.Join(failures, "; "))
	}
	return nil
}
