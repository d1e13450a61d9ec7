package render

import (
	"regexp"

	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Farewell says in a thread where its conversation goes on.
func Farewell(team string, moved *eventv1.Moved, lang string) Message {
	w := wordsIn(lang)
	address, name := threadURL(team, moved.GetToChannel(), moved.GetToThreadTs()), w.say("line_moved_to")
	elements := []slack.RichTextSectionElement{styled(w.say("line_moved_away"), &slack.RichTextSectionTextStyle{Italic: true})}
	text := w.say("line_moved_away")
	if address != "" {
		text += "\n" + name + ": " + address
		elements = append(elements, styled("\n", nil), link(address, name))
	}
	return Message{Text: escape(text), Blocks: []slack.Block{richText(elements...)}}
}

var (
	plainID = regexp.MustCompile(`^[A-Z0-9]{2,21}$`)
	plainTS = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{1,6}$`)
)

// threadURL opens a thread in Slack's web client, which knows workspace and channel by their ids; empty when a part of it is missing.
func threadURL(team, channel, ts string) string {
	if !plainID.MatchString(team) || !plainID.MatchString(channel) || !plainTS.MatchString(ts) {
		return ""
	}
	return "https://app.slack.com/client/" + team + "/" + channel + "/thread/" + channel + "-" + ts
}

func link(address, name string) slack.RichTextSectionElement {
	return &slack.RichTextSectionLinkElement{Type: slack.RTSELink, URL: address, Text: name}
}
