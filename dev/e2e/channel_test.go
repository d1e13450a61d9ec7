package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const renamed = "C0RENAMED"

// inRenamed waits until a message with text stands in the renamed channel and answers it.
func (s system) inRenamed(text string) (found slackstandin.Message) {
	s.t.Helper()
	s.slack(text+" in the renamed channel", func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[renamed].Messages {
			if m.User == "U0BOT" && strings.Contains(m.Text, text) {
				found = *m
				return true
			}
		}
		return false
	})
	return found
}

// writesThere replies in the renamed channel and waits for the reaction.
func (s system) writesThere(thread, text, reaction string) (ts string) {
	s.t.Helper()
	ts, err := s.Slack.Write(stack.Hanako, renamed, thread, text, slackstandin.WriteOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.slack(reaction+" on "+text, func(now *slackstandin.Snapshot) bool {
		for _, m := range now.Channels[renamed].Messages {
			if m.TS == ts {
				return slices.ContainsFunc(m.Reactions, func(r slackstandin.Reaction) bool { return r.Name == reaction })
			}
		}
		return false
	})
	return ts
}

// got fails unless exactly these messages reached the customer, in order.
func (s system) got(c kartestandin.Customer, want ...string) {
	s.t.Helper()
	s.karte("the replies", c.UserID, func(messages []kartestandin.Message) bool {
		return len(fromAPI(messages, kartestandin.KindMessage)) >= len(want)
	})
	if got := fromAPI(s.KARTE.Messages(c.UserID), kartestandin.KindMessage); !slices.Equal(got, want) {
		s.t.Errorf("the customer got %q, not %q", got, want)
	}
}

func TestAChannelThatGetsAnotherIDGoesOn(t *testing.T) {
	s := start(t, stack.Options{})
	s.forgetful()
	ann, bob, carol := kartestandin.Customer{UserID: "member-ann"}, kartestandin.Customer{UserID: "member-bob"}, kartestandin.Customer{UserID: "member-carol"}
	s.says(ann, "one-")
	thread := s.head("one-")
	s.marked(s.replies(stack.Hanako, thread, "```answer-1```"), "white_check_mark")
	if err := s.Slack.ChangeChannelID(stack.Channel, renamed, true); err != nil {
		t.Fatal(err)
	}
	s.says(ann, "two-")
	if m := s.inRenamed("two-"); m.ThreadTS != thread {
		t.Errorf("what the customer went on with stands in %s, not in %s", m.ThreadTS, thread)
	}
	s.writesThere(thread, "```answer-2```", "white_check_mark")
	s.got(ann, "answer-1", "answer-2")
	// The settings still name the former id; somebody else's thread opens all the same.
	s.says(bob, "bob-")
	opened := s.inRenamed("bob-")
	s.writesThere(opened.TS, "```to bob```", "white_check_mark")
	s.got(bob, "to bob")
	// And as Slack names it now.
	_, err := s.Settings.UpdateTeamSettings(stack.Admin(t.Context()), &settingsv1.UpdateTeamSettingsRequest{
		TeamSettings: &settingsv1.TeamSettings{Name: "projects/" + stack.Project + "/teamSettings", Channel: renamed, NoteOnlyChannels: []string{renamed}},
		UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"channel", "note_only_channels"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.says(carol, "carol-")
	s.writesThere(s.inRenamed("carol-").TS, "```not to be sent```", "memo")
	s.writesThere(thread, "```nor this```", "memo")
	s.got(ann, "answer-1", "answer-2")
	s.got(carol)
	// Of ann's conversation there is one thread, and nothing of it twice.
	text := ""
	for _, m := range s.Slack.Messages(renamed) {
		text += m.Text + "\n"
	}
	for _, word := range []string{"one-", "two-", "bob-", "carol-"} {
		if n := strings.Count(text, word); n != 1 {
			t.Errorf("%s stands there %d times", word, n)
		}
	}
}

// Slack tells of the new id late: until then the thread itself shows whose it is, and what was sent before is not sent again.
func TestAChannelWhoseNewIDNobodyTellsGoesOn(t *testing.T) {
	s := start(t, stack.Options{})
	s.forgetful()
	ann := kartestandin.Customer{UserID: "member-ann"}
	s.says(ann, "one-")
	thread := s.head("one-")
	s.marked(s.replies(stack.Hanako, thread, "```answer-1```"), "white_check_mark")
	if err := s.Slack.ChangeChannelID(stack.Channel, renamed, false); err != nil {
		t.Fatal(err)
	}
	s.says(ann, "two-") // waits in its lane
	after := s.writesThere(thread, "```answer-2```", "white_check_mark")
	if m := s.inRenamed("two-"); m.ThreadTS != thread {
		t.Errorf("what the customer went on with stands in %s, not in %s", m.ThreadTS, thread)
	}
	s.got(ann, "answer-1", "answer-2")
	// The same reply comes once more when the ids are known, and the event at last, twice.
	s.again(renamed, after)
	for range 2 {
		if err := s.Slack.EmitEvent(renamed, map[string]any{"type": "channel_id_changed", "old_channel_id": stack.Channel, "new_channel_id": renamed}); err != nil {
			t.Fatal(err)
		}
	}
	s.writesThere(thread, "```answer-3```", "white_check_mark")
	s.got(ann, "answer-1", "answer-2", "answer-3")
}

// again makes Slack tell of a message once more, and waits until that is accepted.
func (s system) again(channel, ts string) {
	s.t.Helper()
	inner := map[string]any{}
	for _, m := range s.Slack.Messages(channel) {
		if m.TS == ts {
			raw, err := json.Marshal(m)
			if err != nil || json.Unmarshal(raw, &inner) != nil {
				s.t.Fatal(err)
			}
		}
	}
	delete(inner, "reactions")
	inner["type"], inner["channel"], inner["channel_type"], inner["event_ts"] = "message", channel, "channel", ts
	before := len(s.Slack.Deliveries())
	if err := s.Slack.EmitEvent(channel, inner); err != nil {
		s.t.Fatal(err)
	}
	eventually.Holds(s.t, within, "the repeat is accepted", func() bool { return len(s.Slack.Deliveries()) > before })
}
