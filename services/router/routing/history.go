package routing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/decide"
	"github.com/slacktalk/slacktalk/services/router/history"
)

// Histories says what was said with a customer before the bridge heard of them.
type Histories interface {
	Of(ctx context.Context, project string, customer *eventv1.Customer, limit int, before time.Time) ([]*eventv1.HistoryEntry, error)
}

const (
	// grace is how much later than what was written after it a message may come. What was said so shortly before the thread was opened may still come as a line of its
	// own, so it is no history: it would be there twice.
	grace = 5 * time.Minute
	// historyTries and historyWithin are how often and how long KARTE is asked. What was said before is of use while the thread is young. A try is a delivery: where many of one
	// project wait, some are put back unseen, and are asked for less often.
	historyTries  = 5
	historyWithin = 10 * time.Minute
	// historyAgain is how long one waits between two tries.
	historyAgain = 15 * time.Second
)

// History tells, under the head of a conversation's first thread, what was said with the customer before. It handles the facts of SLACK that tell of new threads, in a
// queue of its own, apart for each project: KARTE may be slow, and nothing else waits for it. The post has its place in the thread from the moment in which it is stored; its id is
// made of the thread's, so that there is one, however often the fact comes.
func (r *Router) History(ctx context.Context, m bus.Message) error {
	fact := &eventv1.SlackFact{}
	if err := bus.Decode(m, fact); err != nil {
		return nil //nolint:nilerr // the queue that decides has buried it
	}
	opened := fact.GetThreadOpened()
	if opened.GetBeganAt() == nil || r.historyLines <= 0 {
		return nil
	}
	old := r.now().Sub(fact.GetReceivedAt().AsTime()) > historyWithin
	if old && r.silent.lately(opened.GetProject(), r.now()) {
		r.decided("no history: KARTE does not tell")
		return nil
	}
	err := r.tellHistory(ctx, fact, opened)
	if err != nil && ctx.Err() != nil {
		return err // it is not KARTE's: another replica asks
	}
	r.silent.note(opened.GetProject(), r.now(), err)
	late := old || m.Deliveries >= historyTries
	switch {
	case err == nil:
		return nil
	case late && errors.Is(err, retry.ErrParked):
		// The project has no settings any more, which may last: its other histories wait behind this one.
		r.decided("no history: not configured")
		return nil
	case errors.Is(err, history.ErrRefused), late && errors.Is(err, history.ErrNotNow):
		r.decided("no history: KARTE does not tell")
		r.log.WarnContext(ctx, "a thread goes without what was said before", "fact", fact.GetId(), "err", err)
		return nil
	case errors.Is(err, history.ErrNotNow), errors.Is(err, retry.ErrParked):
		return retry.After(historyAgain, err)
	}
	return fmt.Errorf("history of %s: %w", fact.GetId(), err)
}

// ProjectOfThread is whose thread a fact tells of.
func ProjectOfThread(m bus.Message) string {
	fact := &eventv1.SlackFact{}
	if bus.Decode(m, fact) != nil {
		return ""
	}
	return fact.GetThreadOpened().GetProject()
}

// silence remembers when the KARTE of a project did not answer. Without it, every thread that has been waiting behind a KARTE that hangs would ask once more.
type silence struct {
	mu sync.Mutex
	at map[string]time.Time
}

// note notes what became of a history.
func (s *silence) note(project string, now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	if delete(s.at, project); errors.Is(err, history.ErrNotNow) {
		s.at[project] = now
	}
}

func (s *silence) lately(project string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[project]
	return ok && now.Sub(at) < 2*historyAgain
}

func (r *Router) tellHistory(ctx context.Context, fact *eventv1.SlackFact, opened *eventv1.ThreadOpened) error {
	conv, err := r.conversations.Find(ctx, opened.GetProject(), opened.GetConversation())
	if errors.Is(err, conversation.ErrNotFound) {
		return nil
	}
	if err != nil || conv.Record.GetChannel() != fact.GetChannel() || conv.Record.GetTeam() != fact.GetTeam() {
		return err
	}
	team, err := r.team(ctx, conv.Project)
	if err != nil || !team.GetNotificationsEnabled() {
		return err
	}
	before := opened.GetBeganAt().AsTime().Add(-grace)
	entries, err := r.histories.Of(ctx, conv.Project, conv.Record.GetCustomer(), r.historyLines, before)
	if err != nil || len(entries) == 0 {
		return err
	}
	r.nameEntries(ctx, conv.Project, entries)
	r.decided("posted: history")
	return r.toSlack(ctx, bus.PostLane, &eventv1.SlackCommand{
		Id: "history-" + fact.GetId(), Team: fact.GetTeam(), Channel: fact.GetChannel(), Language: decide.Language(team), TimeZone: decide.TimeZone(team),
		Command: &eventv1.SlackCommand_ThreadPost{ThreadPost: &eventv1.ThreadPost{
			Project: conv.Project, Conversation: conv.ID, Customer: conv.Record.GetCustomer(), OccurredAt: timestamppb.New(before), OnlyInThread: true, Moves: conv.Record.GetMoves(),
			Body: &eventv1.ThreadPost_History{History: &eventv1.History{Entries: entries}},
		}},
	})
}

// nameEntries gives the operators of entries the names that customers see. While KARTE does not list them, they go by their ids.
func (r *Router) nameEntries(ctx context.Context, project string, entries []*eventv1.HistoryEntry) {
	names := map[string]string{}
	ctx, cancel := context.WithTimeout(ctx, namesWithin)
	defer cancel()
	known, err := r.operators.Of(ctx, project)
	if err != nil {
		r.log.DebugContext(ctx, "KARTE does not name the operators of a history", "err", err)
	}
	for _, o := range known {
		names[o.GetId()] = o.GetName()
	}
	for _, e := range entries {
		if o := e.GetOperator(); o != nil && o.GetName() == "" {
			o.Name = names[o.GetId()]
		}
	}
}
