package lane

import (
	"time"

	"github.com/slacktalk/slacktalk/internal/effort"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

const (
	// plainAfter is how often a post is tried with its images: Slack fetches them before it answers, which may take it too long.
	plainAfter = 3
	// unnamedFor is how long posts go without a sender of their own after Slack has refused one.
	unnamedFor = 10 * time.Minute
)

// adorned makes a post with what makes it nicer, and where Slack refuses that, without: the words say it all. A refusal has no effect, so that both are one attempt.
func (w *worker) adorned(message render.Message, post func(render.Message) (slackapi.Posted, error)) (slackapi.Posted, error) {
	if effort.Tries(w.took) >= plainAfter {
		message = message.Plain()
	}
	if message.Sender != nil && w.Now().Before(w.unnamedUntil) {
		message.Sender = nil
	}
	posted, err := post(message)
	if message.Sender != nil && slackapi.NotAllowed(err) {
		w.Log.Info("an operator's message stands under the app's name", "channel", w.lane.Channel, "err", err)
		w.unnamedUntil, message.Sender = w.Now().Add(unnamedFor), nil
		posted, err = post(message)
	}
	if reason, _ := retry.Reason(err); err != nil && message.Images() && reason == eventv1.FailureReason_FAILURE_REASON_REJECTED {
		w.Log.Info("Slack does not show an image", "channel", w.lane.Channel, "err", err)
		posted, err = post(message.Plain())
	}
	return posted, err
}
