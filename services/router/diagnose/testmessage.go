package diagnose

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	// testLimit bounds the way of a test message; what it left behind is removed after that.
	testLimit = 12 * time.Second
	pollEvery = 100 * time.Millisecond
	tidyLimit = 6 * time.Second
)

// before are the checks without which a test message cannot go all the way.
var before = []struct {
	id   string
	look func(context.Context, *scene) outcome
}{
	{natsAnswers, lookNATS}, {natsStreams, lookStreams}, {redisAnswers, lookRedis}, {karteService, lookKarteService}, {slackToken, lookSlackToken},
	{settingsThere, lookSettings}, {slackWorkspace, lookWorkspace}, {slackChannels, lookChannels}, {notifications, lookNotifications},
}

// lookTestMessage lets ingest-karte take a signed hook about a made-up customer, and waits for its thread. KARTE has no part in it, and neither
// has the way from KARTE to ingest-karte.
func lookTestMessage(ctx context.Context, x *scene) outcome {
	for _, b := range before {
		if o := passed(ctx, x, b.look, b.id); o != nil {
			return *o
		}
	}
	team, err := x.team.get(ctx)
	if err != nil {
		return waits(redisAnswers)
	}
	way, cancel := context.WithTimeoutCause(ctx, testLimit, fmt.Errorf("it took longer than %v", testLimit))
	defer cancel()
	var sent eventv1.TestMessageResponse
	err = x.Bus.Ask(way, bus.AskKarteSubject(x.project, bus.AskTestMessage), &eventv1.TestMessageRequest{Project: x.project, Language: team.GetLanguage()}, &sent)
	if err == nil && sent.GetError() != "" {
		err = errors.New(sent.GetError())
	}
	if err != nil {
		return failure(fmt.Sprintf("ingest-karte did not take its own hook: %v", err), "Look at the log of ingest-karte: 503 not_stored is NATS, 401 is KARTE_CLIENT_SECRET or the clock.")
	}
	conversation, err := x.await(way, sent.GetCustomer())
	if err != nil {
		return x.stopped(context.WithoutCancel(ctx), &sent, err)
	}
	seen := x.Now()
	return ok("%s; %s\n%s", x.hops(ctx, &sent, seen), conversation.GetPermalink(), x.tidy(ctx, conversation))
}

// await waits for the customer's thread.
func (x *scene) await(ctx context.Context, customer *eventv1.Customer) (*adminv1.Conversation, error) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		id, err := x.Customers.Of(ctx, x.project, customer)
		if err == nil && id != "" {
			var r *adminv1.GetConversationResponse
			r, err = x.Conversations.GetConversation(ctx, &adminv1.GetConversationRequest{Name: "projects/" + x.project + "/conversations/" + id})
			if err == nil && r.GetConversation().GetThreadTs() != "" {
				return r.GetConversation(), nil
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		}
	}
}

// places are where a test message is on its way, as far as it got.
func (x *scene) places(ctx context.Context, sent *eventv1.TestMessageResponse) (stored, decided time.Time) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	subject := bus.TalkSubject(x.Bus.Partitions(), x.project, sent.GetCustomer().GetUserId(), "customer-message", sent.GetId())
	if m, there, err := x.Bus.Latest(ctx, bus.Talk, subject); err == nil && there {
		stored = m.StoredAt
	}
	if m, there, err := x.Bus.Latest(ctx, bus.Posts, "post.*.*."+bus.Token("post-"+sent.GetId())); err == nil && there {
		decided = m.StoredAt
	}
	return stored, decided
}

// hops says how long each hop took. The times are those of several clocks.
func (x *scene) hops(ctx context.Context, sent *eventv1.TestMessageResponse, seen time.Time) string {
	stored, decided := x.places(ctx, sent)
	began := sent.GetSentAt().AsTime()
	after := func(t time.Time) string {
		if t.IsZero() {
			return "at a time not known"
		}
		return fmt.Sprintf("after %d ms", t.Sub(began).Milliseconds())
	}
	return fmt.Sprintf("sent to ingest-karte, stored %s, answered %s, decided by the router %s, thread known to be in Slack %s",
		after(stored), after(sent.GetAcceptedAt().AsTime()), after(decided), after(seen))
}

// stopped says how far a test message got.
func (x *scene) stopped(ctx context.Context, sent *eventv1.TestMessageResponse, cause error) outcome {
	stored, decided := x.places(ctx, sent)
	const still = " It goes on by itself when the cause is mended, and then appears in the channel."
	switch {
	case stored.IsZero():
		return failure(fmt.Sprintf("it was taken by ingest-karte, and is not in TALK: %v", cause), "See that every service has the same PARTITIONS, and look at the log of ingest-karte.")
	case decided.IsZero():
		return failure(fmt.Sprintf("it is in TALK, and the router made no post of it: %v", cause), "Look at the log of the router, and at "+held+" and "+backlog+" of a new examination."+still)
	}
	return failure(fmt.Sprintf("it is in POSTS, and slack-gateway did not post it: %v", cause), "Look at the log of slack-gateway, and at "+lanes+" of a new examination."+still)
}

// tidy forgets the made-up customer, so that a reply in the thread goes nowhere.
func (x *scene) tidy(ctx context.Context, conversation *adminv1.Conversation) string {
	ctx, cancel := context.WithTimeout(ctx, tidyLimit)
	defer cancel()
	if _, err := x.Conversations.EraseConversation(ctx, &adminv1.EraseConversationRequest{Name: conversation.GetName()}); err != nil {
		return fmt.Sprintf("The made-up customer could not be erased (%v): talkctl conversations erase %s", err, conversation.GetName())
	}
	return "The made-up customer was erased; the thread stays in Slack until somebody deletes it."
}
