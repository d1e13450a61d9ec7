// Command talkctl looks at Slack Talk and changes it, over the router's gRPC API.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/slacktalk/slacktalk/services/router/cmd/talkctl/command"
)

func main() { os.Exit(run()) }

func run() (status int) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// Who presses Ctrl-C a second time does not want to wait.
	context.AfterFunc(ctx, stop)
	return command.Run(ctx, os.Args[1:], command.Host{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Location: time.Local,
		InTerminal: terminal(os.Stdin), OutTerminal: terminal(os.Stdout), ErrTerminal: terminal(os.Stderr),
		Password: func() (string, error) {
			raw, err := term.ReadPassword(int(os.Stdin.Fd()))
			return string(raw), err
		},
	})
}

func terminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
