// Command standins serves the stand-ins of Slack and KARTE in a process of their own; everything else is told to them over their control APIs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "standins:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("standins", flag.ContinueOnError)
	slackAddr := flags.String("slack", "127.0.0.1:0", "where the Slack stand-in listens")
	karteAddr := flags.String("karte", "127.0.0.1:0", "where the KARTE stand-in listens")
	rate := flags.Float64("posts-per-second", 0, "posts a channel takes each second; 0 is no limit")
	burst := flags.Int("burst", 1, "posts a rested channel takes at once")
	retry := flags.Duration("retry", time.Second, "wait before what the app did not accept is delivered again")
	aside := flags.Bool("retry-aside", false, "let later events of Slack come past one that is being retried")
	seed := flags.Uint64("seed", 1, "of the random numbers behind fault probabilities")
	people := flags.Bool("people", false, "have the people and the channel of the demo, with the app in it")
	gateway := flags.String("gateway", "", "`address` of slack-gateway: where Slack's events, interactions and commands go")
	hook := flags.String("hook", "", "`address` of the hooks of KARTE")
	if err := flags.Parse(args); err != nil {
		return err
	}
	slack := slackstandin.New(slackstandin.Config{
		Seed: *seed, PostsPerSecond: *rate, Burst: *burst, RetryUntilAccepted: true, RetryAside: *aside, RetryInterval: *retry, RetryScale: 0.01,
	})
	karte := kartestandin.New(kartestandin.Config{Seed: *seed, RetryInterval: *retry, Knobs: kartestandin.Knobs{ListNotes: true}})
	if *gateway != "" {
		slack.SetURLs(slackstandin.URLs{Events: *gateway + "/slack/events", Interactions: *gateway + "/slack/interactions", Commands: *gateway + "/slack/commands"})
	}
	if *hook != "" {
		karte.SetHookURL(*hook)
	}
	if *people {
		if err := populate(slack, karte); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return slack.Run(ctx) })
	group.Go(func() error { return karte.Run(ctx) })
	for _, s := range []struct {
		name, addr string
		handler    http.Handler
	}{{"slack", *slackAddr, slack}, {"karte", *karteAddr, karte}} {
		listener, err := net.Listen("tcp", s.addr)
		if err != nil {
			return fmt.Errorf("listen for the %s stand-in: %w", s.name, err)
		}
		fmt.Printf("%s http://%s\n", s.name, listener.Addr())
		serve(ctx, group, listener, s.handler)
	}
	return group.Wait()
}

// populate makes the people and places of the demo; see dev/stack, which is not imported because all the services come with it.
func populate(slack *slackstandin.Server, karte *kartestandin.Server) error {
	slack.AddMember(slackstandin.Member{ID: "U0HANAKO", Name: "hanako", DisplayName: "佐藤 花子", Locale: "ja-JP"})
	slack.AddMember(slackstandin.Member{ID: "U0ADMIN", Name: "admin", DisplayName: "管理者", Locale: "ja-JP", Admin: true})
	slack.AddChannel(slackstandin.Channel{ID: "C0SUPPORT", Name: "support"})
	karte.SetOperators([]kartestandin.Operator{{ID: strings.Repeat("a", 24), Name: "佐藤 花子"}, {ID: strings.Repeat("b", 24), Name: "田中 一郎"}})
	if err := slack.InviteBot("C0SUPPORT", "U0ADMIN"); err != nil {
		return fmt.Errorf("invite the app: %w", err)
	}
	return nil
}

// serve serves handler until ctx ends.
func serve(ctx context.Context, group *errgroup.Group, listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error { <-ctx.Done(); return server.Close() })
}
