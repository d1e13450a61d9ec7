package send

import (
	"context"
	"fmt"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// unlisted is find where KARTE does not list such lines. What KARTE has cleanly refused has a known outcome all the same: it did not arrive.
func (s *Sender) unlisted(ctx context.Context, m bus.Message, command *eventv1.KarteCommand, parts []string) (there bool, err error) {
	if m.Held && !command.GetReplay() && len(parts) > 1 {
		return false, nil // the part before it was sent just now
	}
	refused := true // if the call is known to be over: an unknown outcome would have ended the command at once
	if command.GetReplay() {
		if refused, there, err = s.lives(ctx, command); err != nil || there {
			return there, err
		}
	}
	// Of a replay the first part is looked for first: behind one that is known not to be there, there is none.
	if refused && (len(parts) == 1 || !command.GetReplay()) {
		refused, err = s.ended(ctx, m, len(parts)-1)
	}
	if err == nil && !refused {
		err = retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, fmt.Errorf("command %s may have been carried out, and KARTE does not list such lines", command.GetId()))
	}
	return false, err
}

// lives looks at how a command has ended each time it was tried: refused says that KARTE has refused the whole of it every time, done that it was carried out once.
func (s *Sender) lives(ctx context.Context, command *eventv1.KarteCommand) (refused, done bool, err error) {
	reports, err := s.Bus.Before(ctx, bus.Talk, bus.TalkFilter(command.GetProject(), command.GetConversation()), "")
	if err != nil {
		return false, false, err
	}
	ended, clean := 0, 0
	for _, report := range reports {
		var fact eventv1.TalkFact
		if bus.Decode(report, &fact) != nil {
			continue
		}
		if fact.GetReplyDelivered().GetCommandId() == command.GetId() {
			return false, true, nil
		}
		failed := fact.GetReplyFailed()
		if failed.GetCommandId() != command.GetId() {
			continue
		}
		ended++
		if failed.GetReason() == eventv1.FailureReason_FAILURE_REASON_REJECTED && failed.GetPartsDelivered() == 0 {
			clean++
		}
	}
	return ended > 0 && ended == clean, false, nil
}

// ended reports whether the attempts at a part in this life, if there were any, are known to have had no effect.
func (s *Sender) ended(ctx context.Context, m bus.Message, part int) (bool, error) {
	note, err := s.checkpoint(m).Last(ctx)
	if err != nil {
		return false, stay(err)
	}
	own := note.GetSequence() == m.Sequence || m.Held && note.GetSequence() > 0
	// Behind an attempt at a later part there are parts that have arrived.
	return (!own || note.GetEnded() && !note.GetUnknown() && int(note.GetPart()) == part) && !m.Attempted, nil
}
