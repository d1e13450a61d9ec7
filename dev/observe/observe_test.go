package observe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/natstest"
)

// within is how long anything may take in a test, on a busy machine with the race detector.
const within = 60 * time.Second

var services = []string{stack.IngestKARTE, stack.Router, stack.SlackGateway}

func start(t *testing.T, o stack.Options) *stack.Stack {
	t.Helper()
	o.SlackPatience = 10 * time.Second // Slack's three seconds are for a machine that does nothing else
	s, err := stack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return s
}

func says(t *testing.T, s *stack.Stack, customer, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if _, err := s.KARTE.CustomerWrites(ctx, kartestandin.Customer{VisitorID: customer}, text, kartestandin.Write{Wait: true}); err != nil {
		t.Fatal(err)
	}
}

// thread waits for a line of ours with text and answers its thread.
func thread(t *testing.T, s *stack.Stack, text string) (ts string) {
	t.Helper()
	slack(t, s, "a line with "+text, func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[stack.Channel].Messages {
			if m.User == "U0BOT" && strings.Contains(m.Text, text) {
				if ts = m.ThreadTS; ts == "" {
					ts = m.TS
				}
			}
		}
		return ts != ""
	})
	return ts
}

func slack(t *testing.T, s *stack.Stack, what string, holds func(*slackstandin.Snapshot) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if err := s.Slack.Await(ctx, holds); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// replies writes a reply to the customer, waits for its mark and answers its ts.
func replies(t *testing.T, s *stack.Stack, thread, text, mark string) (ts string) {
	t.Helper()
	ts, err := s.Slack.Write(stack.Hanako, stack.Channel, thread, "```"+text+"```", slackstandin.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	slack(t, s, "the mark "+mark, func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[stack.Channel].Messages {
			for _, r := range m.Reactions {
				if m.TS == ts && r.Name == mark {
					return true
				}
			}
		}
		return false
	})
	return ts
}

// posts waits until so many posts are decided, whether or not Slack takes them.
func posts(t *testing.T, s *stack.Stack, n int) {
	t.Helper()
	js := natstest.JetStream(t, s.NATSURL)
	eventually.Holds(t, within, fmt.Sprint(n, " posts in POSTS"), func() bool {
		stream, err := js.Stream(t.Context(), bus.Posts)
		if err != nil {
			return false
		}
		info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("post.>"))
		return err == nil && len(info.State.Subjects) >= n
	})
}

// served answers what a service tells Prometheus.
func served(t *testing.T, s *stack.Stack, service string) map[string]*dto.MetricFamily {
	t.Helper()
	response, err := http.Get(s.AdminURL(service) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return families
}
