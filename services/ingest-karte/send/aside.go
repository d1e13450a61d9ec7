package send

import (
	"context"
	"errors"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// errAside brings a command to HELD that somebody was about to set aside.
var errAside = errors.New("it was set aside before")

// SetAside notes in the checkpoint of its partition that a command goes to HELD; it is told to bus.Holder. A replica that was taken for dead and the one that was
// handed the command in its place would send it both otherwise, one from HELD and one from the partition.
func (s *Sender) SetAside(ctx context.Context, m bus.Message, cause error) (attempted bool, err error) {
	checkpoint := s.checkpoint(m)
	note, err := checkpoint.Current(ctx, m)
	if err != nil {
		return false, err
	}
	if note.GetSequence() == m.Sequence {
		if left := checkpoint.Elsewhere(note, s.Now(), s.CallTime); left > 0 {
			return false, retry.After(left, errElsewhere)
		}
	}
	if err := checkpoint.SetAside(ctx, m); err != nil {
		return false, err
	}
	var command eventv1.KarteCommand
	if err := bus.Decode(m, &command); err != nil {
		return false, err
	}
	// An attempt that was made just now says by its error what it came to.
	return cause == nil && s.mayHaveArrived(note, m, &command), nil
}

// again ends a command that was settled before, and is handed out again because JetStream forgot that: by what was reported of it. Of one that was set aside there is no
// report, and HELD has it.
func (s *Sender) again(ctx context.Context, checkpoint *bus.Checkpoint, m bus.Message, command *eventv1.KarteCommand) error {
	switch delivered, err := s.over(ctx, m, command); {
	case err != nil:
		return stay(err)
	case delivered:
		return nil
	}
	return s.aside(ctx, checkpoint, m, command)
}

// aside brings a command to HELD once more, where whoever meant to do so may not have come to it.
func (s *Sender) aside(ctx context.Context, checkpoint *bus.Checkpoint, m bus.Message, command *eventv1.KarteCommand) error {
	note, err := checkpoint.Current(ctx, m)
	if err != nil {
		return stay(err)
	}
	if s.mayHaveArrived(note, m, command) {
		return retry.Unknown(errAside)
	}
	return errAside
}

// mayHaveArrived reports whether the noted attempt may have had its effect. Where that cannot be looked up, that its call is over means that it had none. Of what is behind later
// messages nobody knows here.
func (s *Sender) mayHaveArrived(note *eventv1.Checkpoint, m bus.Message, command *eventv1.KarteCommand) bool {
	if note.GetSequence() > m.Sequence {
		return true
	}
	attempted := note.GetSequence() == m.Sequence && note.GetAttemptedAt() != nil
	return attempted && (!note.GetEnded() || note.GetUnknown() || s.listed(command))
}
