package lane

import (
	"context"
	"errors"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// giveBack tells somebody in the app's own conversation with them what became of what they wrote in a dialog, and gives it back. What is shown in a thread to one person
// alone is gone when they close Slack, and on a phone that sleeps it never comes; this stays, and may come twice rather than never. Whom Slack does not let the app write
// to, for good or for now, gets it in the thread: the lane does not wait for a single person.
func (w *worker) giveBack(ctx context.Context, notice *eventv1.Notice, language string) error {
	ctx = context.WithoutCancel(ctx)
	target := notice.GetTarget()
	_, err := w.Slack.Post(ctx, target.GetMember(), "", render.Elsewhere(notice, w.now(target.GetTeam(), target.GetChannel()), language), nil)
	if _, never := retry.Reason(err); never || errors.Is(err, retry.ErrParked) {
		err = w.Marks.Private(ctx, target.GetChannel(), target.GetThreadTs(), target.GetMember(), render.Private(notice, language))
	}
	w.count("notice", err)
	return err
}
