package diagnose

import (
	"context"
	"fmt"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/examination"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

func lookDeadLetters(ctx context.Context, x *scene) outcome {
	if _, err := x.nats.get(ctx); err != nil {
		return waits(natsAnswers)
	}
	if there, err := x.streams.get(ctx); err != nil || there[bus.Dead] == nil {
		return waits(natsStreams)
	}
	page, err := x.DeadLetters.ListDeadLetters(ctx, &adminv1.ListDeadLettersRequest{Parent: "projects/" + x.project, PageSize: 1000})
	if err != nil {
		return failure(fmt.Sprintf("they cannot be listed: %v", err), "talkctl dead list; look at the router's log.")
	}
	letters := page.GetDeadLetters()
	if len(letters) == 0 {
		return ok("nothing in the last 30 days")
	}
	last, more := letters[0], ""
	if page.GetNextPageToken() != "" {
		more = "more than "
	}
	return warning(fmt.Sprintf("%s%s given up, the last at %s (%s: %s)", more, counted(len(letters), "message was", "messages were"), clock(last.GetDieTime().AsTime()), last.GetReason(), last.GetCause()),
		"talkctl dead list, then talkctl dead replay LETTER when the cause is mended, or talkctl dead discard LETTER")
}

const (
	// offSlightly is worth a look, offTooFar makes signatures and times wrong.
	offSlightly = 5 * time.Second
	offTooFar   = time.Minute
)

func lookClocks(ctx context.Context, x *scene) outcome {
	var all problems
	compared := 0
	add := func(o outcome, known bool) {
		if known {
			compared++
			all.add(o)
		}
	}
	for _, edge := range []struct {
		replicas *fact[[]replica]
		peer     string
	}{{x.karte, "KARTE"}, {x.slack, "Slack"}} {
		replicas, _ := edge.replicas.get(ctx) // that nobody answers is another check's business
		for _, r := range replicas {
			offset, err := time.ParseDuration(r.finding(examination.Clock).GetValues()[examination.ValueOffset])
			add(apart(r.name, edge.peer, offset), err == nil)
			add(apart(r.name, "the router", r.ahead), r.timed)
		}
	}
	if state, err := x.redis.get(ctx); err == nil {
		add(apart("the router", "Redis", state.ahead), state.timed)
	}
	if _, err := x.streams.get(ctx); err == nil {
		add(apart("the router", "NATS", x.natsAhead), x.natsTimed)
	}
	if compared == 0 {
		return warning("no clock could be compared with another", "Look at the checks that failed above.")
	}
	return all.or(ok("%d comparisons", compared))
}

// apart judges how far one clock is ahead of another.
func apart(one, other string, ahead time.Duration) outcome {
	ahead = ahead.Round(100 * time.Millisecond)
	if ahead.Abs() > offSlightly {
		ahead = ahead.Round(time.Second)
	}
	found := fmt.Sprintf("the clock of %s is %v ahead of %s's", one, ahead, other)
	if ahead < 0 {
		found = fmt.Sprintf("the clock of %s is %v behind %s's", one, -ahead, other)
	}
	fix := fmt.Sprintf("Set the clock of the host of %s by NTP (timedatectl set-ntp true).", one)
	if other != "KARTE" && other != "Slack" {
		fix = fmt.Sprintf("Set the clocks of the hosts of %s and %s by NTP (timedatectl set-ntp true).", one, other)
	}
	switch {
	case ahead.Abs() >= offTooFar:
		return failure(found+": signatures look stale", fix)
	case ahead.Abs() >= offSlightly:
		return warning(found, fix)
	}
	return ok("")
}
