package dialog

import (
	"context"
	"errors"
	"sync"

	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

func (d *Dialogs) registerHome() {
	d.OnHome(d.showHome)
	d.OnPress(element.RefreshHome, d.showHome)
}

// showHome publishes the person's Home as things are now.
func (d *Dialogs) showHome(ctx context.Context, r Request) {
	hash := ""
	if r.View != nil && r.View.Type == "home" {
		hash = r.View.Hash
	}
	d.publish(ctx, r, hash)
}

// publish shows a Home; one that was published meanwhile is at least as new.
func (d *Dialogs) publish(ctx context.Context, r Request, hash string) {
	projects, say := d.homeOf(ctx, r)
	_, err := d.Slack(r.Team).PublishHome(ctx, r.Member, hash, view.Home(r.Lang, projects, say))
	if err != nil && !errors.Is(err, slackapi.ErrViewChanged) {
		d.Log.Warn("a home was not published", "team", r.Team, "member", r.Member, "err", err)
	}
}

func (d *Dialogs) homeOf(ctx context.Context, r Request) ([]view.Project, view.Saying) {
	if d.Router == nil {
		return nil, view.NotSetUp
	}
	projects, err := d.projects(ctx, r.Person)
	if err != nil {
		return nil, d.failed(r, "home", err)
	}
	var looking sync.WaitGroup
	for i := range projects {
		looking.Go(func() { d.complete(ctx, r, &projects[i]) })
	}
	looking.Wait()
	return projects, ""
}

// complete adds what is not needed to know a project, but to show it.
func (d *Dialogs) complete(ctx context.Context, r Request, p *view.Project) {
	p.Connection = d.connect(ctx, r.Person, *p)
	if p.Operator == "" {
		return
	}
	var err error
	if p.Conversations, p.More, err = d.conversations(ctx, r.Person, p.ID, ofAssignee(p.Operator)); err != nil {
		d.Log.Warn("conversations are missing in a home", "project", p.ID, "err", err)
	}
}

// renew shows the Home anew after a change, when the person has been answered.
func (d *Dialogs) renew(ctx context.Context, r Request) {
	if !d.later(ctx, func(ctx context.Context) { d.publish(ctx, r, "") }) {
		d.Log.Warn("a home was not published", "team", r.Team, "member", r.Member, "err", "too many dialogs at once")
	}
}
