// Package erasure removes a customer from everything that this system keeps.
package erasure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/services/router/conversation"
)

// Eraser erases customers.
type Eraser struct {
	Bus           *bus.Bus
	Conversations *conversation.Store
	// Settle is how long messages on their way are given to get where they are found.
	Settle time.Duration
}

// passes bounds how often everything is looked through. The second finds what was on its way during the first.
const passes = 5

// ErrBusy is answered when messages of the customer keep coming; calling again goes on.
var ErrBusy = errors.New("messages of the customer keep coming")

// The places that are told of.
const (
	placeThreads       = bus.Threads
	placeConversations = bus.Conversations
	placeRedis         = "redis"
)

// Erase removes everything of the customer of a conversation and answers how much of it there was, by place. It is safe to call it again, also after an error.
//
// The order is that of the messages' way, so that what was on its way is met further on: facts before the commands they cause. The threads go before the records: a
// conversation that is known but has no thread opens a new one, whereas a thread without its conversation would be taken up by the next message. What a service is
// at work on at this very moment may still come out of it, which the next pass finds.
func (e *Eraser) Erase(ctx context.Context, project, id string) (map[string]int64, error) {
	removed := map[string]int64{}
	s := &sweep{Eraser: e, project: project, removed: removed, from: map[string]uint64{}}
	for pass := range passes {
		if pass > 0 && !wait(ctx, e.Settle) {
			return removed, context.Cause(ctx)
		}
		family, err := e.Conversations.Family(ctx, project, id)
		if err != nil {
			return removed, err
		}
		s.meet(family)
		before := total(removed)
		if err := s.run(ctx); err != nil {
			return removed, fmt.Errorf("erase conversation %s: %w", id, err)
		}
		if total(removed) == before {
			return removed, nil
		}
	}
	return removed, ErrBusy
}

func total(removed map[string]int64) (n int64) {
	for _, some := range removed {
		n += some
	}
	return n
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// sweep is the work of one call.
type sweep struct {
	*Eraser
	project string
	family  conversation.Family
	removed map[string]int64
	// from is, by filter, where the next pass goes on: what was stored before is not the customer's.
	from map[string]uint64
	said conversation.Memories
}

// meet adds what is known of the family now. When it has grown, everything is looked at again.
func (s *sweep) meet(now conversation.Family) {
	size := s.family.Size()
	if size == 0 {
		s.family = now
	} else {
		s.family = s.family.Join(now)
	}
	if s.family.Size() != size {
		clear(s.from)
	}
}

func (s *sweep) run(ctx context.Context) error {
	for _, look := range s.looks() {
		if err := s.look(ctx, look); err != nil {
			return err
		}
	}
	threads, err := s.Conversations.EraseThreads(ctx, s.family)
	s.count(placeThreads, int64(threads))
	if err != nil {
		return err
	}
	records, copies, err := s.Conversations.EraseRecords(ctx, s.family)
	s.count(placeConversations, int64(records))
	s.count(placeRedis, copies)
	if err != nil {
		return err
	}
	entries, err := s.Conversations.EraseIndex(ctx, s.family, s.said)
	s.count(placeRedis, entries)
	return err
}

func (s *sweep) count(place string, n int64) {
	if n > 0 {
		s.removed[place] += n
	}
}

// A look is one part of a stream that may hold something of the customer.
type look struct{ stream, filter string }

// looks answers all, in the order of the messages' way.
func (s *sweep) looks() []look {
	project := bus.ProjectToken(s.project)
	looks := []look{{bus.Talk, "talk.*." + project + ".>"}, {bus.Held, "held.talk." + project + ".>"}}
	for _, t := range s.family.Threads {
		thread := bus.ThreadToken(t.TS)
		looks = append(looks,
			look{bus.Slack, fmt.Sprintf("slack.*.%s.%s.%s.>", t.Team, t.Channel, thread)},
			look{bus.Held, fmt.Sprintf("held.slack.%s-%s.%s.*", t.Team, t.Channel, thread)})
	}
	for _, c := range s.family.Channels() {
		looks = append(looks, look{bus.Slack, fmt.Sprintf("slack.*.%s.%s.-.>", c.Team, c.Channel)})
	}
	for _, id := range s.family.Identities {
		looks = append(looks, look{bus.Sends, bus.SendFilter(s.project, id)}, look{bus.Held, "held.send." + project + "." + id + ".*"},
			look{bus.Timers, bus.TimerSubject(s.project, id)}, look{bus.Timers, bus.DueFilter(s.project, id)}, look{bus.Held, "held.due." + project + "." + id + ".*"})
	}
	return append(looks, look{bus.Posts, "post.>"}, look{bus.Posts, "mark.>"}, look{bus.Posts, "card.>"}, look{bus.Dead, "dead.>"})
}

// look erases what is the customer's in one part of a stream.
func (s *sweep) look(ctx context.Context, l look) error {
	read := s.Bus.Probe
	if l.stream == bus.Talk || l.stream == bus.Slack || l.stream == bus.Posts { // the large ones
		read = s.Bus.Scan
	}
	next, err := read(ctx, l.stream, l.filter, s.from[l.filter], func(m bus.Message) error {
		if !s.holds(m.Stream, m.Subject, m.Data) {
			return nil
		}
		there, err := s.Bus.Erase(ctx, l.stream, m.Sequence)
		if there {
			s.count(l.stream, 1)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.from[l.filter] = next
	return nil
}
