package lane_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/lane"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// picky is a Slack that refuses images and senders, and remembers what it was asked.
type picky struct {
	*fake
	blind, nameless bool
	senders         []string
	images          int
}

func (p *picky) Post(ctx context.Context, channel, thread string, message render.Message, marks []string) (slackapi.Posted, error) {
	name := ""
	if message.Sender != nil {
		name = message.Sender.Name
	}
	p.senders = append(p.senders, name)
	if name != "" && p.nameless {
		return slackapi.Posted{}, fmt.Errorf("chat.postMessage: %w", retry.Parked(slack.SlackErrorResponse{Err: "missing_scope"}))
	}
	if message.Images() {
		if p.images++; p.blind {
			return slackapi.Posted{}, errNever
		}
	}
	return p.fake.Post(ctx, channel, thread, message, marks)
}

func pickyRoom(t *testing.T, p *picky) *room {
	t.Helper()
	r := newRoom(t)
	p.fake = r.slack
	r.options.Workspace = in(p, posting.Team)
	return r
}

func TestAnImageThatSlackCannotFetchIsSaidInWords(t *testing.T) {
	p := &picky{blind: true}
	r := pickyRoom(t, p)
	pictured := customer("p1", "c1", "w01.")
	pictured.GetThreadPost().GetCustomerMessage().ImageUrl = "https://img.example.com/a.png"
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."), pictured, customer("p2", "c1", "w02."))...)
	r.wants("w00. w01. w02.", 2)
	if p.images != 1 {
		t.Errorf("asked for %d images", p.images)
	}
	if got := r.facts(); len(got) != 3 { // the thread and its two posts
		t.Errorf("told %v", got)
	}
}

// What Slack takes too long to fetch must not keep the words back.
func TestAnImageThatTakesTooLongIsLeftOut(t *testing.T) {
	p := &picky{}
	r := pickyRoom(t, p)
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
	pictured := customer("p1", "c1", "w01.")
	pictured.GetThreadPost().GetCustomerMessage().ImageUrl = "https://img.example.com/a.png"
	m := r.store(posting, pictured)[0]
	for ; m.Deliveries < 4; m.Deliveries++ {
		r.slack.next(accident{err: errLost})
		r.fails(r.replica(posting, 0), m)
	}
	r.done(r.replica(posting, 0), m)
	r.wants("w00. w01.", 2)
	if p.images != 3 {
		t.Errorf("asked for %d images", p.images)
	}
}

// A 429 says nothing of the image: Slack has not looked at it.
func TestA429IsNoTryOfAnImage(t *testing.T) {
	p := &picky{}
	r := pickyRoom(t, p)
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
	pictured := customer("p1", "c1", "w01.")
	pictured.GetThreadPost().GetCustomerMessage().ImageUrl = "https://img.example.com/a.png"
	m := r.store(posting, pictured)[0]
	for ; m.Deliveries < 6; m.Deliveries++ {
		r.slack.next(accident{err: retry.Throttled(time.Second, errNotNow)})
		r.fails(r.replica(posting, 0), m)
	}
	r.done(r.replica(posting, 0), m)
	if p.images != 6 {
		t.Errorf("of 6 posts %d were with the image", p.images)
	}
}

func TestWithoutTheScopeOperatorsStandUnderTheAppsName(t *testing.T) {
	p := &picky{nameless: true}
	r := pickyRoom(t, p)
	handle := r.replica(posting, 0)
	r.done(handle, r.store(posting, customer("p0", "c1", "w00."))...)
	for i := range 3 {
		r.done(handle, r.store(posting, console(fmt.Sprintf("p%d", i+1), fmt.Sprintf("w%02d.", i+1)))...)
	}
	r.wants("w00. w01. w02. w03.", 4)
	if got := fmt.Sprint(p.senders); got != "[ 佐藤 (KARTE)   ]" { // refused once, and then not tried for a while
		t.Errorf("posted under %q", got)
	}
}

// A post under another name is found after a lost answer like any other.
func TestALostAnswerUnderAnotherName(t *testing.T) {
	p := &picky{}
	r := pickyRoom(t, p)
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
	m := r.store(posting, console("p1", "w01."))[0]
	r.slack.next(accident{effect: true, err: errLost})
	r.fails(r.replica(posting, 0), m)
	r.done(r.replica(posting, 0), m)
	r.wants("w00. w01.", 2)
	if len(p.senders) != 2 || p.senders[1] != "佐藤 (KARTE)" {
		t.Errorf("posted under %q", p.senders)
	}
}

// Lines under different names are different posts, in their order, also when the lane is behind.
func TestABacklogUnderSeveralNamesKeepsItsOrder(t *testing.T) {
	p := &picky{}
	r := pickyRoom(t, p)
	r.done(r.replica(posting, 0), r.store(posting, customer("p0", "c1", "w00."))...)
	r.done(r.replica(posting, 0), r.store(posting, customer("p1", "c1", "w01."), console("p2", "w02."), console("p3", "w03."), customer("p4", "c1", "w04."))...)
	r.wants("w00. w01. w02. w03. w04.", 4)
}

// console makes the command that posts what an operator wrote in KARTE's console, under their own name.
func console(id, text string) *eventv1.SlackCommand {
	c := customer(id, "c1", "")
	post := c.GetThreadPost()
	post.UnderOwnName = true
	post.Body = &eventv1.ThreadPost_OperatorMessage{OperatorMessage: &eventv1.OperatorMessage{Operator: &eventv1.Operator{Id: "op-1", Name: "佐藤"}, Text: text}}
	return c
}

// It is told when a conversation's first thread began; of a thread that takes the place of one whose head was deleted it is not.
func TestOnlyAFirstThreadTellsWhenItBegan(t *testing.T) {
	r := newRoom(t)
	first := customer("p0", "c1", "w00.")
	began := time.Date(2026, 1, 31, 3, 0, 0, 0, time.UTC)
	first.GetThreadPost().OccurredAt = timestamppb.New(began)
	messages := r.store(posting, first)
	r.done(r.replica(posting, 0), messages...)
	r.done(r.replica(posting, 0), messages...)
	r.slack.bury(r.slack.heads()[0].ts)
	r.done(r.replica(posting, 0), r.store(posting, customer("p1", "c1", "w01."))...)
	all, err := r.bus.Before(t.Context(), bus.Slack, bus.SlackKindFilter("thread-opened"), "")
	if err != nil || len(all) != 2 {
		t.Fatalf("%d threads opened: %v", len(all), err)
	}
	for i, m := range all {
		var fact eventv1.SlackFact
		if err := bus.Decode(m, &fact); err != nil {
			t.Fatal(err)
		}
		if at := fact.GetThreadOpened().GetBeganAt(); (i == 0) != (at != nil) || at != nil && !at.AsTime().Equal(began) {
			t.Errorf("thread %d began at %v", i, at)
		}
	}
}

var _ lane.Workspace = (*picky)(nil)
