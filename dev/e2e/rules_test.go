package e2e

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// set changes fields of the project's settings.
func (s system) set(team *settingsv1.TeamSettings, fields ...string) {
	s.t.Helper()
	team.Name = "projects/" + stack.Project + "/teamSettings"
	_, err := s.Settings.UpdateTeamSettings(stack.Admin(s.t.Context()), &settingsv1.UpdateTeamSettingsRequest{
		TeamSettings: team, UpdateMask: &fieldmaskpb.FieldMask{Paths: fields},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// saysOn makes a customer write from a page.
func (s system) saysOn(page, visitor, text string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	_, err := s.KARTE.CustomerWrites(ctx, kartestandin.Customer{VisitorID: visitor}, text, kartestandin.Write{Wait: true, PageURL: page})
	if err != nil {
		s.t.Fatalf("customer writes: %v", err)
	}
}

// threadIn waits until a channel has a thread with text, and answers its head.
func (s system) threadIn(channel, text string) (thread string) {
	s.t.Helper()
	s.slack(text+" in "+channel, func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[channel].Messages {
			if m.User == "U0BOT" && strings.Contains(m.Text, text) {
				thread = cmp.Or(m.ThreadTS, m.TS)
			}
		}
		return thread != ""
	})
	return thread
}

func TestRulesChooseTheChannelAndSomeChannelsAreForNotesOnly(t *testing.T) {
	const returns, archive = "C0RETURNS", "C0ARCHIVE"
	s := start(t, stack.Options{})
	for _, id := range []string{returns, archive} {
		s.Slack.AddChannel(slackstandin.Channel{ID: id, Name: strings.ToLower(id)})
		if err := s.Slack.InviteBot(id, stack.AdminID); err != nil {
			t.Fatal(err)
		}
	}
	s.set(&settingsv1.TeamSettings{
		RoutingRules: []*settingsv1.RoutingRule{
			{PageHost: "shop.example.com", PagePathPrefix: "/returns", Channel: returns},
			{PageHost: "*.example.net", Channel: archive},
		},
		NoteOnlyChannels: []string{archive},
	}, "routing_rules", "note_only_channels")

	s.saysOn("https://shop.example.com/returns/42", "vis-1", "returns-000.")
	s.saysOn("https://www.example.net/", "vis-2", "archive-000.")
	s.saysOn("https://shop.example.com/returns-policy", "vis-3", "others-000.")
	first, second := s.threadIn(returns, "returns-000."), s.threadIn(archive, "archive-000.")
	s.threadIn(stack.Channel, "others-000.")

	// A conversation stays where it is, whatever the rules say now and wherever the customer goes.
	s.set(&settingsv1.TeamSettings{}, "routing_rules")
	s.saysOn("https://www.example.net/", "vis-1", "returns-001.")
	if again := s.threadIn(returns, "returns-001."); again != first {
		t.Errorf("the second message is in %s, the first in %s", again, first)
	}

	reply := func(channel, thread, text string) {
		t.Helper()
		if _, err := s.Slack.Write(stack.Hanako, channel, thread, text, slackstandin.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	reply(returns, first, "```to-the-customer.```")
	reply(archive, second, "```only-for-us.```")
	s.karte("the reply", "vis-1", func(m []kartestandin.Message) bool {
		return slices.Equal(fromAPI(m, kartestandin.KindMessage), []string{"to-the-customer."})
	})
	s.karte("the note", "vis-2", func(m []kartestandin.Message) bool {
		return slices.Equal(fromAPI(m, kartestandin.KindNote), []string{"only-for-us."})
	})
	s.told(stack.Hanako, "このチャンネルからはお客様に送信しない設定")
	if sent := fromAPI(s.KARTE.Messages("vis-2"), kartestandin.KindMessage); len(sent) > 0 {
		t.Errorf("sent from a channel for notes only: %q", sent)
	}
}

func TestOperatorsAreListedWithThoseTheyAreLinkedTo(t *testing.T) {
	s := start(t, stack.Options{})
	answer, err := s.Settings.ListOperators(stack.Admin(t.Context()), &settingsv1.ListOperatorsRequest{Parent: "projects/" + stack.Project})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range answer.GetOperators() {
		got = append(got, fmt.Sprint(o.GetName(), " ", o.GetDisplayName(), " ", o.GetSlackMember()))
	}
	parent := "projects/" + stack.Project + "/operators/"
	want := []string{parent + stack.Operator + " 佐藤 花子 " + stack.Hanako, parent + stack.Ichiro + " 田中 一郎 "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
