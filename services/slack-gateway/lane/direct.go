package lane

import (
	"context"

	"google.golang.org/protobuf/proto"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// Links says where people find a line.
type Links interface {
	Permalink(ctx context.Context, channel, ts string) (string, error)
}

// direct tells one member something. A link that Slack does not name now is made without it.
func (w *worker) direct(ctx context.Context, notice *eventv1.DirectNotice, language string) error {
	permalink := ""
	if about := notice.GetAbout(); about.GetTs() != "" {
		var err error
		if permalink, err = w.Links.Permalink(ctx, about.GetChannel(), about.GetTs()); err != nil {
			w.Log.DebugContext(ctx, "no permalink", "channel", about.GetChannel(), "err", err)
		}
	}
	if about := notice.GetAbout(); about != nil && about.GetThreadTs() == "" {
		notice = proto.CloneOf(notice)
		notice.About.Channel = w.now(about.GetTeam(), about.GetChannel()) // people know it by the id that it has now
	}
	_, err := w.Slack.Post(ctx, notice.GetMember(), "", render.Direct(notice, permalink, language), nil)
	return err
}
