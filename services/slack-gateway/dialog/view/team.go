package view

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// The switches of the team settings, by the name of their field.
const (
	Notifications   = "notifications_enabled"
	Replies         = "thread_replies_enabled"
	MentionDirectly = "mention_directly"
	SelfLinking     = "self_linking" // the field says the opposite
	Pictures        = "operator_pictures"
)

// defaultQuiet is what the router takes when nothing is set.
const defaultQuiet = 5 * time.Minute

// BlockID is the id of an input's block. It changes with the settings: Slack keeps what was filled into a block that keeps its id.
func BlockID(action, etag string) string { return action + ":" + etag }

// Team is the modal of a project's settings. metadata comes back with its submission; note is said first, nothing when empty.
func Team(lang string, p Project, metadata string, note Saying) slack.ModalViewRequest {
	w, t := texts.In(lang), p.Settings
	field := func(action, label string, optional bool, el slack.BlockElement) *slack.InputBlock {
		return input(BlockID(action, t.GetEtag()), w.Say(label), optional, el)
	}
	hinted := func(in *slack.InputBlock, hint string) *slack.InputBlock {
		in.Hint = plain(w.Say(hint))
		return in
	}
	var all []slack.Block
	if note != "" {
		all = append(all, paragraph(w.Say(string(note))))
	}
	all = append(all,
		small(w.Say("home_project", "Project", p.ID)),
		field(element.Switches, "team_switches", true, switches(lang, t)),
		hinted(field(element.Channel, "team_channel_pick", true, channel(t.GetChannel())), "team_channel_hint"),
		field(element.MentionPolicy, "team_mention_policy", false, choice(element.MentionPolicy, mentionOptions(lang), policyValue(t.GetMentionPolicy()))),
		hinted(field(element.MentionTargets, "team_mention_targets", true, people(element.MentionTargets, members(t.GetMentionTargets()))), "team_people_hint"),
		field(element.QuietPeriod, "team_quiet", false, quiet(lang, t)),
		field(element.Language, "team_language", false, choice(element.Language, []*slack.OptionBlockObject{option("ja", w.Say("language_ja")), option("en", w.Say("language_en"))}, languageOf(t))),
		field(element.RemindAfter, "team_remind", true, minutes(element.RemindAfter, t.GetUnanswered().GetRemindAfter().AsDuration())),
		field(element.EscalateAfter, "team_escalate", true, minutes(element.EscalateAfter, t.GetUnanswered().GetEscalateAfter().AsDuration())),
		hinted(field(element.EscalationTargets, "team_escalate_to", true, people(element.EscalationTargets, members(t.GetUnanswered().GetEscalationTargets()))), "team_people_hint"),
		hinted(field(element.Admins, "team_admins", false, people(element.Admins, t.GetAdmins())), "team_people_hint"))
	if kept := kept(t); kept > 0 {
		all = append(all, small(w.Say("team_groups_stay", "Count", strconv.Itoa(kept))))
	}
	all = append(all, small(w.Say("team_elsewhere")))
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: element.TeamSettings, PrivateMetadata: metadata, Title: plain(w.Say("team_title")), Submit: plain(w.Say("modal_save")),
		Close: plain(w.Say("modal_cancel")), Blocks: blocks(all...),
	}
}

func switches(lang string, t *settingsv1.TeamSettings) *slack.CheckboxGroupsBlockElement {
	w := texts.In(lang)
	boxes := &slack.CheckboxGroupsBlockElement{Type: slack.METCheckboxGroups, ActionID: element.Switches}
	for _, s := range []struct {
		name string
		on   bool
	}{
		{Notifications, t.GetNotificationsEnabled()}, {Replies, t.GetThreadRepliesEnabled()}, {MentionDirectly, t.GetMentionDirectly()},
		{SelfLinking, !t.GetSelfLinkingDisabled()}, {Pictures, t.GetOperatorPictures()},
	} {
		o := option(s.name, w.Say("switch_"+s.name))
		boxes.Options = append(boxes.Options, o)
		if s.on {
			boxes.InitialOptions = append(boxes.InitialOptions, o)
		}
	}
	return boxes
}

func channel(chosen string) *slack.SelectBlockElement {
	return &slack.SelectBlockElement{
		Type: slack.OptTypeConversations, ActionID: element.Channel, InitialConversation: chosen, Filter: &slack.SelectBlockElementFilter{Include: []string{"public", "private"}, ExcludeBotUsers: true},
	}
}

func mentionOptions(lang string) (options []*slack.OptionBlockObject) {
	for _, policy := range []settingsv1.MentionPolicy{
		settingsv1.MentionPolicy_MENTION_POLICY_NOBODY, settingsv1.MentionPolicy_MENTION_POLICY_HERE, settingsv1.MentionPolicy_MENTION_POLICY_CHANNEL, settingsv1.MentionPolicy_MENTION_POLICY_TARGETS,
	} {
		options = append(options, option(policyValue(policy), texts.In(lang).Say(policies[policy])))
	}
	return options
}

func policyValue(policy settingsv1.MentionPolicy) string {
	if policy == settingsv1.MentionPolicy_MENTION_POLICY_UNSPECIFIED {
		policy = settingsv1.MentionPolicy_MENTION_POLICY_NOBODY
	}
	return policy.String()
}

// quiet offers the usual periods, and the one that is set where that is another. Values are seconds.
func quiet(lang string, t *settingsv1.TeamSettings) *slack.SelectBlockElement {
	set := t.GetMentionQuietPeriod().AsDuration()
	if set == 0 {
		set = defaultQuiet
	}
	periods := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour}
	if !slices.Contains(periods, set) {
		periods = append(periods, set)
		slices.Sort(periods)
	}
	var options []*slack.OptionBlockObject
	for _, period := range periods {
		text := texts.In(lang).Say("minutes", "Count", strconv.Itoa(int(period.Minutes())))
		if period%time.Minute != 0 {
			text = texts.In(lang).Say("seconds", "Count", strconv.Itoa(int(period.Seconds())))
		}
		options = append(options, option(strconv.Itoa(int(period.Seconds())), text))
	}
	return choice(element.QuietPeriod, options, strconv.Itoa(int(set.Seconds())))
}

// minutes is a number of whole minutes; what is set in parts of one is shown as the next.
func minutes(action string, set time.Duration) *slack.NumberInputBlockElement {
	n := &slack.NumberInputBlockElement{Type: slack.METNumber, ActionID: action, MinValue: "0", MaxValue: "10080"}
	if set > 0 {
		n.InitialValue = strconv.Itoa(int((set + time.Minute - 1) / time.Minute))
	}
	return n
}

// members leaves out user groups, which Slack's menus do not offer.
func members(targets []string) []string {
	return slices.DeleteFunc(slices.Clone(targets), func(id string) bool { return strings.HasPrefix(id, "S") })
}

// kept is how many user groups stay among the targets.
func kept(t *settingsv1.TeamSettings) int {
	mentioned, escalated := t.GetMentionTargets(), t.GetUnanswered().GetEscalationTargets()
	return len(mentioned) - len(members(mentioned)) + len(escalated) - len(members(escalated))
}
