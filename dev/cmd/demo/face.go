package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slacktalk/slacktalk/dev/playground"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// pace is quicker than Slack allows, so that nobody has to wait.
const pace = 200 * time.Millisecond

// patient lets Slack come again until an event is taken. It does so for some minutes in truth: nobody who tries what happens while the gateway is
// down should have to be that quick.
func patient(c *slackstandin.Config) { c.RetryUntilAccepted = true }

// face is the playground of a stack, being served.
type face struct {
	URL    string
	stop   context.CancelFunc
	group  *errgroup.Group
	server *playground.Server
}

func show(s *stack.Stack, listen string, log *slog.Logger) (*face, error) {
	server, err := playground.New(s, playground.Options{Pace: pace, Log: log})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		fmt.Printf("%s is taken, perhaps by another demo: the playground is elsewhere.\n", listen)
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for the playground: %w", err), server.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &face{URL: "http://" + listener.Addr().String() + "/", stop: stop, server: server}
	f.group, ctx = errgroup.WithContext(ctx)
	web := &http.Server{Handler: server, ReadHeaderTimeout: 5 * time.Second}
	f.group.Go(func() error { return server.Run(ctx) })
	f.group.Go(func() error {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the playground: %w", err)
		}
		return nil
	})
	f.group.Go(func() error { <-ctx.Done(); return web.Close() })
	return f, nil
}

// Close ends the playground.
func (f *face) Close() error {
	f.stop()
	return errors.Join(f.group.Wait(), f.server.Close())
}
