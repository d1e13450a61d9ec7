// Command demo runs the whole system on loopback, plays one conversation through it and tells what happens at every hop.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/dev/story"
)

func main() {
	once := flag.Bool("once", false, "end after the conversation; non-zero when a hop did not happen")
	verbose := flag.Bool("v", false, "show what the services log")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *once, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, once, verbose bool) (err error) {
	var log *slog.Logger
	if verbose {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	began := time.Now()
	s, err := stack.Start(ctx, stack.Options{Log: log, Environ: []string{"SLACK_PACE=200ms"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	fmt.Printf("Everything runs, ready after %v. One conversation, hop by hop:\n\n", time.Since(began).Round(time.Millisecond))
	if err := story.Play(ctx, s, os.Stdout); err != nil {
		return err
	}
	if once {
		return nil
	}
	fmt.Printf(`
Where to look, until Ctrl-C:
  Slack (stand-in)    %s/_control/messages?channel=%s
  KARTE (stand-in)    %s/_control/snapshot
  KARTE hooks         %s
  Slack events        %s/slack/events
  gRPC API            %s   (authorization: Bearer %s)
  NATS                %s
  Redis               %s

From another terminal, after make talkctl:
  TALKCTL_ADDRESS=%s TALKCTL_PROJECT=%s TALKCTL_TOKEN=%s .bin/talkctl settings get
`, s.SlackURL, stack.Channel, s.KarteURL, s.HookURL, s.GatewayURL, s.RouterAddr, stack.AdminToken, s.NATSURL, s.RedisURL,
		s.RouterAddr, stack.Project, stack.AdminToken)
	<-ctx.Done()
	return nil
}
