package dialog

import (
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
)

func (d *Dialogs) registerAssign() {
	d.OnPress(element.AssignConversation, func(ctx context.Context, r Request) { d.openAssign(ctx, r, valueOf(r.Action)) })
	d.OnSubmit(element.AssignConversation, d.submitAssign)
	d.OnSuggest(element.Assign, d.suggestAssignees)
}

func (d *Dialogs) openAssign(ctx context.Context, r Request, project string) {
	d.Open(ctx, r, func(ctx context.Context) slack.ModalViewRequest { return d.assignTo(ctx, r, project) })
}

func (d *Dialogs) assignTo(ctx context.Context, r Request, project string) slack.ModalViewRequest {
	p, err := d.project(ctx, r.Person, project)
	switch {
	case err != nil:
		return view.Told(r.Lang, d.failed(r, "assign", err))
	case p.Operator == "":
		return view.Told(r.Lang, view.NotLinked)
	}
	open, err := d.assignable(ctx, r, p)
	if err != nil {
		return view.Told(r.Lang, d.failed(r, "assign", err))
	}
	if len(open) == 0 {
		return view.Told(r.Lang, view.NoConversations)
	}
	operators, err := d.operators(ctx, r.Person, project)
	if err != nil {
		return view.Told(r.Lang, d.failed(r, "assign", err))
	}
	operators = slices.DeleteFunc(operators, (*settingsv1.Operator).GetBot)
	if len(operators) == 0 {
		return view.Told(r.Lang, view.KARTESilent)
	}
	return view.AssignTo(r.Lang, p, open, operators)
}

// suggestAssignees fills the menu on the head of a thread: whom a conversation can be given to are operators who are linked to somebody in Slack.
func (d *Dialogs) suggestAssignees(ctx context.Context, r Request) []*slack.OptionBlockObject {
	project := element.CardProject(r.Action.Block)
	if project == "" {
		return nil
	}
	operators, err := d.operators(ctx, r.Person, project)
	if err != nil {
		d.failed(r, "suggest assignees", err)
		return nil
	}
	operators = slices.DeleteFunc(slices.Clone(operators), func(o *settingsv1.Operator) bool { return o.GetBot() || o.GetSlackMember() == "" })
	return view.Suggested(operators, r.Text)
}

// assignable are the conversations of the channel in which somebody asks, and their own.
func (d *Dialogs) assignable(ctx context.Context, r Request, p view.Project) ([]*adminv1.Conversation, error) {
	open, _, err := d.conversations(ctx, r.Person, p.ID, ofAssignee(p.Operator))
	if err != nil || !inChannel(r.Channel) {
		return open, err
	}
	here, _, err := d.conversations(ctx, r.Person, p.ID, ofChannel(r.Channel))
	if err != nil {
		return nil, err
	}
	for _, c := range here {
		if !slices.ContainsFunc(open, func(o *adminv1.Conversation) bool { return o.GetName() == c.GetName() }) {
			open = append(open, c)
		}
	}
	return open, nil
}

// inChannel tells channels from direct messages.
func inChannel(id string) bool { return strings.HasPrefix(id, "C") || strings.HasPrefix(id, "G") }

// submitAssign makes a fact of what was picked, as the menu on the head of the thread does. The same modal, submitted twice, is one fact.
func (d *Dialogs) submitAssign(ctx context.Context, r Request) *slack.ViewSubmissionResponse {
	picked, operator := only(filled(r, element.Conversation)), only(filled(r, element.Operator))
	channel, thread, ok := strings.Cut(picked, ":")
	switch {
	case !ok:
		return wrong(element.Conversation, view.Text(r.Lang, view.PickConversation))
	case operator == "":
		return wrong(element.Operator, view.Text(r.Lang, view.PickOperator))
	}
	fact := inbound.Assigned(inbound.Dialog{
		Team: r.Team, Channel: channel, Thread: thread, View: r.View.ID, Author: &eventv1.Author{Member: r.Member, Team: r.Interaction.UserTeam}, Received: d.Now(),
	}, operator)
	if fact == nil {
		return wrong(element.Conversation, view.Text(r.Lang, view.PickConversation))
	}
	if err := d.Store(ctx, fact); err != nil {
		d.Log.ErrorContext(ctx, "what a dialog asks for was not stored", "id", fact.GetId(), "err", err)
		return wrong(element.Conversation, view.Text(r.Lang, view.TryAgain))
	}
	return view.Failed(r.Lang, view.Assigned)
}
