package erasure

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
)

// holds reports whether a message holds something of the customer. What keys of Redis were made from is kept.
func (s *sweep) holds(stream, subject string, data []byte) bool {
	switch stream {
	case bus.Talk:
		var fact eventv1.TalkFact
		return s.subjectOfTalk(subject) || decoded(data, &fact) && s.talk(&fact)
	case bus.Slack:
		var fact eventv1.SlackFact
		return decoded(data, &fact) && s.slack(&fact) || s.subjectOfSlack(subject)
	case bus.Posts:
		var command eventv1.SlackCommand
		return decoded(data, &command) && s.post(&command)
	case bus.Sends:
		var command eventv1.KarteCommand
		return decoded(data, &command) && s.send(&command)
	case bus.Timers:
		var due eventv1.TimerDue
		return decoded(data, &due) && due.GetProject() == s.project && s.family.Holds(due.GetConversation())
	case bus.Dead:
		var letter eventv1.DeadLetter
		return decoded(data, &letter) && letter.GetStream() != bus.Dead && s.holds(letter.GetStream(), letter.GetSubject(), letter.GetPayload())
	}
	return false
}

func decoded(data []byte, message proto.Message) bool { return proto.Unmarshal(data, message) == nil }

func (s *sweep) talk(fact *eventv1.TalkFact) bool {
	if fact.GetProject() != s.project {
		return false
	}
	for _, outcome := range []interface{ GetConversation() string }{fact.GetReplyDelivered(), fact.GetReplyFailed(), fact.GetChangeDone(), fact.GetChangeFailed()} {
		if s.family.Holds(outcome.GetConversation()) {
			return true
		}
	}
	return s.family.Owns(fact.GetCustomer())
}

// subjectOfTalk knows the outcomes of replies, whose subject has the conversation where others have the customer.
func (s *sweep) subjectOfTalk(subject string) bool {
	parts := strings.Split(subject, ".")
	if len(parts) != 6 || parts[2] != bus.ProjectToken(s.project) {
		return false
	}
	for _, id := range s.family.Identities {
		if parts[3] == bus.Token(id) {
			return true
		}
	}
	return false
}

func (s *sweep) slack(fact *eventv1.SlackFact) bool {
	if written := fact.GetReplyWritten(); written.GetClientMsgId() != "" && s.family.HoldsThread(fact.GetTeam(), fact.GetChannel(), fact.GetThreadTs()) {
		text := decide.Names{}.Text(written.GetContent())
		s.said.Gestures = append(s.said.Gestures, conversation.GestureKey(fact.GetTeam(), written.GetClientMsgId(), fact.GetThreadTs(), text))
	}
	if s.family.HoldsThread(fact.GetTeam(), fact.GetChannel(), fact.GetThreadTs()) {
		return true
	}
	for _, about := range []interface {
		GetProject() string
		GetConversation() string
	}{fact.GetThreadOpened(), fact.GetPosted(), fact.GetPostFailed()} {
		if about.GetProject() == s.project && s.family.Holds(about.GetConversation()) {
			return true
		}
	}
	return false
}

func (s *sweep) subjectOfSlack(subject string) bool {
	parts := strings.Split(subject, ".")
	return len(parts) == 7 && s.family.HoldsThread(parts[2], parts[3], strings.ReplaceAll(parts[4], "-", "."))
}

func (s *sweep) post(command *eventv1.SlackCommand) bool {
	if post := command.GetThreadPost(); post != nil {
		return post.GetProject() == s.project && (s.family.Holds(post.GetConversation()) || s.family.Holds(post.GetMerged().GetIntoConversation()) || s.family.Owns(post.GetCustomer()))
	}
	if update := command.GetCardUpdate(); update != nil {
		return update.GetProject() == s.project && (s.family.Holds(update.GetConversation()) || s.family.Owns(update.GetCard().GetCustomer()))
	}
	for _, target := range []*eventv1.SlackMessageRef{command.GetReaction().GetTarget(), command.GetNotice().GetTarget(), command.GetDirectNotice().GetAbout()} {
		if s.family.HoldsThread(target.GetTeam(), target.GetChannel(), target.GetThreadTs()) {
			return true
		}
	}
	return false
}

func (s *sweep) send(command *eventv1.KarteCommand) bool {
	if command.GetProject() != s.project || !s.family.Holds(command.GetConversation()) && !s.family.Owns(command.GetCustomer()) {
		return false
	}
	s.said.Echoes = append(s.said.Echoes, conversation.Echo{Operator: command.GetOperator(), Text: command.GetText()})
	return true
}
