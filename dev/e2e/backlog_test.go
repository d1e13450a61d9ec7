package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// BenchmarkBacklog measures how long 1,000 waiting messages of 50 customers take in one channel, with Slack limited to one post a second:
//
//	go test ./dev/e2e -run '^$' -bench Backlog -benchtime 1x
func BenchmarkBacklog(b *testing.B) {
	for b.Loop() {
		backlog(b)
	}
}

func backlog(b *testing.B) {
	const customers, each = 50, 20
	s, err := stack.Start(b.Context(), stack.Options{Slack: func(c *slackstandin.Config) { c.PostsPerSecond, c.Burst = 1, 1 }, Environ: []string{"SLACK_PACE=1s"}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			b.Error(err)
		}
	}()
	if err := s.StopService(stack.SlackGateway); err != nil {
		b.Fatal(err)
	}
	for i := range each {
		for n := range customers {
			if _, err := s.KARTE.CustomerWrites(b.Context(), kartestandin.Customer{VisitorID: fmt.Sprintf("vis-%02d", n)}, fmt.Sprintf("c%02d-%03d.", n, i), kartestandin.Write{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.KARTE.Await(b.Context(), func(now *kartestandin.Snapshot) bool { return now.Waiting == 0 }); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := s.StartService(stack.SlackGateway); err != nil {
		b.Fatal(err)
	}
	var wanted []string
	for n := range customers {
		wanted = append(wanted, numbered(fmt.Sprintf("c%02d", n), each)...)
	}
	err = s.Slack.Await(b.Context(), func(now *slackstandin.Snapshot) bool {
		seen := map[string]int{}
		for _, m := range now.Channels[stack.Channel].Messages {
			for _, text := range appearing(m.Text, wanted) {
				seen[text]++
			}
		}
		return len(seen) == customers*each
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-to-drain")
	b.ReportMetric(float64(s.Slack.Calls("chat.postMessage")), "posts")
	for n := range customers {
		want := numbered(fmt.Sprintf("c%02d", n), each)
		var got []string
		for _, m := range s.Slack.Messages(stack.Channel) {
			got = append(got, appearing(m.Text, want)...)
		}
		if !slices.Equal(got, want) {
			b.Errorf("customer %d: %v", n, got)
		}
	}
}
