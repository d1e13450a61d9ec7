package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
)

// repeater delivers again what was accepted before: hooks with the same id, Slack messages in events of new ids. It waits for the
// acceptance, because a repeat that comes before its original is another order of what people wrote, which nobody could put right.
type repeater struct {
	*system
	random *rand.Rand
	hooks  map[string]bool // looked at
	events map[string]bool
	count  int
}

const (
	// repeatEach is how often it looks for what was accepted, and so about how late repeats are.
	repeatEach = 4 * time.Second
	// repeatShare of all deliveries is repeated.
	repeatShare = 0.1
)

func newRepeater(s *system) *repeater {
	r := rand.New(rand.NewPCG(s.options.Seed, 1<<40))
	return &repeater{system: s, random: r, hooks: map[string]bool{}, events: map[string]bool{}}
}

// run repeats until ctx ends.
func (r *repeater) run(ctx context.Context) error {
	for sleep(ctx, repeatEach) {
		if err := r.repeatHooks(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		if err := r.repeatEvents(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (r *repeater) repeatHooks(ctx context.Context) error {
	var hooks []kartestandin.Hook
	if err := r.karte.get(ctx, "/_control/hooks", &hooks); err != nil {
		return err
	}
	for _, hook := range hooks {
		if hook.Accepted == 0 || r.hooks[hook.ID] {
			continue
		}
		r.hooks[hook.ID] = true
		if r.random.Float64() >= repeatShare {
			continue
		}
		r.count++
		if err := r.karte.post(ctx, "/_control/redeliver", map[string]string{"id": hook.ID}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (r *repeater) repeatEvents(ctx context.Context) error {
	var settled struct {
		Deliveries []slackstandin.Delivery `json:"deliveries"`
	}
	if err := r.slack.get(ctx, "/_control/deliveries", &settled); err != nil {
		return err
	}
	for _, d := range settled.Deliveries {
		if !d.Accepted || d.Type != "message" || d.ThreadTS == "" || r.events[d.TS] {
			continue
		}
		r.events[d.TS] = true
		if r.random.Float64() >= repeatShare {
			continue
		}
		if err := r.repeatMessage(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// repeatMessage sends the message of a delivery in a new event.
func (r *repeater) repeatMessage(ctx context.Context, d slackstandin.Delivery) error {
	var thread struct {
		Messages []json.RawMessage `json:"messages"`
	}
	if err := r.slack.get(ctx, fmt.Sprintf("/_control/thread?channel=%s&ts=%s", channel, d.ThreadTS), &thread); err != nil {
		return err
	}
	for _, raw := range thread.Messages {
		var event map[string]any
		if err := json.Unmarshal(raw, &event); err != nil {
			return fmt.Errorf("read a message to repeat: %w", err)
		}
		if event["ts"] != d.TS || event["bot_id"] != nil {
			continue
		}
		delete(event, "reactions")
		event["channel"], event["channel_type"], event["event_ts"] = channel, "channel", d.TS
		r.count++
		return r.slack.post(ctx, "/_control/event", map[string]any{"channel": channel, "event": event}, nil)
	}
	return nil
}
