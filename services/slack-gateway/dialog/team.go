package dialog

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog/view"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/routerapi"
)

func (d *Dialogs) registerTeam() {
	d.OnPress(element.TeamSettings, d.openTeam)
	d.OnSubmit(element.TeamSettings, d.submitTeam)
}

// opened is what a modal was opened with, kept in its private metadata.
type opened struct {
	Project string `json:"project"`
	Etag    string `json:"etag"`
}

func (o opened) metadata() string {
	raw, err := json.Marshal(o)
	if err != nil {
		return "" // two strings can always be written
	}
	return string(raw)
}

// teamPaths are the fields that the modal shows.
var teamPaths = []string{
	"notifications_enabled", "thread_replies_enabled", "channel", "mention_policy", "mention_targets", "language", "admins", "mention_quiet_period", "mention_directly", "unanswered",
	"self_linking_disabled", "operator_pictures",
}

func (d *Dialogs) openTeam(ctx context.Context, r Request) {
	d.Open(ctx, r, func(ctx context.Context) slack.ModalViewRequest { return d.team(ctx, r, valueOf(r.Action), "") })
}

func (d *Dialogs) team(ctx context.Context, r Request, project string, note view.Saying) slack.ModalViewRequest {
	p, err := d.project(ctx, r.Person, project)
	switch {
	case err != nil:
		return view.Told(r.Lang, d.failed(r, "team settings", err))
	case !p.Admin:
		return view.Told(r.Lang, view.AdminsOnly)
	}
	return view.Team(r.Lang, p, opened{Project: p.ID, Etag: p.Settings.GetEtag()}.metadata(), note)
}

func (d *Dialogs) submitTeam(ctx context.Context, r Request) *slack.ViewSubmissionResponse {
	var with opened
	if err := json.Unmarshal([]byte(r.View.PrivateMetadata), &with); err != nil || with.Project == "" {
		return view.Failed(r.Lang, view.TryAgain)
	}
	p, err := d.project(ctx, r.Person, with.Project)
	switch {
	case err != nil:
		return view.Failed(r.Lang, d.failed(r, "team settings", err))
	case !p.Admin:
		return view.Failed(r.Lang, view.AdminsOnly)
	case p.Settings.GetEtag() != with.Etag:
		return d.afresh(ctx, r, p.ID)
	}
	wanted, problems := filledIn(r, p.Settings)
	d.strangers(ctx, r, p.Settings, wanted, problems)
	if state := d.channelState(ctx, r.Team, wanted.GetChannel()); wanted.GetChannel() != "" {
		switch state {
		case view.ChannelClosed:
			problems[element.Channel] = view.ChannelArchived
		case view.ChannelInvisible:
			problems[element.Channel] = view.ChannelUnseen
		case view.ChannelNotIn:
			return d.saveTeam(ctx, r, wanted, problems, view.Invite)
		default: // fine, or it cannot be looked at now
		}
	}
	return d.saveTeam(ctx, r, wanted, problems, view.Saved)
}

// saveTeam stores the settings unless something is wrong with them, and says done then.
func (d *Dialogs) saveTeam(ctx context.Context, r Request, wanted *settingsv1.TeamSettings, problems map[string]view.Saying, done view.Saying) *slack.ViewSubmissionResponse {
	etag := wanted.GetEtag()
	if len(problems) > 0 {
		return atFields(r.Lang, etag, problems)
	}
	_, err := d.Router.Settings.UpdateTeamSettings(routerapi.As(ctx, r.Team, r.Member), &settingsv1.UpdateTeamSettingsRequest{
		TeamSettings: wanted, UpdateMask: &fieldmaskpb.FieldMask{Paths: teamPaths},
	})
	if err == nil {
		d.renew(ctx, r)
		return view.Failed(r.Lang, done)
	}
	if problems := refusedFields(err); len(problems) > 0 {
		return atFields(r.Lang, etag, problems)
	}
	say := d.outcome(r, "save the team settings", err)
	if say == view.Changed {
		_, project, _ := strings.Cut(strings.TrimSuffix(wanted.GetName(), "/teamSettings"), "projects/")
		return d.afresh(ctx, r, project)
	}
	return view.Failed(r.Lang, say)
}

// afresh shows the settings as they are now, and why nothing was saved.
func (d *Dialogs) afresh(ctx context.Context, r Request, project string) *slack.ViewSubmissionResponse {
	modal := d.team(ctx, r, project, view.Changed)
	return slack.NewUpdateViewSubmissionResponse(&modal)
}

// atFields says at each input what is wrong with it.
func atFields(lang, etag string, problems map[string]view.Saying) *slack.ViewSubmissionResponse {
	said := map[string]string{}
	for action, problem := range problems {
		said[view.BlockID(action, etag)] = view.Text(lang, problem)
	}
	return slack.NewErrorsViewSubmissionResponse(said)
}

// refusedFields answers the inputs that the router refuses.
func refusedFields(err error) map[string]view.Saying {
	problems := map[string]view.Saying{}
	for _, detail := range statusOf(err).Details() {
		bad, ok := detail.(*errdetails.BadRequest)
		if !ok {
			continue
		}
		for _, v := range bad.GetFieldViolations() {
			problems[inputOf(v.GetField())] = view.NotPossible
		}
	}
	return problems
}

// inputOf answers the input that a field of the settings comes from, like `team_settings.mention_targets[2]`.
func inputOf(field string) string {
	field = strings.TrimPrefix(field, "team_settings.")
	for prefix, action := range map[string]string{
		"channel": element.Channel, "mention_policy": element.MentionPolicy, "mention_targets": element.MentionTargets, "mention_quiet_period": element.QuietPeriod, "language": element.Language,
		"admins": element.Admins, "unanswered.remind_after": element.RemindAfter, "unanswered.escalate_after": element.EscalateAfter, "unanswered.escalation_targets": element.EscalationTargets,
		"unanswered": element.RemindAfter,
	} {
		rest, ok := strings.CutPrefix(field, prefix)
		if ok && (rest == "" || rest[0] == '[' || rest[0] == '.' && prefix != "unanswered") {
			return action
		}
	}
	return element.Switches
}

// filledIn answers the settings as the modal says they are to be, and what is wrong by input. What the modal does not show stays.
func filledIn(r Request, now *settingsv1.TeamSettings) (*settingsv1.TeamSettings, map[string]view.Saying) {
	wanted, problems := proto.CloneOf(now), map[string]view.Saying{}
	on := filled(r, element.Switches)
	wanted.NotificationsEnabled = slices.Contains(on, view.Notifications)
	wanted.ThreadRepliesEnabled = slices.Contains(on, view.Replies)
	wanted.MentionDirectly = slices.Contains(on, view.MentionDirectly)
	wanted.SelfLinkingDisabled = !slices.Contains(on, view.SelfLinking)
	wanted.OperatorPictures = slices.Contains(on, view.Pictures)
	wanted.Channel = only(filled(r, element.Channel))
	wanted.Language = only(filled(r, element.Language))
	wanted.MentionPolicy = settingsv1.MentionPolicy(settingsv1.MentionPolicy_value[only(filled(r, element.MentionPolicy))])
	wanted.MentionTargets = withGroups(filled(r, element.MentionTargets), now.GetMentionTargets())
	wanted.Admins = filled(r, element.Admins)
	if seconds, err := strconv.Atoi(only(filled(r, element.QuietPeriod))); err == nil {
		wanted.MentionQuietPeriod = durationpb.New(time.Duration(seconds) * time.Second)
	}
	if wanted.GetNotificationsEnabled() && wanted.GetChannel() == "" {
		problems[element.Channel] = view.NeedChannel
	}
	if wanted.GetMentionPolicy() == settingsv1.MentionPolicy_MENTION_POLICY_TARGETS && len(wanted.GetMentionTargets()) == 0 {
		problems[element.MentionTargets] = view.NeedTargets
	}
	if len(wanted.GetAdmins()) == 0 {
		problems[element.Admins] = view.NeedAdmin
	}
	fillUnanswered(r, now, wanted, problems)
	return wanted, problems
}

func fillUnanswered(r Request, now, wanted *settingsv1.TeamSettings, problems map[string]view.Saying) {
	remind, ok := minutesOf(only(filled(r, element.RemindAfter)))
	if !ok {
		problems[element.RemindAfter] = view.NotMinutes
	}
	escalate, ok := minutesOf(only(filled(r, element.EscalateAfter)))
	if !ok {
		problems[element.EscalateAfter] = view.NotMinutes
	}
	if escalate > 0 && escalate <= remind {
		problems[element.EscalateAfter] = view.EscalateLater
	}
	targets := withGroups(filled(r, element.EscalationTargets), now.GetUnanswered().GetEscalationTargets())
	if escalate > 0 && len(targets) == 0 {
		problems[element.EscalationTargets] = view.NeedTargets
	}
	if now.GetUnanswered() == nil && remind == 0 && escalate == 0 && len(targets) == 0 {
		return
	}
	if wanted.Unanswered == nil {
		wanted.Unanswered = &settingsv1.UnansweredPolicy{}
	}
	wanted.Unanswered.RemindAfter, wanted.Unanswered.EscalateAfter, wanted.Unanswered.EscalationTargets = durationpb.New(remind), durationpb.New(escalate), targets
}

// only answers the one value of an input, empty when there is none.
func only(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

const mostMinutes = 7 * 24 * 60

func minutesOf(text string) (time.Duration, bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.Atoi(text)
	return time.Duration(n) * time.Minute, err == nil && n >= 0 && n <= mostMinutes
}

// withGroups adds the user groups of before, which the menu does not show, to the members that were picked.
func withGroups(picked, before []string) []string {
	all := slices.Clone(picked)
	for _, id := range before {
		if strings.HasPrefix(id, "S") {
			all = append(all, id)
		}
	}
	return all
}
