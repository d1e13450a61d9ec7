package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slacktalk/slacktalk/internal/examination"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

func lookWorkspace(ctx context.Context, x *scene) outcome {
	if o := passed(ctx, x, lookSlackToken, slackToken); o != nil {
		return *o
	}
	if o := passed(ctx, x, lookSettings, settingsThere); o != nil {
		return *o
	}
	replicas, err := x.slack.get(ctx)
	if err != nil {
		return waits(slackService)
	}
	team, err := x.team.get(ctx)
	if err != nil {
		return waits(redisAnswers)
	}
	wanted := team.GetWorkspace()
	return each(replicas, examination.SlackToken, func(f *eventv1.Finding) outcome {
		got := f.GetValues()[examination.ValueTeam]
		if got == wanted {
			return ok("")
		}
		return failure(fmt.Sprintf("the settings name workspace %s, the app is installed in %s", wanted, got),
			fmt.Sprintf("If %s is right: talkctl settings set workspace=%s channel=C… (a channel of that workspace). If %s is right: set SLACK_BOT_TOKEN to the token of the app there (%s)%s.",
				got, got, wanted, botToken, restartKG))
	}).or(ok("it is %s", wanted))
}

// seen answers what Slack says of things of one kind, or why that cannot be told.
func (x *scene) seen(ctx context.Context, kinds ...string) ([]*eventv1.Finding, *outcome) {
	if o := passed(ctx, x, lookWorkspace, slackWorkspace); o != nil {
		return nil, o
	}
	findings, err := x.workspace.get(ctx)
	if errors.Is(err, errNotAsked) {
		o := waits(slackWorkspace)
		return nil, &o
	}
	if err != nil {
		o := failure(fmt.Sprintf("slack-gateway could not be asked: %v", err), "Look at the log of slack-gateway, and run the examination again.")
		return nil, &o
	}
	var wanted []*eventv1.Finding
	for _, f := range findings {
		for _, kind := range kinds {
			if f.GetCheck() == kind {
				wanted = append(wanted, f)
			}
		}
	}
	return wanted, nil
}

// unseen is the outcome of a finding that says nothing about the thing itself; ok is false when it does.
func unseen(f *eventv1.Finding) (o outcome, is bool) {
	if f.GetValues()[examination.ValueCode] == "missing_scope" {
		return waits(slackScopes), true
	}
	if f.GetState() == eventv1.FindingState_FINDING_STATE_UNKNOWN {
		return warning(f.GetSubject()+" could not be looked at: "+f.GetDetail(), "Run the examination again in a minute."), true
	}
	return outcome{}, false
}

func lookChannels(ctx context.Context, x *scene) outcome {
	findings, no := x.seen(ctx, examination.SlackChannel)
	if no != nil {
		return *no
	}
	var all problems
	for _, f := range findings {
		all.add(channelOutcome(f))
	}
	if len(findings) == 0 {
		return waits(settingsThere)
	}
	return all.or(ok("%s", subjects(findings)))
}

func channelOutcome(f *eventv1.Finding) outcome {
	if o, is := unseen(f); is {
		return o
	}
	id := f.GetSubject()
	called := id
	if name := f.GetValues()[examination.ValueName]; name != "" {
		called = fmt.Sprintf("%s (#%s)", id, name)
	}
	switch code := f.GetValues()[examination.ValueCode]; {
	case f.GetState() == eventv1.FindingState_FINDING_STATE_OK:
		return ok("")
	case code == examination.CodeUnknown:
		return failure(called+" is not a channel that the app can see",
			fmt.Sprintf("If it is private, type /invite and the app's name in it. If it is another channel: talkctl settings set channel=C… (Slack: the channel's name > the bottom of About), or change the rule that names %s.", id))
	case code == examination.CodeArchived:
		return failure(called+" is archived", "Unarchive it in Slack, or choose another: talkctl settings set channel=C…")
	case code == examination.CodeNotIn:
		return failure("the app is not in "+called, "In Slack, type /invite and the app's name in channel "+called+".")
	default:
		return failure(fmt.Sprintf("Slack says of %s: %s", called, f.GetDetail()), "Look at the channel in Slack, or choose another: talkctl settings set channel=C…")
	}
}

func subjects(findings []*eventv1.Finding) string {
	var all []string
	for _, f := range findings {
		all = append(all, f.GetSubject())
	}
	return strings.Join(all, ", ")
}

func lookMembers(ctx context.Context, x *scene) outcome {
	findings, no := x.seen(ctx, examination.SlackMember, examination.SlackUserGroup)
	if no != nil {
		return *no
	}
	team, err := x.team.get(ctx)
	if err != nil {
		return waits(redisAnswers)
	}
	links, err := x.links.get(ctx)
	if err != nil {
		return waits(redisAnswers)
	}
	var all problems
	for _, f := range findings {
		all.add(memberOutcome(f, rolesOf(f.GetSubject(), team, links)))
	}
	if len(findings) == 0 {
		return ok("there are none")
	}
	if len(findings) >= membersAtMost {
		return all.or(ok("%d were looked at, which is as many as Slack lets be asked about", len(findings)))
	}
	return all.or(ok("%d looked at", len(findings)))
}

// roles are what somebody is in the settings.
type roles struct {
	// operator is whom they are linked to.
	operator                  string
	target, escalation, admin bool
}

func rolesOf(id string, team *settingsv1.TeamSettings, links []*settingsv1.OperatorLink) roles {
	var r roles
	for _, link := range links {
		if link.GetSlackMember() == id {
			r.operator = link.GetName()[strings.LastIndex(link.GetName(), "/")+1:]
		}
	}
	r.target = slices.Contains(team.GetMentionTargets(), id)
	r.escalation = slices.Contains(team.GetUnanswered().GetEscalationTargets(), id)
	for _, admin := range team.GetAdmins() {
		r.admin = r.admin || admin == id
	}
	return r
}

// memberOutcome: whoever does not belong to the workspace is a mistake in any role; the others cannot reply, but may be told.
func memberOutcome(f *eventv1.Finding, r roles) outcome {
	if o, is := unseen(f); is || f.GetState() == eventv1.FindingState_FINDING_STATE_OK {
		if is {
			return o
		}
		return ok("")
	}
	var said, fixes []string
	if r.operator != "" {
		said = append(said, "linked to operator "+r.operator)
		fixes = append(fixes, fmt.Sprintf("talkctl operators link %s U… (Slack: the person's profile > ⋮ > Copy member ID), or talkctl operators unlink %s", r.operator, r.operator))
	}
	if r.target {
		said, fixes = append(said, "a mention target"), append(fixes, "talkctl settings set mention_targets=… without it")
	}
	if r.escalation {
		said, fixes = append(said, "an escalation target"), append(fixes, "talkctl settings set unanswered=… without it")
	}
	if r.admin {
		said, fixes = append(said, "an admin"), append(fixes, "talkctl settings set admins=… without it")
	}
	found := fmt.Sprintf("%s (%s): %s", f.GetSubject(), strings.Join(said, ", "), f.GetDetail())
	code := f.GetValues()[examination.ValueCode]
	serious := code == examination.CodeUnknown || code == examination.CodeOtherTeam
	cannotReply := r.operator != "" && (code == examination.CodeGuest || code == examination.CodeBot)
	if serious || cannotReply {
		return failure(found, strings.Join(fixes, "\n"))
	}
	return warning(found, strings.Join(fixes, "\n"))
}
