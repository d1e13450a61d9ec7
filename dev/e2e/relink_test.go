package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
)

// sales is a second channel.
const sales = "C0SALES"

func (s system) addSales() {
	s.t.Helper()
	s.Slack.AddChannel(slackstandin.Channel{ID: sales, Name: "sales"})
	if err := s.Slack.InviteBot(sales, stack.AdminID); err != nil {
		s.t.Fatal(err)
	}
}

func (s system) relink(client adminv1.ConversationServiceClient, name, channel string) {
	s.t.Helper()
	if _, err := client.RelinkConversation(stack.Admin(s.t.Context()), &adminv1.RelinkConversationRequest{Name: name, Channel: channel}); err != nil {
		s.t.Fatalf("relink to %s: %v", channel, err)
	}
}

// said answers in which order texts of one length stand in a channel, threads and all.
func said(now *slackstandin.Snapshot, channel string, wanted []string) []string {
	var all strings.Builder
	for _, m := range now.Channels[channel].Messages {
		if m.User == "U0BOT" {
			all.WriteString(m.Text + "\n")
		}
	}
	return appearing(all.String(), wanted)
}

// headsIn answers the heads that the app has posted in a channel.
func headsIn(now *slackstandin.Snapshot, channel string) (heads []*slackstandin.Message) {
	for _, m := range now.Channels[channel].Messages {
		if m.User == "U0BOT" && m.Subtype == "" && (m.ThreadTS == "" || m.ThreadTS == m.TS) {
			heads = append(heads, m)
		}
	}
	return heads
}

func TestAConversationIsMovedToAnotherChannel(t *testing.T) {
	s := start(t, stack.Options{})
	client := s.conversations()
	s.addSales()
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	first := s.head("q-000.")
	name := s.conversation(client, "vis-1", func(c *adminv1.Conversation) bool { return c.GetThreadTs() == first }).GetName()
	s.relink(client, name, sales)
	s.says(c, "q-001.")
	s.slack("the next message in a new thread", func(now *slackstandin.Snapshot) bool {
		return slices.Equal(said(now, sales, numbered("q", 2)), []string{"q-001."})
	})
	heads := headsIn(s.Slack.Snapshot(), sales)
	if len(heads) != 1 || !strings.Contains(heads[0].Text, "別のチャンネルから") || !strings.Contains(heads[0].Text, stack.Channel+"-"+first) {
		t.Fatalf("heads %v", heads)
	}
	s.slack("the former thread tells where to go on", func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[stack.Channel].Thread(first) {
			if strings.Contains(m.Text, sales+"-"+heads[0].TS) {
				return true
			}
		}
		return false
	})
	now := s.conversation(client, "vis-1", func(c *adminv1.Conversation) bool { return c.GetChannel() == sales })
	if now.GetThreadTs() != heads[0].TS {
		t.Errorf("got %v", now)
	}
	// Both threads reach the customer.
	s.marked(s.replies(stack.Hanako, first, "```a-0```"), "white_check_mark")
	if _, err := s.Slack.Write(stack.Hanako, sales, heads[0].TS, "```a-1```", slackstandin.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.karte("both replies", "vis-1", func(all []kartestandin.Message) bool {
		return slices.Equal(fromAPI(all, kartestandin.KindMessage), []string{"a-0", "a-1"})
	})
	_, err := client.RelinkConversation(stack.Admin(t.Context()), &adminv1.RelinkConversationRequest{Name: name, Channel: sales})
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("moved to where it is: %v", err)
	}
	s.relink(client, name, "") // the present rules say the former channel
	s.slack("a third thread", func(now *slackstandin.Snapshot) bool { return len(headsIn(now, stack.Channel)) == 2 })
	missing := strings.Replace(name, name[len(name)-16:], strings.Repeat("a", 16), 1)
	if _, err = client.RelinkConversation(stack.Admin(t.Context()), &adminv1.RelinkConversationRequest{Name: missing, Channel: sales}); status.Code(err) != codes.NotFound {
		t.Errorf("nobody moved: %v", err)
	}
}

func TestWhatWaitsForAClosedChannelFollowsToTheNewOne(t *testing.T) {
	for name, opened := range map[string]bool{"its thread was open": true, "it had no thread yet": false} {
		t.Run(name, func(t *testing.T) {
			s := start(t, stack.Options{})
			client := s.conversations()
			s.addSales()
			c := kartestandin.Customer{VisitorID: "vis-1"}
			if opened {
				s.says(c, "q-000.")
				s.head("q-000.")
			}
			if err := s.Slack.RemoveBot(stack.Channel); err != nil {
				t.Fatal(err)
			}
			for i := 1; i < 6; i++ {
				s.says(c, fmt.Sprintf("q-%03d.", i))
			}
			found := s.conversation(client, "vis-1", func(*adminv1.Conversation) bool { return true })
			s.traced(client, &adminv1.TraceConversationRequest{Name: found.GetName()}, func(all []*adminv1.MessageTrace) bool {
				decided := 0
				for _, m := range all {
					if slices.Contains(steps(m), "decided") {
						decided++
					}
				}
				return len(all) >= 5 && decided == len(all)
			})
			s.relink(client, found.GetName(), sales)
			s.slack("what waited", func(now *slackstandin.Snapshot) bool {
				return slices.Equal(said(now, sales, numbered("q", 6)), numbered("q", 6)[1:])
			})
			s.says(c, "q-006.")
			s.slack("what comes now", func(now *slackstandin.Snapshot) bool { return len(said(now, sales, numbered("q", 7))) == 6 })
			if heads := headsIn(s.Slack.Snapshot(), sales); len(heads) != 1 {
				t.Errorf("heads %v", heads)
			}
			if err := s.Slack.InviteBot(stack.Channel, stack.AdminID); err != nil {
				t.Fatal(err)
			}
			s.says(kartestandin.Customer{VisitorID: "vis-2"}, "q-007.")
			s.slack("the former channel goes on for others", func(now *slackstandin.Snapshot) bool {
				return len(said(now, stack.Channel, []string{"q-007."})) == 1
			})
			if got := said(s.Slack.Snapshot(), stack.Channel, numbered("q", 7)[1:]); len(got) != 0 {
				t.Errorf("said twice: %v", got)
			}
		})
	}
}

func TestMovedToAndFroWhileMessagesWait(t *testing.T) {
	for name, way := range map[string][]string{
		"there":                    {sales},
		"there and back":           {sales, stack.Channel},
		"there, back and there":    {sales, stack.Channel, sales},
		"there, back, there, back": {sales, stack.Channel, sales, stack.Channel},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, stack.Options{})
			client := s.conversations()
			s.addSales()
			c := kartestandin.Customer{VisitorID: "vis-1"}
			s.says(c, "q-000.")
			first := s.head("q-000.")
			found := s.conversation(client, "vis-1", func(c *adminv1.Conversation) bool { return c.GetThreadTs() == first })
			want := numbered("q", 2+2*len(way))
			if err := s.StopService(stack.SlackGateway); err != nil {
				t.Fatal(err)
			}
			s.says(c, want[1])
			for i, channel := range way {
				s.says(c, want[2+2*i])
				s.relink(client, found.GetName(), channel)
				s.says(c, want[3+2*i])
			}
			if err := s.StartService(stack.SlackGateway); err != nil {
				t.Fatal(err)
			}
			last := way[len(way)-1]
			everywhere := func(now *slackstandin.Snapshot) []string {
				all := append(said(now, stack.Channel, want), said(now, sales, want)...)
				slices.Sort(all)
				return all
			}
			s.slack("everything", func(now *slackstandin.Snapshot) bool { return len(everywhere(now)) >= len(want) })
			final := s.conversation(client, "vis-1", func(c *adminv1.Conversation) bool { return c.GetChannel() == last })
			// And it goes on in order.
			more := []string{"m-000.", "m-001.", "m-002."}
			for _, text := range more {
				s.says(c, text)
			}
			s.slack("what comes now", func(now *slackstandin.Snapshot) bool { return slices.Equal(said(now, last, more), more) })
			now := s.Slack.Snapshot()
			if got := everywhere(now); !slices.Equal(got, want) {
				t.Errorf("said %v, want %v\n%s", got, want, s.dump())
			}
			if heads := len(headsIn(now, stack.Channel)) + len(headsIn(now, sales)); heads > 1+len(way) {
				t.Errorf("%d heads for %d moves", heads, len(way))
			}
			if final.GetChannel() != last {
				t.Errorf("it is in %s", final.GetChannel())
			}
		})
	}
}

func TestAMoveSurvivesLostAnswersAndRestarts(t *testing.T) {
	s := start(t, stack.Options{})
	client := s.conversations()
	s.addSales()
	c := kartestandin.Customer{VisitorID: "vis-1"}
	s.says(c, "q-000.")
	first := s.head("q-000.")
	found := s.conversation(client, "vis-1", func(c *adminv1.Conversation) bool { return c.GetThreadTs() == first })
	lost := slackstandin.Fault{Method: "chat.postMessage", Kind: slackstandin.AcceptThenCut, Count: 1}
	// Slack has the line, but nobody knows; when it is looked for, the conversation is elsewhere. Its new head is not known to be there either.
	s.Slack.AddFault(lost)
	s.says(c, "q-001.")
	s.slack("a line that nobody knows of", func(now *slackstandin.Snapshot) bool { return len(said(now, stack.Channel, []string{"q-001."})) == 1 })
	s.Slack.AddFault(lost)
	s.relink(client, found.GetName(), sales)
	s.says(c, "q-002.")
	s.slack("a head that nobody knows of", func(now *slackstandin.Snapshot) bool { return len(headsIn(now, sales)) == 1 })
	for _, name := range []string{stack.SlackGateway, stack.Router} {
		if err := s.StopService(name); err != nil {
			t.Fatal(err)
		}
		if err := s.StartService(name); err != nil {
			t.Fatal(err)
		}
	}
	s.says(c, "q-003.")
	s.slack("what comes later", func(now *slackstandin.Snapshot) bool { return len(said(now, sales, []string{"q-002.", "q-003."})) == 2 })
	s.conversation(client, "vis-1", func(c *adminv1.Conversation) bool { return c.GetChannel() == sales })
	// The former lane has come to the line when it has come to what is behind it.
	s.says(kartestandin.Customer{VisitorID: "vis-2"}, "q-004.")
	s.head("q-004.")
	now := s.Slack.Snapshot()
	if got := said(now, stack.Channel, numbered("q", 4)); !slices.Equal(got, []string{"q-000.", "q-001."}) {
		t.Errorf("in the former channel: %v\n%s", got, s.dump())
	}
	if got := said(now, sales, numbered("q", 4)); !slices.Equal(got, []string{"q-002.", "q-003."}) {
		t.Errorf("in the new one: %v", got)
	}
	if heads := headsIn(now, sales); len(heads) != 1 {
		t.Errorf("%d heads", len(heads))
	}
}
