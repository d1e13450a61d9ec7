package view

import (
	"strconv"
	"time"

	"github.com/slack-go/slack"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// Project is a project as one member sees it.
type Project struct {
	ID       string
	Settings *settingsv1.TeamSettings
	// Operator is whom the member is linked to, and OperatorName what people call them; empty when nobody.
	Operator, OperatorName string
	// Admin says that the settings list the member.
	Admin bool
	// Conversations are the member's own that are not closed, More that there are others.
	Conversations []*adminv1.Conversation
	More          bool
	Connection    Connection
}

// MayLink says whether the member may link themselves, or end their link.
func (p Project) MayLink() bool { return p.Admin || !p.Settings.GetSelfLinkingDisabled() }

// Connection is the state of what a project needs, in short.
type Connection struct {
	// KARTE has answered.
	KARTE bool
	// Channel is the state of the linked channel.
	Channel ChannelState
	// Dead is how many messages have been given up, DeadMore that there are even more; known to admins only.
	Dead     int
	DeadMore bool
}

// ChannelState is how a linked channel is.
type ChannelState string

// The states.
const (
	ChannelUnknown   ChannelState = "channel_unknown"
	ChannelNone      ChannelState = "channel_none"
	ChannelFine      ChannelState = "channel_fine"
	ChannelClosed    ChannelState = "channel_archived"
	ChannelInvisible ChannelState = "channel_unseen"
	ChannelNotIn     ChannelState = "channel_not_in"
)

const (
	// mostProjects and mostLines keep a Home below 100 blocks.
	mostProjects = 8
	mostLines    = 72
	// linesEach is how many conversations of a project are shown at most.
	linesEach = 10
)

// Home is the app's Home of one member. With a problem it says that instead.
func Home(lang string, projects []Project, problem Saying) slack.HomeTabViewRequest {
	w := texts.In(lang)
	all := []slack.Block{}
	hint := []slack.Block{small(w.Say("home_hint"))}
	switch {
	case problem == Outside: // nothing was refused, and nothing of theirs goes to customers
		all, hint = append(all, paragraph(w.Say("home_outside"))), nil
	case problem != "":
		all = append(all, paragraph(w.Say(string(problem))))
	case len(projects) == 0:
		all = append(all, paragraph(w.Say(string(NoProject))))
	}
	if problem == "" {
		for i, p := range projects[:min(len(projects), mostProjects)] {
			if i > 0 {
				all = append(all, divider())
			}
			all = append(all, project(lang, p, min(linesEach, mostLines/min(len(projects), mostProjects)-7))...)
		}
	}
	if more := len(projects) - mostProjects; problem == "" && more > 0 {
		all = append(all, small(w.Say("home_more_projects", "Count", strconv.Itoa(more))))
	}
	all = append(all, divider(), &slack.ActionBlock{Type: slack.MBTAction, Elements: &slack.BlockElements{ElementSet: []slack.BlockElement{button(element.RefreshHome, "", w.Say("home_refresh"))}}})
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: blocks(append(all, hint...)...)}
}

func project(lang string, p Project, lines int) []slack.Block {
	w := texts.In(lang)
	all := []slack.Block{heading(w.Say("home_project", "Project", p.ID))}
	me := paragraph(w.Say("home_not_linked"))
	if p.Operator != "" {
		me = paragraph(w.Say("home_linked", "Operator", named(p.OperatorName, p.Operator)))
	}
	all = append(all, beside(me, button(element.PersonalSettings, p.ID, w.Say("personal_title"))))
	if p.Operator != "" {
		all = append(all, conversations(lang, p, max(lines, 1))...)
	}
	summary := paragraph(Summary(lang, p))
	if p.Admin {
		beside(summary, button(element.TeamSettings, p.ID, w.Say("team_title")))
	}
	return append(all, summary, place(lang, p.Settings.GetChannel()), small(State(lang, p)))
}

// place names the linked channel; the only mrkdwn object holds our own mention.
func place(lang, channel string) *slack.ContextBlock {
	w := texts.In(lang)
	if channel == "" {
		return small(w.Say("team_no_channel"))
	}
	named := &slack.TextBlockObject{Type: slack.MarkdownType, Text: "<#" + channel + ">", Verbatim: true}
	return &slack.ContextBlock{Type: slack.MBTContext, ContextElements: slack.ContextElements{Elements: []slack.MixedElement{plain(w.Say("team_channel")), named}}}
}

func conversations(lang string, p Project, lines int) []slack.Block {
	w := texts.In(lang)
	if len(p.Conversations) == 0 {
		return []slack.Block{paragraph(w.Say("home_no_conversations"))}
	}
	all := []slack.Block{paragraph(w.Say("home_conversations"))}
	for _, c := range p.Conversations[:min(len(p.Conversations), lines)] {
		line := paragraph(Conversation(lang, c))
		if c.GetPermalink() != "" {
			beside(line, opens(c.GetPermalink(), w.Say("home_open")))
		}
		all = append(all, line)
	}
	if p.More || len(p.Conversations) > lines {
		all = append(all, small(w.Say("home_more_conversations")))
	}
	return all
}

// Customer says who a customer is.
func Customer(lang string, c *eventv1.Customer) string {
	switch {
	case c.GetUserId() == "" && c.GetVisitorId() == "":
		return texts.In(lang).Say("customer_unknown")
	case c.GetUserId() == "":
		return texts.In(lang).Say("customer_visitor", "ID", render.Label(c.GetVisitorId(), 60))
	}
	return texts.In(lang).Say("customer_member", "ID", render.Label(c.GetUserId(), 60))
}

// Conversation says in a line which conversation it is and how it is.
func Conversation(lang string, c *adminv1.Conversation) string {
	w := texts.In(lang)
	who := Customer(lang, &eventv1.Customer{UserId: c.GetUserId(), VisitorId: c.GetVisitorId()})
	state := map[adminv1.ConversationState]string{
		adminv1.ConversationState_CONVERSATION_STATE_WAITING: "conversation_waiting", adminv1.ConversationState_CONVERSATION_STATE_ANSWERED: "conversation_answered",
	}[c.GetState()]
	if state != "" {
		who += w.Say("separator") + w.Say(state)
	}
	if at := c.GetUpdateTime(); at != nil {
		who += w.Say("separator") + at.AsTime().In(japan).Format("01/02 15:04")
	}
	return who
}

// japan has had no summer time since 1951, so that no time zone database is needed.
var japan = time.FixedZone("Asia/Tokyo", 9*60*60)

// Summary says in a few words how a project is set.
func Summary(lang string, p Project) string {
	w, t := texts.In(lang), p.Settings
	return w.Say("team_summary", "Notifications", onOff(lang, t.GetNotificationsEnabled()), "Replies", onOff(lang, t.GetThreadRepliesEnabled()),
		"Mentions", w.Say(policies[t.GetMentionPolicy()]), "Language", w.Say("language_"+languageOf(t)))
}

func onOff(lang string, on bool) string {
	if on {
		return texts.In(lang).Say("on")
	}
	return texts.In(lang).Say("off")
}

func languageOf(t *settingsv1.TeamSettings) string {
	if t.GetLanguage() == "en" {
		return "en"
	}
	return "ja"
}

var policies = map[settingsv1.MentionPolicy]string{
	settingsv1.MentionPolicy_MENTION_POLICY_UNSPECIFIED: "mention_nobody",
	settingsv1.MentionPolicy_MENTION_POLICY_NOBODY:      "mention_nobody",
	settingsv1.MentionPolicy_MENTION_POLICY_HERE:        "mention_here",
	settingsv1.MentionPolicy_MENTION_POLICY_CHANNEL:     "mention_channel",
	settingsv1.MentionPolicy_MENTION_POLICY_TARGETS:     "mention_targets",
}

// State says in a line whether what a project needs is there.
func State(lang string, p Project) string {
	w := texts.In(lang)
	karte := "state_karte_silent"
	if p.Connection.KARTE {
		karte = "state_karte_fine"
	}
	channel := p.Connection.Channel
	if channel == "" {
		channel = ChannelUnknown
	}
	said := w.Say(karte) + w.Say("separator") + w.Say("state_"+string(channel))
	if p.Admin && p.Connection.Dead > 0 {
		count := strconv.Itoa(p.Connection.Dead)
		if p.Connection.DeadMore {
			count += "+"
		}
		said += w.Say("separator") + w.Say("state_dead", "Count", count)
	}
	return said
}

// named is what people call an operator; their id where KARTE has no name.
func named(name, id string) string {
	if name == "" {
		name = id
	}
	return render.Label(name, 60)
}
