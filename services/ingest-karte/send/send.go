// Package send carries out the commands to KARTE: each exactly once, and says what became of it.
package send

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/effort"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/split"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// KARTE is what this package needs of the client.
type KARTE interface {
	Send(ctx context.Context, customer, operator, text string) error
	Note(ctx context.Context, customer, operator, text string) error
	History(ctx context.Context, customer string, limit int) ([]karte.Entry, error)
}

// History says which of what was sent through the API `talk/message/get` is believed to list. Whatever it does not
// list cannot be looked up, so an unknown outcome of it is reported instead of being tried again.
type History struct{ Messages, Notes bool }

// Options of a Sender.
type Options struct {
	Bus     *bus.Bus
	KARTE   KARTE
	Changes Changes
	Project string
	// TextLimit is the longest text of one call in UTF-16 units; KARTE documents none.
	TextLimit int
	History   History
	// HistoryLimit is how many lines of a customer's history are asked for; KARTE's own maximum is not documented.
	HistoryLimit int
	// GiveUp is how long after it was written a reply is tried, other than while the project is parked.
	GiveUp time.Duration
	// CallTime is how long one call may take, counted from the checkpoint's note of it, and so how long another replica may be at it.
	CallTime time.Duration
	Now      func() time.Time
	Log      *slog.Logger
	Metrics  prometheus.Registerer
}

// Sender handles the messages of SENDS.
type Sender struct {
	Options
	metrics     metrics
	mu          sync.Mutex
	checkpoints map[string]*bus.Checkpoint
}

// New makes a sender.
func New(o Options) *Sender {
	return &Sender{Options: o, checkpoints: map[string]*bus.Checkpoint{}, metrics: newMetrics(o.Metrics, o.Project)}
}

// Handle carries out one command.
func (s *Sender) Handle(ctx context.Context, m bus.Message) error {
	var command eventv1.KarteCommand
	if err := bus.Decode(m, &command); err != nil {
		return err
	}
	if command.GetProject() != s.Project {
		return retry.Malformed(fmt.Errorf("command %s is for another project", command.GetId()))
	}
	if command.GetChange() != nil {
		return s.change(ctx, m, &command)
	}
	delivered, took, err := s.carryOut(ctx, m, &command)
	ctx, cancel := bus.Settling(ctx)
	defer cancel()
	s.watchParking(err)
	s.throttled(err)
	if err == nil {
		s.arrived(m, &command)
		return stay(s.outcome(ctx, m, &command, "delivered", &eventv1.TalkFact_ReplyDelivered{ReplyDelivered: &eventv1.ReplyDelivered{
			CommandId: command.GetId(), Kind: command.GetKind(), Origin: command.GetOrigin(), Waited: m.Held,
			Operator: command.GetOperator(), Conversation: command.GetConversation(), Replayed: replayed(m.Subject, &command), Text: unseen(&command), Effort: took,
		}}))
	}
	err = s.exhausted(m, &command, s.partly(&command, delivered, err))
	if errors.Is(err, retry.ErrParked) {
		if told := s.tellParked(ctx, err); told != nil {
			return stay(errors.Join(err, told))
		}
	}
	if reason, ok := retry.Reason(err); ok {
		if failed := s.failed(ctx, m, &command, reason, err, delivered, took); failed != nil {
			return stay(failed)
		}
	}
	return effort.With(err, took)
}

// unseen is what a command sends where no line of Slack says it: whoever shows that it was sent is to know what, and its author gets it back when it was not.
func unseen(command *eventv1.KarteCommand) string {
	if command.GetOrigin().GetTs() != "" {
		return ""
	}
	return command.GetText()
}

// failed reports that a command was given up.
func (s *Sender) failed(ctx context.Context, m bus.Message, command *eventv1.KarteCommand, reason eventv1.FailureReason, cause error, delivered int, took *eventv1.Effort) error {
	s.lostOf(command)
	return s.outcome(ctx, m, command, "failed", &eventv1.TalkFact_ReplyFailed{ReplyFailed: &eventv1.ReplyFailed{
		CommandId: command.GetId(), Kind: command.GetKind(), Origin: command.GetOrigin(), Reason: reason, Detail: detail(cause),
		PartsDelivered: int32(delivered), Waited: m.Held, Operator: command.GetOperator(), Conversation: command.GetConversation(), Effort: took, Text: unseen(command), //nolint:gosec // parts of a Slack message are few
	}})
}

// Exhausted reports a command that JetStream has given up, not we; it is told to bus.ServeExhausted.
func (s *Sender) Exhausted(ctx context.Context, m bus.Message, cause error) error {
	var command eventv1.KarteCommand
	if bus.Decode(m, &command) != nil || command.GetProject() != s.Project {
		return nil //nolint:nilerr // nobody knows whose line to mark
	}
	if command.GetChange() != nil {
		return s.reportChange(ctx, m, &command, changeFailed(&command, eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, cause))
	}
	return s.failed(ctx, m, &command, eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, cause, 0, nil)
}

// carryOut sends the parts one after the other; delivered is how many KARTE has, took what that took, also when it failed.
func (s *Sender) carryOut(ctx context.Context, m bus.Message, command *eventv1.KarteCommand) (delivered int, took *eventv1.Effort, err error) {
	if err := known(m, command); err != nil {
		return 0, &eventv1.Effort{}, err
	}
	parts := s.parts(command)
	checkpoint := s.checkpoint(m)
	before, err := s.before(ctx, checkpoint, m, command)
	took = before.took
	if err != nil {
		return 0, took, stay(err)
	}
	switch before.state {
	case bus.Done:
		return len(parts), took, s.again(ctx, checkpoint, m, command)
	case bus.Aside:
		return before.part, took, s.aside(ctx, checkpoint, m, command)
	default:
	}
	if over, err := s.over(ctx, m, command); err != nil {
		return before.part, took, stay(err)
	} else if over {
		return len(parts), took, nil
	}
	for i := before.part; i < len(parts); i++ {
		// Of a held or replayed command any part may have arrived, of an interrupted one only the noted part.
		if before.state == bus.Uncertain && (m.Held || command.GetReplay() || i == before.part) {
			there, err := s.find(ctx, m, command, parts[:i+1], before.since)
			s.looked(ctx, took, there, err)
			if _, permanent := retry.Reason(err); err != nil && !permanent {
				err = retry.Unknown(err) // as unknown as it was before it was looked for
			}
			if err != nil {
				return i, took, err
			}
			if there {
				s.count(command, "found")
				continue
			}
		}
		if err := s.note(ctx, checkpoint, m, i, took); err != nil {
			return i, took, stay(err) // perhaps another replica is at it
		}
		if err := s.callNoted(ctx, checkpoint, command, parts[i], took); err != nil {
			return i, took, err
		}
		ctx = context.WithoutCancel(ctx) // what is begun is finished by a replica that stops, too
	}
	return len(parts), took, nil
}

// known tells whether it is known for whom a text is: only what says that it is for the customer is sent to the customer. Another kind is left to the next version.
func known(m bus.Message, command *eventv1.KarteCommand) error {
	switch kind := command.GetKind(); {
	case kind == eventv1.ReplyKind_REPLY_KIND_MESSAGE, kind == eventv1.ReplyKind_REPLY_KIND_NOTE:
		return nil
	case kind != eventv1.ReplyKind_REPLY_KIND_UNSPECIFIED, bus.Unread(command):
		return bus.NotYet(m, "a command")
	}
	return retry.Malformed(fmt.Errorf("command %s says neither message nor note", command.GetId()))
}

// stay keeps a command in its partition, whose checkpoint knows what it went through.
func stay(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", bus.ErrStay, err)
}

// watchParking keeps the metric of parking: whatever else KARTE answers, it took the credential.
func (s *Sender) watchParking(err error) {
	switch _, permanent := retry.Reason(err); {
	case errors.Is(err, retry.ErrParked):
		s.metrics.parked.Set(1)
	case err == nil, permanent:
		s.metrics.parked.Set(0)
	}
}

// errElsewhere is met while another replica may be at the same command.
var errElsewhere = errors.New("another replica may be sending it")

// past is what is known of a command when it is handed out.
type past struct {
	state bus.State
	// part is from which part on it may have been attempted, and since when that was.
	part  int
	since time.Time
	// took is what it took so far, where that is kept.
	took *eventv1.Effort
}

// before answers whether a command may have been attempted before.
func (s *Sender) before(ctx context.Context, checkpoint *bus.Checkpoint, m bus.Message, command *eventv1.KarteCommand) (past, error) {
	p := past{since: command.GetIssuedAt().AsTime(), took: &eventv1.Effort{}}
	note, err := checkpoint.At(ctx, m)
	if err != nil {
		return p, err
	}
	if own := note.GetSequence() == m.Sequence || m.Held && note.GetSequence() > 0; own {
		if over, err := s.elsewhere(ctx, checkpoint, note, m, command); err != nil || over {
			p.state = bus.Done
			return p, err
		}
	}
	p.took, p.state = effort.Recall(note, m.Sequence), bus.StateOf(note, m.Sequence)
	switch {
	case p.state == bus.Aside && !m.Held:
	case m.Held || command.GetReplay():
		p.state = bus.Untried
		if m.Attempted || command.GetReplay() || note.GetSequence() > 0 {
			p.state = bus.Uncertain
		}
	case p.state == bus.Uncertain:
		p.part, p.since = int(note.GetPart()), note.GetAttemptedAt().AsTime()
	}
	return p, nil
}

// elsewhere waits for another replica that may be at a command, unless it was reported: that JetStream did not hear what became of it is likelier.
func (s *Sender) elsewhere(ctx context.Context, checkpoint *bus.Checkpoint, note *eventv1.Checkpoint, m bus.Message, command *eventv1.KarteCommand) (over bool, err error) {
	left := checkpoint.Elsewhere(note, s.Now(), s.CallTime)
	if left <= 0 {
		return false, nil
	}
	over, err = s.over(ctx, m, command)
	if err != nil || over {
		return over, err
	}
	return false, retry.After(left, errElsewhere)
}

// note writes the attempt down before it is made.
func (s *Sender) note(ctx context.Context, checkpoint *bus.Checkpoint, m bus.Message, part int, took *eventv1.Effort) error {
	effort.Tried(took, s.Now())
	return checkpoint.Note(ctx, &eventv1.Checkpoint{
		Sequence: m.Sequence, Part: uint32(part), AttemptedAt: timestamppb.New(s.Now()), Tried: m.Sequence, Effort: took, //nolint:gosec // part is small
	})
}

// checkpoint answers the note of the message's partition; a held message has one of its own.
func (s *Sender) checkpoint(m bus.Message) *bus.Checkpoint {
	if m.Held {
		return s.Bus.NewCheckpoint("send.held." + bus.Token(m.Subject))
	}
	partition := strings.Split(m.Subject, ".")[1]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checkpoints[partition] == nil {
		s.checkpoints[partition] = s.Bus.NewCheckpoint("send." + partition)
	}
	return s.checkpoints[partition]
}

// callNoted makes the call that was just noted.
func (s *Sender) callNoted(ctx context.Context, checkpoint *bus.Checkpoint, command *eventv1.KarteCommand, text string, took *eventv1.Effort) error {
	ctx, cancel := checkpoint.Calling(ctx, s.CallTime)
	defer cancel()
	err := s.call(ctx, command, text)
	if err != nil {
		effort.Failed(took, err, s.Now()) // Ended writes it down as well
	}
	// Where it cannot be looked up, that a call is over means that it had no effect.
	if reason, _ := retry.Reason(err); err != nil && reason != eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN {
		checkpoint.Ended(ctx, err)
	}
	return err
}

func (s *Sender) call(ctx context.Context, command *eventv1.KarteCommand, text string) error {
	customer, do := customerID(command.GetCustomer()), s.KARTE.Send
	if command.GetKind() == eventv1.ReplyKind_REPLY_KIND_NOTE {
		do = s.KARTE.Note
	}
	err := do(ctx, customer, command.GetOperator(), text)
	s.count(command, result(err))
	if errors.Is(err, retry.ErrUnknown) {
		if !s.listed(command) {
			return retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, err)
		}
		// What KARTE may still be at work on would not be found yet.
		return retry.After(2*time.Second, err)
	}
	return err
}

// parts answers the texts of the calls that a command takes.
func (s *Sender) parts(command *eventv1.KarteCommand) []string {
	parts := split.Text(command.GetText(), s.TextLimit, nil)
	for i := range parts {
		parts[i] = defuse(parts[i])
	}
	return parts
}

func (s *Sender) listed(command *eventv1.KarteCommand) bool {
	if command.GetKind() == eventv1.ReplyKind_REPLY_KIND_NOTE {
		return s.History.Notes
	}
	return s.History.Messages
}

// partly says of a command whose first parts have arrived that its outcome is unknown, so that the next attempt looks for them;
// where they cannot be looked for, it ends here.
func (s *Sender) partly(command *eventv1.KarteCommand, delivered int, err error) error {
	if _, permanent := retry.Reason(err); permanent || delivered == 0 || errors.Is(err, bus.ErrStay) {
		return err
	}
	if !s.listed(command) {
		return retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, fmt.Errorf("only the first %d parts arrived: %w", delivered, err))
	}
	return retry.Unknown(err)
}

// enough is how many attempts go before a reply is given up, so that one which only waited in a backlog gets its chance.
const enough = 20

// exhausted makes err permanent when it has been tried for too long; what is parked waits for a person, however long.
func (s *Sender) exhausted(m bus.Message, command *eventv1.KarteCommand, err error) error {
	throttled := retry.Delay(err) > 0 && !errors.Is(err, retry.ErrUnknown)
	if _, permanent := retry.Reason(err); permanent || throttled || m.Deliveries < enough || errors.Is(err, retry.ErrParked) || errors.Is(err, context.Canceled) {
		return err
	}
	if age := s.Now().Sub(command.GetIssuedAt().AsTime()); age > s.GiveUp {
		return retry.Permanent(eventv1.FailureReason_FAILURE_REASON_EXHAUSTED, fmt.Errorf("tried for %v: %w", age.Round(time.Second), err))
	}
	return err
}

// outcome reports the end of a command. What was set aside is first reported as waiting, in case the replica that set it aside has
// not come to that yet: the mark of waiting goes with the outcome, and behind it would stay for ever.
func (s *Sender) outcome(ctx context.Context, m bus.Message, command *eventv1.KarteCommand, kind string, fact any) error {
	if m.Held {
		// What was reported before it came to HELD was not waiting.
		reported, err := s.reported(ctx, m, command)
		if err != nil || reported {
			return err
		}
		if err := s.reportWaiting(ctx, m.Subject, command, nil); err != nil {
			return err
		}
	}
	return s.report(ctx, m.Subject, command, kind, fact)
}

func (s *Sender) reportWaiting(ctx context.Context, subject string, command *eventv1.KarteCommand, took *eventv1.Effort) error {
	return s.report(ctx, subject, command, "waiting", &eventv1.TalkFact_ReplyWaiting{ReplyWaiting: &eventv1.ReplyWaiting{
		CommandId: command.GetId(), Origin: command.GetOrigin(), Effort: took,
	}})
}

// report publishes what became of the command at subject, once.
func (s *Sender) report(ctx context.Context, subject string, command *eventv1.KarteCommand, kind string, fact any) error {
	message := &eventv1.TalkFact{
		Id: reportID(kind, subject, command), Project: command.GetProject(), Customer: command.GetCustomer(),
		OccurredAt: timestamppb.New(s.Now()), ReceivedAt: timestamppb.New(s.Now()),
	}
	switch f := fact.(type) {
	case *eventv1.TalkFact_ReplyDelivered:
		f.ReplyDelivered.Operator, f.ReplyDelivered.Conversation = command.GetOperator(), command.GetConversation()
		message.Fact = f
	case *eventv1.TalkFact_ReplyFailed:
		f.ReplyFailed.Operator, f.ReplyFailed.Conversation = command.GetOperator(), command.GetConversation()
		message.Fact = f
	case *eventv1.TalkFact_ReplyWaiting:
		message.Fact = f
	}
	_, err := s.Bus.Once(ctx, bus.Talk, s.reportSubject(command, kind, subject), message)
	return err
}

// reportSubject answers where the command at subject is reported.
func (s *Sender) reportSubject(command *eventv1.KarteCommand, kind, subject string) string {
	return bus.TalkSubject(s.Bus.Partitions(), command.GetProject(), command.GetConversation(), kind, reportID(kind, subject, command))
}

// reportID makes the id of a report. A command can be given up and replayed more than once; each time it has a subject of its own, and so
// reports of its own.
func reportID(kind, subject string, command *eventv1.KarteCommand) string {
	id := kind + "-" + command.GetId()
	if replayed(subject, command) {
		id += "-replay-" + token(subject)
	}
	return id
}

// replayed reports whether the command at subject was a dead letter, whether or not a person has said that it was not done.
func replayed(subject string, command *eventv1.KarteCommand) bool {
	return token(subject) != bus.Token(command.GetId())
}

// token is the last one of a subject.
func token(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// Waiting reports that a command was set aside; it is a Holder's OnHeld.
func (s *Sender) Waiting(ctx context.Context, m bus.Message, cause error) {
	var command eventv1.KarteCommand
	if proto.Unmarshal(m.Data, &command) != nil || command.GetChange() != nil { // the card shows that a change is pending
		return
	}
	// What is settled and only handed out again does not wait, and nothing would take the mark away.
	if reported, err := s.reported(ctx, m, &command); reported || err != nil {
		return
	}
	if err := s.reportWaiting(ctx, m.Subject, &command, effort.Behind(cause)); err != nil {
		s.Log.WarnContext(ctx, "waiting not reported", "command", command.GetId(), "err", err)
	}
}

// tellParked tells the admins, at most once an hour, that KARTE refuses the project's credential.
func (s *Sender) tellParked(ctx context.Context, cause error) error {
	id := "parked-" + s.Project + "-" + s.Now().UTC().Format("2006-01-02T15")
	_, err := s.Bus.Once(ctx, bus.Talk, bus.TalkSubject(s.Bus.Partitions(), s.Project, "project", "parked", id), &eventv1.TalkFact{
		Id: id, Project: s.Project, OccurredAt: timestamppb.New(s.Now()), ReceivedAt: timestamppb.New(s.Now()),
		Fact: &eventv1.TalkFact_ProjectParked{ProjectParked: &eventv1.ProjectParked{Detail: detail(cause)}},
	})
	return err
}

func (s *Sender) count(command *eventv1.KarteCommand, result string) {
	kind := "message"
	if command.GetKind() == eventv1.ReplyKind_REPLY_KIND_NOTE {
		kind = "note"
	}
	s.metrics.calls.WithLabelValues(kind, result).Inc()
}

func result(err error) string {
	_, permanent := retry.Reason(err)
	switch {
	case err == nil:
		return "ok"
	case permanent:
		return "rejected"
	case errors.Is(err, retry.ErrUnknown):
		return "unknown"
	case errors.Is(err, retry.ErrParked):
		return "parked"
	case errors.Is(err, retry.ErrThrottled):
		return "throttled"
	}
	return "later"
}

func customerID(c *eventv1.Customer) string {
	if c.GetUserId() != "" {
		return c.GetUserId()
	}
	return c.GetVisitorId()
}

// card is a text that KARTE's chat would show as a card: one JSON object in back quotes and nothing else.
var card = regexp.MustCompile("(?s)^\\s*`\\s*\\{.*\\}\\s*`\\s*$")

// defuse keeps a text from being taken for a card, with an invisible character in front.
func defuse(text string) string {
	if card.MatchString(text) {
		return "\u200b" + text
	}
	return text
}
