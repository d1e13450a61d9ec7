package send

import (
	"context"
	"errors"
	"fmt"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var errGivenUp = errors.New("it was given up before")

// over looks for the report that ended the command: there may be more than one of its message. A replica that dies after it has set one
// aside and before it acknowledges that leaves the partition's, too; one that was taken for dead sets aside what another one is done with.
// What was given up is answered as an error that gives it up again.
func (s *Sender) over(ctx context.Context, m bus.Message, command *eventv1.KarteCommand) (delivered bool, err error) {
	var fact eventv1.TalkFact
	delivered, err = s.Bus.Find(ctx, bus.Talk, s.reportSubject(command, "delivered", m.Subject), &fact)
	if err != nil || delivered {
		return delivered, err
	}
	failed, err := s.Bus.Find(ctx, bus.Talk, s.reportSubject(command, "failed", m.Subject), &fact)
	if err != nil || !failed {
		return false, err
	}
	report := fact.GetReplyFailed()
	err = errGivenUp
	if said := report.GetDetail(); said != "" {
		err = fmt.Errorf("%w: %s", errGivenUp, said)
	}
	return false, retry.Permanent(report.GetReason(), err)
}

// reported tells whether the command has ended, one way or the other.
func (s *Sender) reported(ctx context.Context, m bus.Message, command *eventv1.KarteCommand) (bool, error) {
	delivered, err := s.over(ctx, m, command)
	if _, givenUp := retry.Reason(err); givenUp {
		return true, nil
	}
	return delivered, err
}
