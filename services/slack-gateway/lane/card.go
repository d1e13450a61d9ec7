package lane

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// Cards is what the lanes of cards do at Slack.
type Cards interface {
	Update(ctx context.Context, channel, ts string, message render.Message) error
}

// card brings the head of a thread up to date. Of all updates that wait for one conversation the newest is shown at once, in the place of the first; when the turn
// of the others comes, the record of the thread says that something newer is shown already. So a lane that is behind makes one call per conversation, the last state
// always comes, and never an older one after it: updates may be stored in another order than they were decided in, and a replica may die between the call and its end.
//
// Updates that bring nothing but later times are in no hurry: they wait until they are CardDelay old, so that a lively conversation costs one call in that time, and
// whatever else waits in the lane goes first.
func (w *worker) card(ctx context.Context, m bus.Message, command *eventv1.SlackCommand) error {
	if command.GetCardUpdate().GetCard() == nil {
		return unknown(m, command, "no update of a card")
	}
	last, err := w.checkpoint.At(ctx, m)
	if err != nil {
		return err
	}
	if bus.StateOf(last, m.Sequence) == bus.Uncertain {
		// An update that is late would come after a newer one.
		if left := w.checkpoint.Elsewhere(last, w.Now(), w.CallTime); left > 0 && !w.upToDate(ctx, command.GetCardUpdate()) {
			return retry.After(left, errElsewhere)
		}
	}
	if bus.StateOf(last, m.Sequence) == bus.Untried && w.covered(m, command.GetCardUpdate()) {
		return nil
	}
	c := &carding{worker: w, m: m, last: last}
	for {
		head, todo, err := w.needed(ctx, command)
		if err != nil || !todo {
			return err
		}
		if urgent(command, head.ThreadRecord) {
			return c.show(ctx, command, head)
		}
		if did, err := c.others(ctx); err != nil || did {
			if err != nil {
				return err
			}
			continue
		}
		if left := w.lull(command); left > 0 {
			if err := rest(ctx, min(left, glance)); err != nil {
				return err
			}
			continue
		}
		w.timesAt = w.Now()
		return c.show(ctx, command, head)
	}
}

// upToDate reports whether it is written down that the head shows an update, or something newer: then nobody is making the call any more.
func (w *worker) upToDate(ctx context.Context, update *eventv1.CardUpdate) bool {
	record := &eventv1.ThreadRecord{}
	_, err := w.threads.Read(ctx, bus.ConversationKey(update.GetProject(), update.GetConversation()), record)
	return err == nil && record.GetTs() != "" && record.GetTeam() == w.lane.Team && record.GetChannel() == w.lane.Channel &&
		record.GetCardRevision() > 0 && !newer(update.GetCard(), record.GetCardRevision(), record.GetCardTime())
}

// glance is how often a lane that waits with times looks whether something came that does not wait.
const glance = 500 * time.Millisecond

// lull answers how long an update that brings only times has to wait still: until it is old enough, and until half of that after the latest of its kind, so that
// those of a busy channel leave room under Slack's limit for what matters.
func (w *worker) lull(command *eventv1.SlackCommand) time.Duration {
	age, since := w.Now().Sub(command.GetIssuedAt().AsTime()), w.Now().Sub(w.timesAt)
	return max(min(w.CardDelay-age, w.CardDelay), w.CardDelay/2-since, 0)
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// headRecord is the record of a thread as it was read.
type headRecord struct {
	*eventv1.ThreadRecord

	revision uint64
}

// needed reads what the head of a conversation shows, and whether an update has anything to add to it in this lane.
func (w *worker) needed(ctx context.Context, command *eventv1.SlackCommand) (h headRecord, todo bool, err error) {
	update := command.GetCardUpdate()
	h.ThreadRecord = &eventv1.ThreadRecord{}
	key := bus.ConversationKey(update.GetProject(), update.GetConversation())
	if h.revision, err = w.threads.Read(ctx, key, h.ThreadRecord); err != nil {
		return h, false, err
	}
	w.know(key, h.GetCardRevision())
	switch {
	case h.GetTs() == "":
		return h, false, nil // it is not known what the head will show: router looks again when there is one
	case h.GetCardRevision() == 0:
		return h, false, nil // a head of an earlier version, which holds messages that stand nowhere else
	case h.GetTeam() != w.lane.Team || h.GetChannel() != w.lane.Channel:
		return h, false, w.elsewhere(ctx, command, h.ThreadRecord)
	}
	return h, newer(update.GetCard(), h.GetCardRevision(), h.GetCardTime()), nil
}

// urgent reports whether an update brings more than times.
func urgent(command *eventv1.SlackCommand, record *eventv1.ThreadRecord) bool {
	return stateOf(command.GetCardUpdate().GetCard()) != record.GetCardState()
}

// stateOf answers a hash of what a card says besides its times.
func stateOf(card *eventv1.Card) string {
	if card == nil {
		return ""
	}
	state := proto.CloneOf(card)
	state.Revision, state.CustomerWroteAt, state.OperatorWroteAt = 0, nil, nil
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(state)
	if err != nil {
		return "" // it is urgent then
	}
	return bus.Token(string(data))
}

// knowMost bounds what a lane remembers of conversations.
const knowMost = 1000

// know remembers what the head of a conversation shows, so as not to ask for it at every glance.
func (w *worker) know(key string, revision uint64) {
	if w.revisions == nil || len(w.revisions) > knowMost {
		w.revisions = map[string]uint64{}
	}
	w.revisions[key] = revision
}

// shown is what this replica has written down that a head shows, and the last message of the lane that stood there before that.
type shown struct {
	revision uint64
	at       *timestamppb.Timestamp
	upTo     uint64
}

// cover remembers what was written down just now.
func (w *worker) cover(key string, card *eventv1.Card) {
	if w.covers == nil || len(w.covers) > knowMost {
		w.covers = map[string]shown{}
	}
	s := shown{revision: card.GetRevision(), at: latest(card)}
	if n := len(w.window); n > 0 {
		s.upTo = w.window[n-1].Sequence
	}
	w.covers[key] = s
}

// covered reports whether an update stood in the lane already when something as new or newer was written down as shown here: then the record need not be read for
// it. Should the thread have another head since, the update that follows from that stands behind, and brings it up to date.
func (w *worker) covered(m bus.Message, update *eventv1.CardUpdate) bool {
	s, known := w.covers[bus.ConversationKey(update.GetProject(), update.GetConversation())]
	return known && m.Sequence <= s.upTo && !newer(update.GetCard(), s.revision, s.at)
}

// carding is the turn of one message of a lane of cards.
type carding struct {
	*worker
	m    bus.Message
	last *eventv1.Checkpoint
}

// others shows the first of what waits behind the message that brings more than times; did is false when there is none. Its own turn finds it done.
func (c *carding) others(ctx context.Context) (did bool, err error) {
	waiting, err := c.behind(ctx, c.m.Sequence)
	if err != nil {
		return false, err
	}
	for _, later := range waiting {
		command := &eventv1.SlackCommand{}
		if bus.Decode(later, command) != nil || command.GetCardUpdate().GetCard() == nil {
			continue
		}
		update := command.GetCardUpdate()
		revision, known := c.revisions[bus.ConversationKey(update.GetProject(), update.GetConversation())]
		if known && update.GetCard().GetRevision() <= revision {
			continue
		}
		head, todo, err := c.needed(ctx, command)
		if err != nil {
			return false, err
		}
		if todo && urgent(command, head.ThreadRecord) {
			return true, c.show(ctx, command, head)
		}
		c.know(bus.ConversationKey(update.GetProject(), update.GetConversation()), max(head.GetCardRevision(), update.GetCard().GetRevision()))
	}
	return false, nil
}

// show brings a head up to date with the newest that waits for it, and paces the lane.
func (c *carding) show(ctx context.Context, command *eventv1.SlackCommand, at headRecord) error {
	update, err := c.newest(ctx, c.m, command.GetCardUpdate())
	if err != nil {
		return err
	}
	if err := c.note(ctx, c.m, c.last, 0, batch{}); err != nil {
		return err
	}
	if err := c.call(ctx, command, update, at); err != nil {
		return err
	}
	c.know(bus.ConversationKey(update.GetProject(), update.GetConversation()), update.GetCard().GetRevision())
	c.pace(ctx)
	return nil
}

// call makes the call, and writes down what the head shows.
func (w *worker) call(ctx context.Context, command *eventv1.SlackCommand, update *eventv1.CardUpdate, record headRecord) error {
	began, ok := opening(record.ThreadRecord, update.GetCard())
	if !ok {
		w.Log.WarnContext(ctx, "the head of a thread stays as it is: its card does not say how it began", "channel", w.lane.Channel, "thread", record.GetTs())
		return w.shown(context.WithoutCancel(ctx), update, record)
	}
	options := w.options(command)
	if options.PreviousThreadGone = strings.Contains(record.GetCommandId(), afterGone); !options.PreviousThreadGone {
		w.former(&options, record.ThreadRecord)
	}
	message := render.Card(update.GetProject(), update.GetCard(), began, options)
	calling, cancel := w.checkpoint.Calling(ctx, w.CallTime)
	defer cancel()
	err := w.Cards.Update(calling, w.lane.Channel, record.GetTs(), message)
	w.count("card", err)
	if errors.Is(err, slackapi.ErrFixed) {
		w.Log.InfoContext(ctx, "the head of a thread stays as it is", "channel", w.lane.Channel, "thread", record.GetTs(), "err", err)
		err = nil // written down as shown: it would be the first to be shown for ever
	}
	if errors.Is(err, retry.ErrUnknown) {
		return retry.After(2*time.Second, err)
	}
	if err != nil {
		return err
	}
	return w.shown(context.WithoutCancel(ctx), update, record)
}

// opening answers how a thread began, as its head says it; false when that is not known.
func opening(record *eventv1.ThreadRecord, card *eventv1.Card) (render.Opening, bool) {
	began := render.Opening{Mentions: record.GetMentions(), Words: record.GetWords(), More: record.GetMore()}
	if record.GetWordsOnCard() {
		began.Words = card.GetFirstWords()
		return began, began.Words != ""
	}
	return began, true
}

// newest answers the newest of the updates for one conversation that wait in the lane.
func (w *worker) newest(ctx context.Context, m bus.Message, update *eventv1.CardUpdate) (*eventv1.CardUpdate, error) {
	waiting, err := w.behind(ctx, m.Sequence)
	if err != nil {
		return nil, err
	}
	for _, later := range waiting {
		var command eventv1.SlackCommand
		if bus.Decode(later, &command) != nil {
			continue
		}
		next := command.GetCardUpdate()
		same := next.GetProject() == update.GetProject() && next.GetConversation() == update.GetConversation()
		if same && newer(next.GetCard(), update.GetCard().GetRevision(), latest(update.GetCard())) {
			update = next
		}
	}
	return update, nil
}

// newer reports whether a card is newer than what is known by its revision and its latest time.
func newer(card *eventv1.Card, revision uint64, at *timestamppb.Timestamp) bool {
	if card.GetRevision() != revision {
		return card.GetRevision() > revision
	}
	return latest(card).AsTime().After(at.AsTime())
}

// latest is the latest time on a card; those of the same revision differ in nothing else.
func latest(card *eventv1.Card) *timestamppb.Timestamp {
	if card.GetOperatorWroteAt().AsTime().After(card.GetCustomerWroteAt().AsTime()) {
		return card.GetOperatorWroteAt()
	}
	return card.GetCustomerWroteAt()
}

// showTries bounds how often it is tried to write down what a head shows: the lane of posts writes the same record, though seldom.
const showTries = 5

// shown writes down what a head shows, unless there is another head by now.
func (w *worker) shown(ctx context.Context, update *eventv1.CardUpdate, at headRecord) error {
	key, ts := bus.ConversationKey(update.GetProject(), update.GetConversation()), at.GetTs()
	record, revision := at.ThreadRecord, at.revision
	var err error
	for range showTries {
		record.CardRevision, record.CardTime, record.CardState = update.GetCard().GetRevision(), latest(update.GetCard()), stateOf(update.GetCard())
		_, err = w.threads.Write(ctx, key, record, revision)
		if err == nil {
			w.cover(key, update.GetCard())
		}
		if !errors.Is(err, bus.ErrConflict) {
			return err
		}
		record = &eventv1.ThreadRecord{}
		var failed error
		if revision, failed = w.threads.Read(ctx, key, record); failed != nil || record.GetTs() != ts {
			return failed
		}
	}
	return err
}

// elsewhere gives an update to the lane that the thread is in, if it was decided before the conversation was moved there.
func (w *worker) elsewhere(ctx context.Context, command *eventv1.SlackCommand, record *eventv1.ThreadRecord) error {
	update := command.GetCardUpdate()
	if update.GetMoves() > record.GetMoves() || !newer(update.GetCard(), record.GetCardRevision(), record.GetCardTime()) {
		return nil // it is on its way here, and its new head will show what is known then
	}
	again := proto.CloneOf(command)
	again.Team, again.Channel = record.GetTeam(), record.GetChannel()
	to := bus.Lane{Kind: bus.CardLane, Team: record.GetTeam(), Channel: record.GetChannel()}
	_, err := w.Bus.Once(ctx, bus.Posts, to.Subject(fmt.Sprintf("%s#move-%d", command.GetId(), record.GetMoves())), again)
	return err
}
