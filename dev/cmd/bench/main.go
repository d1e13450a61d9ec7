// Command bench measures the services beside bare references and writes the figures into docs; see docs/benchmarks.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/slacktalk/slacktalk/dev/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	if is, err := bench.Reference(ctx); is {
		return err
	}
	only := flag.String("run", "", "rows to measure, with commas between: "+strings.Join(bench.Names(), ", "))
	small := flag.Bool("small", false, "only see that everything works; publishes nothing")
	docs := flag.String("docs", "", "folder of benchmarks.md, to write the figures into; none when empty")
	dir := flag.String("dir", "", "folder for programs and data, which is left for the next run; a new one when empty")
	o := bench.Options{Sizes: bench.Full()}
	flag.IntVar(&o.Sizes.Repeats, "repeats", o.Sizes.Repeats, "of every measurement")
	flag.DurationVar(&o.Sizes.Span, "span", o.Sizes.Span, "how long one measurement of a rate takes")
	flag.StringVar(&o.Profiles, "profiles", "", "folder for CPU profiles of the services and of NATS; none when empty")
	known := flag.String("known", "", "numbers of known conversations, with commas between")
	flag.Parse()
	if *small {
		o.Sizes, *docs = bench.Small(), ""
	}
	if *known != "" {
		if err := json.Unmarshal([]byte("["+*known+"]"), &o.Sizes.Known); err != nil {
			return fmt.Errorf("read the numbers of conversations: %w", err)
		}
	}
	if *only != "" {
		o.Rows = strings.Split(*only, ",")
	}
	if o.Dir = *dir; o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "slacktalk-bench-"); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	o.Say = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	results, failed := bench.Run(ctx, o)
	report := bench.Report{Platform: bench.Platform(), Versions: o.Versions(ctx), Rows: results}
	fmt.Println(report.Markdown())
	if *docs != "" && len(results) > 0 {
		failed = errors.Join(failed, bench.Publish(*docs, report))
	}
	return failed
}
