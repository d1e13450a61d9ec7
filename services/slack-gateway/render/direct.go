package render

import (
	"regexp"
	"time"

	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Direct renders what one member is told in a direct message. permalink leads to what it is about, as Slack names it; where that is not known, an address is
// made of the ids, which opens Slack's web client.
func Direct(notice *eventv1.DirectNotice, permalink, lang string) Message {
	m := Notice(notice.GetKind(), notice.GetDetail(), lang)
	about := notice.GetAbout()
	if about != nil && about.GetThreadTs() == "" && about.GetTs() == "" {
		return m.aboutChannel(about.GetChannel(), lang)
	}
	address, ok := webAddress(permalink)
	if !ok {
		address = threadURL(about.GetTeam(), about.GetChannel(), about.GetThreadTs())
	}
	if address == "" || about == nil {
		return m
	}
	name := wordsIn(lang).say("notice_open")
	m.Text += "\n" + escape(name+": "+address)
	m.Blocks = append(m.Blocks, richText(link(address, name)))
	return m
}

// aboutChannel names the channel that a notice is about: as Slack shows a channel where it is one, and by its id where only ids can be shown.
func (m Message) aboutChannel(channel, lang string) Message {
	name := wordsIn(lang).say("notice_channel") + " "
	m.Text += "\n" + escape(name+label(channel, maxDetail))
	if plainChannel.MatchString(channel) {
		m.Blocks = append(m.Blocks, richText(styled(name, nil), &slack.RichTextSectionChannelElement{Type: slack.RTSEChannel, ChannelID: channel}))
	} else {
		m.Blocks = append(m.Blocks, richText(styled(name+label(channel, maxDetail), nil)))
	}
	return m
}

// plainChannel is what Slack's ids of channels look like.
var plainChannel = regexp.MustCompile(`^[CG][A-Z0-9]+$`)

// reminder says since when a customer has been waiting.
func (o Options) reminder(w words, p *eventv1.ThreadPost) string {
	key := "line_reminder"
	if p.GetReminder().GetEscalated() {
		key = "line_escalation"
	}
	return w.say(key, "Since", o.moment(p.GetReminder().GetWaitingSince().AsTime(), p.GetOccurredAt().AsTime()))
}

// moment tells a time to somebody who reads it at another one: with the date when it was not the same day.
func (o Options) moment(at, now time.Time) string {
	at, now = at.In(o.location()), now.In(o.location())
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04")
	}
	return at.Format("01/02 15:04")
}
