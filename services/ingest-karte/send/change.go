package send

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// Changes is what is done to a conversation besides writing in it.
type Changes interface {
	Assign(ctx context.Context, customer, operator string, bot bool) error
	Assignee(ctx context.Context, customer string) (operator string, err error)
	ChangeStatus(ctx context.Context, customer, status string) error
}

// changeGiveUp is how long a change is tried. Replies to the same customer wait behind it, and whoever asked for it sees it as pending: that must not take a day.
const changeGiveUp = 15 * time.Minute

// change carries out a change of a conversation. It sets a state, so it is simply made again where nobody knows whether it had its effect; the checkpoint sees to it that
// nobody makes a later one while an earlier call may still be on its way.
func (s *Sender) change(ctx context.Context, m bus.Message, command *eventv1.KarteCommand) error {
	err := s.attempt(ctx, m, command)
	if errors.Is(err, errOver) {
		return nil
	}
	ctx, cancel := bus.Settling(ctx)
	defer cancel()
	s.watchParking(err)
	if err == nil {
		return stay(s.reportChange(ctx, m, command, changeDone(command)))
	}
	err = s.exhaustedChange(m, command, err)
	if errors.Is(err, retry.ErrParked) {
		if told := s.tellParked(ctx, err); told != nil {
			return stay(errors.Join(err, told))
		}
	}
	if reason, ok := retry.Reason(err); ok {
		if failed := s.reportChange(ctx, m, command, changeFailed(command, reason, err)); failed != nil {
			return stay(failed)
		}
		// It is told, and whoever asked for it can ask again: there is nothing in it for DEAD.
		return nil
	}
	return err
}

// errOver ends a change that was reported before: there may be more than one message of it.
var errOver = errors.New("reported before")

// attempt makes one attempt.
func (s *Sender) attempt(ctx context.Context, m bus.Message, command *eventv1.KarteCommand) error {
	for _, kind := range []string{kindDone, kindFailed} {
		over, err := s.Bus.Find(ctx, bus.Talk, s.reportSubject(command, kind, m.Subject), &eventv1.TalkFact{})
		if err != nil {
			return stay(err)
		}
		if over {
			return errOver
		}
	}
	checkpoint := s.checkpoint(m)
	before, err := s.before(ctx, checkpoint, m, command)
	if err != nil {
		return stay(err)
	}
	if before.state == bus.Aside || before.state == bus.Done {
		return errAside // also of what is behind later commands: nothing is reported of it, so HELD has it
	}
	if before.state == bus.Uncertain && s.isSo(ctx, command) {
		s.changes(command, "found")
		return nil
	}
	if err := s.note(ctx, checkpoint, m, 0, nil); err != nil {
		return stay(err)
	}
	calling, cancel := checkpoint.Calling(ctx, s.CallTime)
	defer cancel()
	err = classifyChange(s.set(calling, command))
	s.changes(command, result(err))
	if err != nil {
		checkpoint.Ended(ctx, err)
	}
	return err
}

// set makes the call.
func (s *Sender) set(ctx context.Context, command *eventv1.KarteCommand) error {
	customer := customerID(command.GetCustomer())
	switch change := command.GetChange().(type) {
	case *eventv1.KarteCommand_Assignee:
		to := change.Assignee.GetOperator()
		return s.Changes.Assign(ctx, customer, to.GetId(), to.GetBot())
	case *eventv1.KarteCommand_Status:
		status, ok := statuses[change.Status.GetStatus()]
		if !ok {
			return retry.Malformed(fmt.Errorf("status %v is none of KARTE's", change.Status.GetStatus()))
		}
		return s.Changes.ChangeStatus(ctx, customer, status)
	}
	return retry.Malformed(errors.New("no change"))
}

var statuses = map[eventv1.ChatStatus]string{
	eventv1.ChatStatus_CHAT_STATUS_OPEN: "open", eventv1.ChatStatus_CHAT_STATUS_WAITING: "waiting", eventv1.ChatStatus_CHAT_STATUS_CLOSED: "closed",
}

// isSo looks whether KARTE has it so already, after an attempt with an unknown outcome. Where that cannot be told the attempt is made again; of the status
// KARTE tells nothing.
func (s *Sender) isSo(ctx context.Context, command *eventv1.KarteCommand) bool {
	change, ok := command.GetChange().(*eventv1.KarteCommand_Assignee)
	if !ok {
		return false
	}
	now, err := s.Changes.Assignee(ctx, customerID(command.GetCustomer()))
	return err == nil && now == change.Assignee.GetOperator().GetId()
}

// classifyChange takes a missing scope for a refusal of the change: to wait for a person would hold up the replies to the customer, which need another scope.
func classifyChange(err error) error {
	if !errors.Is(err, karte.ErrScope) {
		return err
	}
	// What is left of the error is no longer parked.
	if refusal, ok := errors.AsType[*karte.Refusal](err); ok {
		return retry.Rejected(fmt.Errorf("%v: %w", karte.ErrScope, refusal)) //nolint:errorlint // it is not to be asked for again
	}
	return retry.Rejected(errors.New(err.Error()))
}

// exhaustedChange makes err permanent when the change has been tried for too long.
func (s *Sender) exhaustedChange(m bus.Message, command *eventv1.KarteCommand, err error) error {
	if _, permanent := retry.Reason(err); permanent || m.Deliveries < enough || errors.Is(err, retry.ErrParked) || errors.Is(err, context.Canceled) {
		return err
	}
	if age := s.Now().Sub(command.GetIssuedAt().AsTime()); age > min(changeGiveUp, s.GiveUp) {
		return retry.Permanent(eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, fmt.Errorf("tried for %v: %w", age.Round(time.Second), err))
	}
	return err
}

// The kinds of reports.
const (
	kindDone   = "change-done"
	kindFailed = "change-failed"
)

func changeDone(command *eventv1.KarteCommand) *eventv1.TalkFact {
	done := &eventv1.ChangeDone{CommandId: command.GetId(), Conversation: command.GetConversation(), Origin: command.GetOrigin(), Operator: command.GetOperator()}
	switch change := command.GetChange().(type) {
	case *eventv1.KarteCommand_Assignee:
		done.Change = &eventv1.ChangeDone_Assignee{Assignee: change.Assignee}
	case *eventv1.KarteCommand_Status:
		done.Change = &eventv1.ChangeDone_Status{Status: change.Status}
	}
	return &eventv1.TalkFact{Fact: &eventv1.TalkFact_ChangeDone{ChangeDone: done}}
}

func changeFailed(command *eventv1.KarteCommand, reason eventv1.FailureReason, cause error) *eventv1.TalkFact {
	failed := &eventv1.ChangeFailed{
		CommandId: command.GetId(), Conversation: command.GetConversation(), Origin: command.GetOrigin(), Reason: reason, Detail: detail(cause), Operator: command.GetOperator(),
	}
	switch change := command.GetChange().(type) {
	case *eventv1.KarteCommand_Assignee:
		failed.Change = &eventv1.ChangeFailed_Assignee{Assignee: change.Assignee}
	case *eventv1.KarteCommand_Status:
		failed.Change = &eventv1.ChangeFailed_Status{Status: change.Status}
	}
	return &eventv1.TalkFact{Fact: &eventv1.TalkFact_ChangeFailed{ChangeFailed: failed}}
}

// reportChange publishes what became of a change, once.
func (s *Sender) reportChange(ctx context.Context, m bus.Message, command *eventv1.KarteCommand, fact *eventv1.TalkFact) error {
	kind := kindDone
	if fact.GetChangeFailed() != nil {
		kind = kindFailed
	}
	fact.Id, fact.Project, fact.Customer = reportID(kind, m.Subject, command), command.GetProject(), command.GetCustomer()
	fact.OccurredAt, fact.ReceivedAt = timestamppb.New(s.Now()), timestamppb.New(s.Now())
	_, err := s.Bus.Once(ctx, bus.Talk, s.reportSubject(command, kind, m.Subject), fact)
	return err
}

func (s *Sender) changes(command *eventv1.KarteCommand, result string) {
	kind := "assignee"
	if command.GetStatus() != nil {
		kind = "status"
	}
	s.metrics.calls.WithLabelValues(kind, result).Inc()
}
