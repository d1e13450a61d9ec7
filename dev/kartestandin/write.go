package kartestandin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ErrNoHook is returned when there is no hook with the id that was asked for.
var ErrNoHook = errors.New("no such hook")

// errNoCustomer is returned when something is written for a customer without any id.
var errNoCustomer = errors.New("a customer needs a user id or a visitor id")

// CustomerWrites lets a customer write in the web chat: the message is stored and its hook put in line. The hook names
// the customer just as given here.
func (s *Server) CustomerWrites(ctx context.Context, c Customer, text string, w Write) (Hook, error) {
	return s.write(ctx, c, Message{Kind: KindMessage, Text: text}, w)
}

// OperatorWrites lets an operator or bot answer from KARTE's own console.
func (s *Server) OperatorWrites(ctx context.Context, c Customer, operator, text string, w Write) (Hook, error) {
	if operator == "" {
		return Hook{}, errors.New("an operator needs an id")
	}
	return s.write(ctx, c, Message{Kind: KindMessage, Sender: operator, Text: text}, w)
}

// OperatorNotes lets an operator leave a note in KARTE's own console. There is a hook only with the knob HookNotes.
func (s *Server) OperatorNotes(ctx context.Context, c Customer, operator, text string, w Write) (Hook, error) {
	if operator == "" {
		return Hook{}, errors.New("an operator needs an id")
	}
	return s.write(ctx, c, Message{Kind: KindNote, Sender: operator, Text: text}, w)
}

// Assign gives the conversation to an operator in KARTE's own console, or with an empty id to nobody.
func (s *Server) Assign(ctx context.Context, c Customer, operator string, w Write) (Hook, error) {
	if c.id() == "" {
		return Hook{}, errNoCustomer
	}
	s.mu.Lock()
	h := s.assign(s.conversation(c), c, operator, w, true)
	s.mu.Unlock()
	return s.settled(ctx, h, w)
}

func (s *Server) write(ctx context.Context, c Customer, m Message, w Write) (Hook, error) {
	if c.id() == "" {
		return Hook{}, errNoCustomer
	}
	if len(w.Image) > 0 && !json.Valid(w.Image) {
		return Hook{}, errors.New("the image is not JSON")
	}
	m.Date, m.Image = w.Date, string(w.Image)
	if m.Date.IsZero() {
		m.Date = s.cfg.Clock()
	}
	s.mu.Lock()
	h := s.store(s.conversation(c), c, m, w, m.Kind == KindMessage || s.cfg.Knobs.HookNotes)
	s.mu.Unlock()
	return s.settled(ctx, h, w)
}

// store keeps a message and, when it is to be hooked, puts its hook in line and returns it. The lock is held.
func (s *Server) store(conv *conversation, c Customer, m Message, w Write, hooked bool) *Hook {
	conv.add(m)
	var h *Hook
	if hooked {
		h = s.messageHook(c, m, w)
		s.enqueueHook(conv, h)
	}
	s.touch()
	return h
}

// assign sets the assignee; the lock is held.
func (s *Server) assign(conv *conversation, c Customer, id string, w Write, hooked bool) *Hook {
	var o Operator
	conv.Assignee = nil
	if id != "" {
		o = s.operator(id)
		conv.Assignee = &o
	}
	var h *Hook
	if hooked {
		h = s.assignHook(c, o, w)
		s.enqueueHook(conv, h)
	}
	s.touch()
	return h
}

// settled returns the hook as it is now or, where asked for, as it is once its deliveries have ended.
func (s *Server) settled(ctx context.Context, h *Hook, w Write) (Hook, error) {
	if h == nil {
		return Hook{}, nil
	}
	for {
		s.mu.Lock()
		now, changed := *h, s.changed
		s.mu.Unlock()
		if !w.Wait || now.Held || now.Accepted > 0 || now.Dropped || now.GaveUp {
			return now, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return now, fmt.Errorf("wait for hook %s to be accepted: %w", now.ID, context.Cause(ctx))
		}
	}
}

// Redeliver puts a hook in line again, as KARTE may at any time: same body, same id, new timestamp.
func (s *Server) Redeliver(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range slices.Backward(s.hooks) {
		if h.ID == id && id != "" {
			h.Held, h.Dropped, h.GaveUp = false, false, false
			s.enqueue(s.laneOf(h.Customer), &delivery{hook: h})
			s.touch()
			return nil
		}
	}
	return fmt.Errorf("%w: %s", ErrNoHook, id)
}
