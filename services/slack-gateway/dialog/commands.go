package dialog

import (
	"context"
	"slices"

	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

func (d *Dialogs) registerCommands() {
	d.OnCommand("link", d.behind(d.commandLink))
	d.OnCommand("status", d.behind(d.commandStatus))
	d.OnCommand("assign", d.behind(d.commandAssign))
}

// behind makes a command of work whose result is told when it is done.
func (d *Dialogs) behind(do Work) Command {
	return func(ctx context.Context, r Request) render.Message {
		if !d.later(ctx, func(ctx context.Context) { do(ctx, r) }) {
			return view.Say(r.Lang, view.TryAgain)
		}
		return render.Message{}
	}
}

// commandLink opens the personal settings, or links at once to the operator that was named.
func (d *Dialogs) commandLink(ctx context.Context, r Request) {
	projects, ok := d.theirs(ctx, r)
	switch {
	case !ok:
	case len(projects) > 1:
		d.Tell(ctx, r, view.ChooseProject(r.Lang, element.PersonalSettings, projects))
	case r.Text == "":
		d.openPersonal(ctx, r, projects[0].ID)
	default:
		d.linkByName(ctx, r, projects[0].ID)
	}
}

func (d *Dialogs) linkByName(ctx context.Context, r Request, project string) {
	operators, err := d.operators(ctx, r.Person, project)
	if err != nil {
		d.Tell(ctx, r, view.Say(r.Lang, d.failed(r, "link", err)))
		return
	}
	id, ok := find(operators, r.Text)
	if !ok {
		d.Tell(ctx, r, view.Say(r.Lang, view.NoOperator, "Operator", render.Label(r.Text, 100)))
		return
	}
	name, say := d.link(ctx, r, project, id)
	d.Tell(ctx, r, view.Say(r.Lang, say, "Operator", name))
	if say == view.Linked {
		d.publish(ctx, r, "")
	}
}

// theirs answers the projects of the person's workspace; without any they are told why.
func (d *Dialogs) theirs(ctx context.Context, r Request) ([]view.Project, bool) {
	projects, err := d.projects(ctx, r.Person)
	switch {
	case err != nil:
		d.Tell(ctx, r, view.Say(r.Lang, d.failed(r, "projects", err)))
	case len(projects) == 0:
		d.Tell(ctx, r, view.Say(r.Lang, view.NoProject))
	}
	return projects, len(projects) > 0 && err == nil
}

func (d *Dialogs) commandStatus(ctx context.Context, r Request) {
	projects, ok := d.theirs(ctx, r)
	if !ok {
		return
	}
	for i := range projects {
		projects[i].Connection = d.connect(ctx, r.Person, projects[i])
	}
	d.Tell(ctx, r, view.Status(r.Lang, projects))
}

// commandAssign opens the modal for the project of the channel, or asks which one it is about.
func (d *Dialogs) commandAssign(ctx context.Context, r Request) {
	projects, ok := d.theirs(ctx, r)
	if !ok {
		return
	}
	projects = slices.DeleteFunc(projects, func(p view.Project) bool { return p.Operator == "" })
	here := slices.DeleteFunc(slices.Clone(projects), func(p view.Project) bool { return p.Settings.GetChannel() != d.latest(r.Team, r.Channel) })
	switch {
	case len(projects) == 0:
		d.Tell(ctx, r, view.Say(r.Lang, view.NotLinked))
	case len(projects) == 1:
		d.openAssign(ctx, r, projects[0].ID)
	case len(here) == 1:
		d.openAssign(ctx, r, here[0].ID)
	default:
		d.Tell(ctx, r, view.ChooseProject(r.Lang, element.AssignConversation, projects))
	}
}
