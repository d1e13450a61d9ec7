package decide

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const benchWords = "注文した商品がまだ届きません。配送状況を教えていただけますか？よろしくお願いいたします。"

// BenchmarkPathFactToPost is what the router does with a customer's message beside reading and writing.
func BenchmarkPathFactToPost(b *testing.B) {
	at := timestamppb.New(time.Unix(1_790_000_000, 0))
	data := marshalled(b, &eventv1.TalkFact{
		Id: "00000000-0000-4000-8000-000000000001", Project: "demo-project", OccurredAt: at, ReceivedAt: at, Customer: &eventv1.Customer{UserId: "member-00001"},
		Fact: &eventv1.TalkFact_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: benchWords, Page: &eventv1.Page{Url: "https://shop.example.com/cart"}}},
	})
	team := &settingsv1.TeamSettings{Workspace: "T0DEMO1", Channel: "C0SUPPORT", Language: "ja", MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_HERE}
	record := &eventv1.ConversationRecord{Customer: &eventv1.Customer{UserId: "member-00001"}, Team: "T0DEMO1", Channel: "C0SUPPORT", FirstWords: benchWords}
	b.ReportAllocs()
	for b.Loop() {
		var fact eventv1.TalkFact
		if err := proto.Unmarshal(data, &fact); err != nil {
			b.Fatal(err)
		}
		post := ThreadPost(&fact, "conversation", record.GetCustomer(), record.GetAssignee(), Attend(team, ""))
		post.Card = Card(record, 1)
		marshalled(b, &eventv1.SlackCommand{
			Id: "post-" + fact.GetId(), Team: record.GetTeam(), Channel: record.GetChannel(), Language: Language(team),
			Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: post},
		})
	}
}

// BenchmarkPathReplyToSend is what it does with an operator's reply.
func BenchmarkPathReplyToSend(b *testing.B) {
	reply := staff(contentOf(code(benchWords)))
	data := marshalled(b, &eventv1.SlackFact{
		Id: "slack-T0DEMO1-C0SUPPORT-1700000000.000100", Team: "T0DEMO1", Channel: "C0SUPPORT", ThreadTs: "1700000000.000001",
		Fact: &eventv1.SlackFact_ReplyWritten{ReplyWritten: reply.Written},
	})
	b.ReportAllocs()
	for b.Loop() {
		var fact eventv1.SlackFact
		if err := proto.Unmarshal(data, &fact); err != nil {
			b.Fatal(err)
		}
		reply.Written = fact.GetReplyWritten()
		outcome := OfReply(reply)
		if outcome.Kind != eventv1.ReplyKind_REPLY_KIND_MESSAGE {
			b.Fatal("it was to be sent")
		}
		marshalled(b, &eventv1.KarteCommand{
			Id: "reply-" + fact.GetId(), Project: "demo-project", Conversation: "conversation", Customer: &eventv1.Customer{UserId: "member-00001"},
			Operator: reply.Operator, Kind: outcome.Kind, Text: outcome.Text,
		})
	}
}

func marshalled(b *testing.B, m proto.Message) []byte {
	data, err := proto.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	return data
}
