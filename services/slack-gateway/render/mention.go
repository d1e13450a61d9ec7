package render

import (
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var (
	memberID    = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)
	userGroupID = regexp.MustCompile(`^S[A-Z0-9]{2,20}$`)
)

// mentionTokens returns Slack's tokens for those of ms that have the right shape, each once. Beyond maxMentions they are
// left out, which only a command that no settings allow can reach.
func mentionTokens(ms []*eventv1.Mention) []string {
	var tokens []string
	for _, m := range ms {
		t := mentionToken(m)
		if t != "" && len(tokens) < maxMentions && !slices.Contains(tokens, t) {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

// mentionToken returns Slack's token for m, or nothing. Source: docs.slack.dev, formatting message text.
func mentionToken(m *eventv1.Mention) string {
	switch m := m.GetMention().(type) {
	case *eventv1.Mention_Member:
		if memberID.MatchString(m.Member) {
			return "<@" + m.Member + ">"
		}
	case *eventv1.Mention_UserGroup:
		if userGroupID.MatchString(m.UserGroup) {
			return "<!subteam^" + m.UserGroup + ">"
		}
	case *eventv1.Mention_Broadcast:
		if m.Broadcast == "here" || m.Broadcast == "channel" {
			return "<!" + m.Broadcast + ">"
		}
	}
	return ""
}

// mentionsOf collects the mentions of lines, each once.
func mentionsOf(lines []line) []string {
	var tokens []string
	for _, l := range lines {
		for _, t := range l.mentions {
			if !slices.Contains(tokens, t) {
				tokens = append(tokens, t)
			}
		}
	}
	return tokens
}

// opening begins a message: with the mentions of lines, because Slack notifies by what it finds in the text.
func opening(lines []line) (texts []string, blocks []slack.Block) {
	tokens := mentionsOf(lines)
	if len(tokens) == 0 {
		return nil, nil
	}
	mentions := strings.Join(tokens, " ")
	return []string{mentions}, []slack.Block{mentionBlock(mentions)}
}

// roomFor says whether lines, and spent besides them, fit into limit. It counts what Message.Text will hold and a little
// more, but does not make it.
func roomFor(lines []line, spent, limit int) bool {
	tokens := mentionsOf(lines)
	if len(tokens) > maxMentions {
		return false
	}
	spent += len(strings.Join(tokens, " ")) + len("\n\n")
	for _, l := range lines {
		if spent += l.size(); spent > limit {
			return false
		}
	}
	return true
}

// mentionBlock is the only place of type mrkdwn.
func mentionBlock(mentions string) slack.Block {
	return &slack.SectionBlock{
		Type: slack.MBTSection,
		Text: &slack.TextBlockObject{Type: slack.MarkdownType, Text: mentions},
	}
}
