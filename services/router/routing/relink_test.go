package routing_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/routing"
)

const sales = "C0SALES"

// threadPosts answers where posts go, by what and after how many moves they were decided.
func (d *desk) threadPosts() (posts []string) {
	for _, c := range d.posts() {
		post, what := c.GetThreadPost(), "message"
		if post.GetMoved() != nil {
			what = "moved"
		}
		posts = append(posts, fmt.Sprintf("%s %s %d", c.GetChannel(), what, post.GetMoves()))
	}
	return posts
}

func (d *desk) conversation(visitor string) string {
	d.t.Helper()
	id, err := d.store.Of(d.t.Context(), project, &eventv1.Customer{VisitorId: visitor})
	if err != nil || id == "" {
		d.t.Fatalf("conversation of %s: %q, %v", visitor, id, err)
	}
	return id
}

func TestRelink(t *testing.T) {
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "hello"))
	id := d.conversation("vis-1")
	relink := func(channel string, want error) {
		t.Helper()
		if err := d.router.Relink(t.Context(), project, id, channel); !errors.Is(err, want) {
			t.Errorf("to %q: %v, want %v", channel, err, want)
		}
	}
	relink(channel, routing.ErrThere)
	// It stops half-way: the record says where to, but no command does.
	d.away = errors.New("nobody stores anything")
	relink(sales, d.away)
	d.away = nil
	d.talk(said("evt-2", "vis-1", "", "hello?"))
	relink(sales, nil)
	relink(sales, nil) // its new thread is not open yet
	relink(channel, nil)
	d.talk(said("evt-3", "vis-1", "", "hello!"))
	want := []string{channel + " message 0", sales + " message 1", sales + " moved 1", channel + " moved 2", channel + " message 2"}
	if got := d.threadPosts(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := d.router.Relink(t.Context(), project, "aaaaaaaaaaaaaaaa", sales); !errors.Is(err, conversation.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if err := d.router.Relink(t.Context(), "other", id, sales); !errors.Is(err, conversation.ErrNotFound) {
		t.Errorf("of another project: %v", err)
	}
	d.settings.team.Workspace = ""
	relink(sales, routing.ErrNoChannel)
}

func TestRelinkToWhereThePresentRulesSay(t *testing.T) {
	d := newDesk(t)
	d.talk(said("evt-1", "vis-1", "", "hello"))
	id := d.conversation("vis-1")
	d.settings.team.RoutingRules = []*settingsv1.RoutingRule{{Assignees: []string{operator}, Channel: sales}}
	if err := d.router.Relink(t.Context(), project, id, ""); !errors.Is(err, routing.ErrThere) {
		t.Errorf("nobody has it: %v", err)
	}
	d.talk(&eventv1.TalkFact{
		Id: "evt-2", Project: project, Customer: &eventv1.Customer{VisitorId: "vis-1"}, OccurredAt: timestamppb.Now(), ReceivedAt: timestamppb.Now(),
		Fact: &eventv1.TalkFact_Assigned{Assigned: &eventv1.Assigned{Operator: &eventv1.Operator{Id: operator}}},
	})
	if err := d.router.Relink(t.Context(), project, id, ""); err != nil {
		t.Error(err)
	}
	if got := d.threadPosts(); got[len(got)-1] != sales+" moved 1" {
		t.Errorf("got %q", got)
	}
}
