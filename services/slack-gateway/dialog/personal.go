package dialog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/routerapi"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

func (d *Dialogs) registerPersonal() {
	d.OnPress(element.PersonalSettings, func(ctx context.Context, r Request) { d.openPersonal(ctx, r, valueOf(r.Action)) })
	d.OnPress(element.Unlink, d.unlink)
	d.OnPress(element.TestLink, d.testLink)
	d.OnSubmit(element.PersonalSettings, d.submitPersonal)
	d.OnSuggest(element.Operator, d.suggestOperators)
}

func valueOf(a inbound.Action) string {
	if len(a.Values) == 0 {
		return ""
	}
	return a.Values[0]
}

// filled answers what a modal holds in an input.
func filled(r Request, action string) []string {
	if r.View == nil {
		return nil
	}
	for _, input := range r.View.Inputs {
		if input.ID == action {
			return input.Values
		}
	}
	return nil
}

func (d *Dialogs) openPersonal(ctx context.Context, r Request, project string) {
	d.Open(ctx, r, func(ctx context.Context) slack.ModalViewRequest { return d.personal(ctx, r, project, "") })
}

// personal is the modal of the person's own settings.
func (d *Dialogs) personal(ctx context.Context, r Request, project string, note view.Saying) slack.ModalViewRequest {
	p, err := d.project(ctx, r.Person, project)
	if err != nil {
		return view.Told(r.Lang, d.failed(r, "personal settings", err))
	}
	operators, err := d.operators(ctx, r.Person, project)
	if err != nil {
		return view.Told(r.Lang, d.failed(r, "operators", err))
	}
	return view.Personal(r.Lang, p, operators, note)
}

func (d *Dialogs) submitPersonal(ctx context.Context, r Request) *slack.ViewSubmissionResponse {
	picked := filled(r, element.Operator)
	if len(picked) == 0 {
		return wrong(element.Operator, view.Text(r.Lang, view.PickOperator))
	}
	project, operator := r.View.PrivateMetadata, picked[0]
	name, say := d.link(ctx, r, project, operator)
	switch say {
	case view.Linked:
		d.renew(ctx, r)
		return view.Failed(r.Lang, view.Linked, "Operator", name)
	case view.Changed:
		return wrong(element.Operator, view.Text(r.Lang, view.OperatorTaken, "Operator", name))
	case view.OperatorTaken, view.MemberTaken, view.NoOperator, view.KARTESilent, view.TryAgain, view.Unclear:
		return wrong(element.Operator, view.Text(r.Lang, say, "Operator", name))
	default:
		return view.Failed(r.Lang, say)
	}
}

// wrong says at an input what is wrong with it.
func wrong(block, text string) *slack.ViewSubmissionResponse {
	return slack.NewErrorsViewSubmissionResponse(map[string]string{block: text})
}

// link makes a person the operator, and says what became of it. Doing it again changes nothing.
func (d *Dialogs) link(ctx context.Context, r Request, project, operator string) (name string, say view.Saying) {
	p, err := d.project(ctx, r.Person, project)
	if err != nil {
		return operator, d.failed(r, "link", err)
	}
	if !p.MayLink() {
		return operator, view.NoLinking
	}
	operators, err := d.operators(ctx, r.Person, project)
	if err != nil {
		return operator, d.failed(r, "link", err)
	}
	i := slices.IndexFunc(operators, func(o *settingsv1.Operator) bool { return view.OperatorID(o) == operator })
	if i < 0 {
		return operator, view.NoOperator
	}
	wanted := operators[i]
	name = wanted.GetDisplayName()
	switch {
	case p.Operator == operator:
		return name, view.Linked
	case len(view.Free(operators[i:i+1], r.Member)) == 0:
		return name, view.OperatorTaken
	}
	say = d.relink(ctx, r, p, wanted)
	if say == view.Changed || say == view.OperatorTaken || say == view.MemberTaken {
		// Perhaps it was they themselves, who have pressed twice.
		if now, err := d.project(ctx, r.Person, project); err == nil && now.Operator == operator {
			return name, view.Linked
		}
	}
	return name, say
}

// relink ends a former link first: a member is one operator only. When the new one fails, the former one comes back.
func (d *Dialogs) relink(ctx context.Context, r Request, p view.Project, wanted *settingsv1.Operator) view.Saying {
	ctx = routerapi.As(ctx, r.Team, r.Member)
	former := fmt.Sprintf("projects/%s/operators/%s", p.ID, p.Operator)
	if p.Operator != "" {
		if _, err := d.Router.Settings.DeleteOperatorLink(ctx, &settingsv1.DeleteOperatorLinkRequest{Name: former}); err != nil {
			return d.outcome(r, "end the former link", err)
		}
	}
	err := d.setLink(ctx, r, wanted.GetName(), wanted.GetDisplayName())
	if err == nil {
		return view.Linked
	}
	if p.Operator != "" && !unclear(err) {
		if back := d.setLink(ctx, r, former, p.OperatorName); back != nil {
			d.Log.Warn("a former link did not come back", "link", former, "member", r.Member, "err", back)
		}
	}
	return d.outcome(r, "link", err)
}

func (d *Dialogs) setLink(ctx context.Context, r Request, name, shown string) error {
	if len([]rune(shown)) > 200 {
		shown = string([]rune(shown)[:200])
	}
	_, err := d.Router.Settings.SetOperatorLink(ctx, &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{Name: name, SlackMember: r.Member, DisplayName: shown}})
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", r.Member, name, err)
	}
	return nil
}

// outcome says what is known of a change that was not confirmed.
func (d *Dialogs) outcome(r Request, what string, err error) view.Saying {
	if say := d.failed(r, what, err); !unclear(err) {
		return say
	}
	return view.Unclear
}

// unlink ends the person's own link.
func (d *Dialogs) unlink(ctx context.Context, r Request) {
	project := valueOf(r.Action)
	p, err := d.project(ctx, r.Person, project)
	if err != nil {
		d.Tell(ctx, r, view.Say(r.Lang, d.failed(r, "unlink", err)))
		return
	}
	note := view.Unlinked
	if p.Operator != "" {
		_, err := d.Router.Settings.DeleteOperatorLink(routerapi.As(ctx, r.Team, r.Member), &settingsv1.DeleteOperatorLinkRequest{Name: fmt.Sprintf("projects/%s/operators/%s", project, p.Operator)})
		if err != nil && reason(err) != "NOT_LINKED" {
			note = d.outcome(r, "unlink", err)
		}
	}
	d.replace(ctx, r, d.personal(ctx, r, project, note))
	d.publish(ctx, r, "")
}

// replace shows another modal instead of the one in which something was pressed.
func (d *Dialogs) replace(ctx context.Context, r Request, modal slack.ModalViewRequest) {
	if r.View == nil || r.View.Type != "modal" {
		return
	}
	if _, err := d.Slack(r.Team).UpdateView(ctx, slackapi.View{ID: r.View.ID}, modal); err != nil {
		d.Log.Warn("a modal was not replaced", "team", r.Team, "callback", modal.CallbackID, "err", err)
	}
}

// testLink sends the person a message that shows what the router knows of their link.
func (d *Dialogs) testLink(ctx context.Context, r Request) {
	project, note := valueOf(r.Action), view.TestSent
	p, err := d.project(ctx, r.Person, project)
	switch {
	case err != nil:
		note = d.failed(r, "test", err)
	case p.Operator == "":
		note = view.NotLinked
	default:
		message := view.Say(r.Lang, view.TestMessage, "Project", p.ID, "Operator", p.OperatorName)
		if err := d.Slack(r.Team).Direct(ctx, r.Member, message); err != nil {
			d.Log.Warn("a test message was not sent", "team", r.Team, "member", r.Member, "err", err)
			note = view.TryAgain
		}
	}
	if r.View != nil && r.View.Type == "modal" {
		d.replace(ctx, r, d.personal(ctx, r, project, note))
		return
	}
	d.Tell(ctx, r, view.Say(r.Lang, note))
}

// suggestOperators fills a menu for which there are too many operators.
func (d *Dialogs) suggestOperators(ctx context.Context, r Request) []*slack.OptionBlockObject {
	if r.View == nil {
		return nil
	}
	operators, err := d.operators(ctx, r.Person, r.View.PrivateMetadata)
	if err != nil {
		d.failed(r, "suggest operators", err)
		return nil
	}
	if r.View.CallbackID == element.PersonalSettings {
		operators = view.Free(operators, r.Member)
	} else {
		operators = slices.DeleteFunc(operators, (*settingsv1.Operator).GetBot)
	}
	return view.Suggested(operators, r.Text)
}

// find answers the only operator of that id or name.
func find(operators []*settingsv1.Operator, wanted string) (id string, ok bool) {
	var found []string
	for _, o := range operators {
		if view.OperatorID(o) == wanted {
			return wanted, true
		}
		if strings.EqualFold(strings.Join(strings.Fields(o.GetDisplayName()), ""), strings.Join(strings.Fields(wanted), "")) && !o.GetBot() {
			found = append(found, view.OperatorID(o))
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}
