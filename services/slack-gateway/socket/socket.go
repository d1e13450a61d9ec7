// Package socket takes what Slack tells over connections that the app opens itself (Socket Mode), where Slack cannot reach request URLs.
package socket

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/slacktalk/slacktalk/internal/daemon"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
)

const (
	callTimeout = 10 * time.Second
	// handleWithin leaves something of the three seconds that Slack waits.
	handleWithin = 2800 * time.Millisecond
	// silence is how long Slack may leave a connection without a ping before it counts as dead.
	silence = 30 * time.Second
	// atOnce bounds how many frames of one connection are worked on.
	atOnce = 64
)

// Edge takes frames; see edge.Edge.
type Edge interface {
	Frame(ctx context.Context, kind string, payload []byte) (answer any, acknowledge bool)
}

// Options of Connections.
type Options struct {
	// Base is Slack's Web API, ending in /api/.
	Base string
	// Token is the app-level one.
	Token secret.String
	// Number is how many connections are kept; Slack allows ten for all replicas together. While one is replaced the others go on.
	Number  int
	Edge    Edge
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Connections keep Slack connected.
type Connections struct {
	Options
	http *http.Client
	open atomic.Int64
	gone *prometheus.CounterVec
}

// New makes them.
func New(o Options) *Connections {
	if !strings.HasSuffix(o.Base, "/") {
		o.Base += "/"
	}
	c := &Connections{Options: o, http: &http.Client{Timeout: callTimeout, Transport: &http.Transport{TLSHandshakeTimeout: 5 * time.Second, IdleConnTimeout: time.Minute}}, gone: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "slacktalk_slack_socket_events_total", Help: "What happened to connections in Socket Mode: connected, ended, refused, error; and frames: acknowledged, left (Slack sends them again), answer_too_large.",
	}, []string{"event"})}
	o.Metrics.MustRegister(c.gone, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "slacktalk_slack_sockets", Help: "Connections in Socket Mode that are open.",
	}, func() float64 { return float64(c.open.Load()) }))
	return c
}

// Open answers how many connections are open.
func (c *Connections) Open() int { return int(c.open.Load()) }

// Serve keeps the connections until ctx ends, and returns when what they brought has been worked on.
func (c *Connections) Serve(ctx context.Context) error {
	tasks := make([]daemon.Task, c.Number)
	for i := range tasks {
		tasks[i] = c.keep
	}
	err := daemon.Together(ctx, tasks...)
	c.http.CloseIdleConnections()
	return err
}

// keep keeps one connection. The library connects again by itself; what it gives up, such as a token that Slack refuses, is begun anew.
func (c *Connections) keep(ctx context.Context) error {
	for n := uint64(1); ctx.Err() == nil; n++ {
		begun := time.Now()
		err := c.run(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was asked to stop
		}
		c.gone.WithLabelValues("refused").Inc()
		if time.Since(begun) > time.Minute {
			n = 1
		}
		wait := retry.Backoff(n)
		c.Log.Error("no connection in Socket Mode", "err", err, "wait", wait)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return nil
}

// run is the life of one client of the library.
func (c *Connections) run(ctx context.Context) error {
	api := slack.New("", slack.OptionAppLevelToken(c.Token.Reveal()), slack.OptionAPIURL(c.Base), slack.OptionHTTPClient(c.http))
	client := socketmode.New(api, socketmode.OptionPingInterval(silence))
	ended := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ended <- client.RunContext(running) }()
	l := &link{Connections: c, client: client, slots: make(chan struct{}, atOnce)}
	defer l.working.Wait()
	defer l.closed()
	for {
		select {
		case event := <-client.Events:
			l.take(ctx, event)
		case err := <-ended:
			return err
		}
	}
}

// link is one connection, and those that take its place.
type link struct {
	*Connections
	client  *socketmode.Client
	up      bool
	slots   chan struct{}
	working sync.WaitGroup
}

func (l *link) take(ctx context.Context, event socketmode.Event) {
	switch event.Type {
	case socketmode.EventTypeConnecting:
		l.closed()
	case socketmode.EventTypeHello:
		if !l.up {
			l.up = true
			l.open.Add(1)
		}
		l.gone.WithLabelValues("connected").Inc()
		l.Log.Info("connected in Socket Mode")
	case socketmode.EventTypeConnectionError:
		l.gone.WithLabelValues("error").Inc()
		l.Log.Warn("no connection in Socket Mode yet", "err", event.Data)
	case socketmode.EventTypeErrorBadMessage:
		// The library does not know what is in it, which may be new in Slack. We read it ourselves, and it is to be acknowledged in any case.
		if bad, ok := event.Data.(*socketmode.ErrorBadMessage); ok {
			var request socketmode.Request
			if json.Unmarshal(bad.Message, &request) == nil && request.EnvelopeID != "" {
				l.work(ctx, request)
			}
		}
	default:
		if event.Request != nil && event.Request.EnvelopeID != "" {
			l.work(ctx, *event.Request)
		}
	}
}

func (l *link) closed() {
	if l.up {
		l.up = false
		l.open.Add(-1)
		l.gone.WithLabelValues("ended").Inc()
	}
}

// work handles a frame beside the others. What is being stored when the process is asked to stop is still stored and acknowledged.
func (l *link) work(ctx context.Context, request socketmode.Request) {
	l.slots <- struct{}{}
	l.working.Go(func() {
		defer func() { <-l.slots }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleWithin)
		defer cancel()
		answer, acknowledge := l.Edge.Frame(ctx, request.Type, request.Payload)
		if !acknowledge {
			l.gone.WithLabelValues("left").Inc()
			return
		}
		if !request.AcceptsResponsePayload {
			answer = nil
		}
		err := l.client.AckCtx(ctx, request.EnvelopeID, answer)
		if err != nil && answer != nil && ctx.Err() == nil {
			// Slack would drop it without a word.
			l.gone.WithLabelValues("answer_too_large").Inc()
			l.Log.Error("an answer is too large for Socket Mode", "err", err)
			err = l.client.AckCtx(ctx, request.EnvelopeID, nil)
		}
		if err != nil {
			l.Log.Warn("not acknowledged, Slack sends it again", "err", err)
			return
		}
		l.gone.WithLabelValues("acknowledged").Inc()
	})
}
