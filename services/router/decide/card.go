package decide

import (
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/split"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// maxFirstWords is how much of the beginning is kept, in UTF-16 units.
const maxFirstWords = 300

// FirstWords answers the beginning of what a customer wrote.
func FirstWords(text string) string {
	parts := split.Text(text, maxFirstWords, nil)
	if len(parts) > 1 {
		return strings.TrimRight(parts[0], " \n") + "…"
	}
	return text
}

// Card is the state of a conversation as its record has it. The times of messages are not in it.
func Card(record *eventv1.ConversationRecord, revision uint64) *eventv1.Card {
	card := &eventv1.Card{
		Revision: revision, Customer: record.GetCustomer(), FirstWords: record.GetFirstWords(), Page: record.GetPage(), OpenedAt: record.GetCreateTime(),
		AssigneePending: record.GetAssigneeCommand() != "", Status: record.GetStatus(), StatusPending: record.GetStatusCommand() != "",
	}
	if record.GetAssignee().GetId() != "" {
		card.Assignee = record.GetAssignee()
	}
	return card
}

// Began notes how a conversation begins, at its first message that is shown: KARTE has it as 対応中 then.
func Began(record *eventv1.ConversationRecord, fact *eventv1.TalkFact, at *timestamppb.Timestamp) {
	if record.GetStatus() == eventv1.ChatStatus_CHAT_STATUS_UNSPECIFIED && fact.GetCustomerMessage() != nil {
		record.Status, record.StatusTime = eventv1.ChatStatus_CHAT_STATUS_OPEN, at
	}
	if said := fact.GetCustomerMessage(); said != nil && record.GetFirstWords() == "" {
		record.FirstWords, record.Page = FirstWords(said.GetText()), said.GetPage()
	}
}
