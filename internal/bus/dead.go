package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

var (
	// ErrNoLetter is answered when DEAD has no letter of that number, or no longer.
	ErrNoLetter = errors.New("no such dead letter")
	// ErrNotReplayable is answered when a letter's message cannot be understood, so that nobody could carry it out.
	ErrNotReplayable = errors.New("the message cannot be understood")
	// ErrTooOld is answered when a fact is older than what recognises the repeats of its commands: replaying it could do twice what was done.
	ErrTooOld = errors.New("what the message has already caused would not be recognised any more")
)

// Letter is a letter of DEAD with its number there, which never changes and is never used again.
type Letter struct {
	Number uint64
	*eventv1.DeadLetter
}

// Letters answers up to limit letters with a number below before (0: all), the latest first.
func (b *Bus) Letters(ctx context.Context, before uint64, limit int) ([]Letter, error) {
	handle, err := b.js.Stream(ctx, Dead)
	if err != nil {
		return nil, fmt.Errorf("look into DEAD: %w", err)
	}
	first, end := handle.CachedInfo().State.FirstSeq, handle.CachedInfo().State.LastSeq+1
	if before > 0 {
		end = min(end, before)
	}
	var letters []Letter
	// JetStream reads forwards only: each window further back is twice as wide, so that what was deleted costs little.
	for width := uint64(max(limit, 1)); end > first && len(letters) < limit; width *= 2 {
		begin := first
		if end-first > width {
			begin = end - width
		}
		part, err := b.between(ctx, handle, begin, end)
		if err != nil {
			return nil, err
		}
		slices.Reverse(part)
		letters, end = append(letters, part...), begin
	}
	return letters[:min(limit, len(letters))], nil
}

// between answers the letters with numbers from begin to below end, in their order.
func (b *Bus) between(ctx context.Context, handle jetstream.Stream, begin, end uint64) (letters []Letter, err error) {
	for next := begin; next < end; {
		raw, err := handle.GetMsg(ctx, next, jetstream.WithGetMsgSubject("dead.>"))
		if errors.Is(err, jetstream.ErrMsgNotFound) || (err == nil && raw.Sequence >= end) {
			return letters, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look into DEAD: %w", err)
		}
		letters = append(letters, letterOf(raw))
		next = raw.Sequence + 1
	}
	return letters, nil
}

// letterOf never fails: a letter that cannot be read is shown as what it is.
func letterOf(raw *jetstream.RawStreamMsg) Letter {
	letter := Letter{Number: raw.Sequence, DeadLetter: &eventv1.DeadLetter{}}
	if err := proto.Unmarshal(raw.Data, letter.DeadLetter); err != nil {
		letter.DeadLetter = &eventv1.DeadLetter{Reason: eventv1.FailureReason_FAILURE_REASON_MALFORMED, Cause: "the letter itself cannot be read", Payload: raw.Data}
	}
	return letter
}

// Letter answers one; ErrNoLetter when it is not there.
func (b *Bus) Letter(ctx context.Context, number uint64) (Letter, error) {
	handle, err := b.stream(ctx, Dead)
	if err != nil {
		return Letter{}, err
	}
	raw, err := handle.GetMsg(ctx, number)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Letter{}, fmt.Errorf("letter %d: %w", number, ErrNoLetter)
	}
	if err != nil {
		return Letter{}, fmt.Errorf("look at letter %d: %w", number, err)
	}
	return letterOf(raw), nil
}

// letterDepth bounds how many letters are looked at for one that is looked for by its content, and letterStep how many at once.
const letterDepth, letterStep = 5000, 100

// LetterOf answers the latest letter of a stream whose message has the id; ErrNoLetter when there is none among the latest few thousand.
func (b *Bus) LetterOf(ctx context.Context, stream, id string) (Letter, error) {
	before := uint64(0)
	for looked := 0; looked < letterDepth; looked += letterStep {
		letters, err := b.Letters(ctx, before, letterStep)
		if err != nil {
			return Letter{}, err
		}
		for _, letter := range letters {
			if letter.GetStream() == stream && letter.GetId() == id {
				return letter, nil
			}
			before = letter.Number
		}
		if len(letters) < letterStep {
			break
		}
	}
	return Letter{}, fmt.Errorf("letter of %s: %w", id, ErrNoLetter)
}

// Discard removes a letter for good, content and all. One that is gone already is no error.
func (b *Bus) Discard(ctx context.Context, number uint64) error {
	handle, err := b.stream(ctx, Dead)
	if err != nil {
		return err
	}
	if err := handle.SecureDeleteMsg(ctx, number); err != nil {
		if _, look := b.Letter(ctx, number); errors.Is(look, ErrNoLetter) {
			return nil
		}
		return fmt.Errorf("delete letter %d: %w", number, err)
	}
	return nil
}

// Identified is a fact or a command.
type Identified interface {
	proto.Message
	GetId() string
}

// Content decodes the message of a letter; ErrNotReplayable when it is none of ours, or not whole.
func Content(letter *eventv1.DeadLetter) (Identified, error) {
	var content Identified
	var whole func() bool
	switch letter.GetStream() {
	case Talk:
		fact := &eventv1.TalkFact{}
		content, whole = fact, func() bool { return fact.GetFact() != nil }
	case Slack:
		fact := &eventv1.SlackFact{}
		content, whole = fact, func() bool { return fact.GetFact() != nil }
	case Posts:
		command := &eventv1.SlackCommand{}
		content, whole = command, func() bool { return command.GetCommand() != nil }
	case Sends:
		command := &eventv1.KarteCommand{}
		content, whole = command, func() bool { return command.GetProject() != "" && command.GetConversation() != "" }
	default:
		return nil, fmt.Errorf("a letter from %q: %w", letter.GetStream(), ErrNotReplayable)
	}
	if err := proto.Unmarshal(letter.GetPayload(), content); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotReplayable, err)
	}
	if content.GetId() == "" || !whole() {
		return nil, ErrNotReplayable
	}
	return content, nil
}

// replayID makes the id under which a letter's message is tried again: from the letter's number, so that trying the same letter twice
// is refused as a repeat, and another letter of the same message is not.
func replayID(id string, number uint64) string {
	return id + "#replay-" + strconv.FormatUint(number, 10)
}

// Replay lets the message of a letter be done again, and removes the letter; subject is where it waits. Commands go to their own queue
// and are marked, so that whoever carries them out looks first for what is done already; with notDone they are not. Facts go to the
// queue of their customer in HELD; what they have already caused is refused as a repeat, and where that is no longer so, ErrTooOld is
// answered unless notDone is set. After an error it may be called again.
func (b *Bus) Replay(ctx context.Context, number uint64, notDone bool) (subject string, err error) {
	letter, err := b.Letter(ctx, number)
	if err != nil {
		return "", err
	}
	revived, err := b.revive(ctx, letter, notDone)
	if err != nil {
		return "", fmt.Errorf("letter %d: %w", number, err)
	}
	if _, err := b.once(ctx, revived.stream, revived.subject, revived.data, revived.origin); err != nil {
		return "", fmt.Errorf("replay letter %d: %w", number, err)
	}
	return revived.subject, b.Discard(ctx, number)
}

// revived is a message that is about to be tried again.
type revived struct {
	stream, subject string
	data            []byte
	origin          nats.Header
}

func (b *Bus) revive(ctx context.Context, letter Letter, notDone bool) (revived, error) {
	content, err := Content(letter.DeadLetter)
	if err != nil {
		return revived{}, err
	}
	id := replayID(content.GetId(), letter.Number)
	switch c := content.(type) {
	case *eventv1.KarteCommand:
		c.Replay = !notDone
		return again(Sends, SendSubject(b.Partitions(), c.GetProject(), c.GetConversation(), id), c)
	case *eventv1.SlackCommand:
		lane, ok := laneOf(letter.GetSubject())
		if !ok {
			return revived{}, fmt.Errorf("no lane in subject %s: %w", letter.GetSubject(), ErrNotReplayable)
		}
		c.Replay = !notDone
		if err := b.NewLaneRegistry().Register(ctx, lane); err != nil {
			return revived{}, err
		}
		return again(Posts, lane.Subject(id), c)
	case *eventv1.TalkFact:
		return reviveFact(letter, c.GetReceivedAt().AsTime(), parkedRetention, notDone)
	case *eventv1.SlackFact:
		return reviveFact(letter, c.GetReceivedAt().AsTime(), Retention, notDone)
	}
	return revived{}, ErrNotReplayable
}

func again(stream, subject string, command proto.Message) (revived, error) {
	data, err := proto.Marshal(command)
	if err != nil {
		return revived{}, fmt.Errorf("marshal %s: %w", subject, err)
	}
	return revived{stream: stream, subject: subject, data: data}, nil
}

// reviveFact puts a fact behind what waits of its customer; known is how long a repeat of its commands is recognised.
func reviveFact(letter Letter, received time.Time, known time.Duration, notDone bool) (revived, error) {
	lane, ok := HeldLaneOf(letter.GetSubject())
	if !ok {
		return revived{}, fmt.Errorf("no customer in subject %s: %w", letter.GetSubject(), ErrNotReplayable)
	}
	if !notDone && time.Since(received) > known {
		return revived{}, fmt.Errorf("received on %s: %w", received.Format(time.DateOnly), ErrTooOld)
	}
	origin := originOf(Message{Stream: letter.GetStream(), Subject: letter.GetSubject(), Sequence: letter.GetSequence()})
	origin.Set(headerLetter, strconv.FormatUint(letter.Number, 10))
	return revived{stream: Held, subject: lane.Subject(replayID(letter.GetSubject(), letter.Number)), data: letter.GetPayload(), origin: origin}, nil
}

// laneOf answers the lane of a command's subject.
func laneOf(subject string) (Lane, bool) {
	return ParseLane(subject[:max(strings.LastIndexByte(subject, '.'), 0)])
}
