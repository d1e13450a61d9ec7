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
	stack.Main() // each service is this program once more
	listen := flag.String("listen", "127.0.0.1:8765", "where the playground is; another port is taken when this one is not free")
	once := flag.Bool("once", false, "end after the conversation; non-zero when a hop did not happen")
	verbose := flag.Bool("v", false, "show what the services log")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "demo: %q is no flag; -h lists them\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *once, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen string, once, verbose bool) (err error) {
	var log *slog.Logger
	if verbose {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	began := time.Now()
	s, err := stack.Start(ctx, stack.Options{Processes: true, Log: log, Environ: []string{"SLACK_PACE=" + pace.String()}, Slack: patient})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	face, err := show(s, listen, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, face.Close()) }()
	fmt.Printf("Playground: %s\n\n", face.URL)
	fmt.Printf("Everything runs, ready after %v. One conversation, hop by hop:\n\n", time.Since(began).Round(time.Millisecond))
	if err := story.Play(ctx, s, os.Stdout); err != nil {
		return err
	}
	if once {
		return nil
	}
	fmt.Printf(`
Where to look, until Ctrl-C:
  Playground          %s
  Slack (stand-in)    %s/_control/messages?channel=%s
  KARTE (stand-in)    %s/_control/snapshot
  KARTE hooks         %s
  Slack events        %s/slack/events
  gRPC API            %s   (authorization: Bearer %s)
  NATS                %s
  Redis               %s

From another terminal, after make talkctl:
  TALKCTL_ADDRESS=%s TALKCTL_PROJECT=%s TALKCTL_TOKEN=%s .bin/talkctl settings get
`, face.URL, s.SlackURL, stack.Channel, s.KarteURL, s.HookURL, s.GatewayURL, s.RouterAddr, stack.AdminToken, s.NATSURL, s.RedisURL,
		s.RouterAddr, stack.Project, stack.AdminToken)
	<-ctx.Done()
	return nil
}
