package send

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// skew is how far the clocks of KARTE and of any replica of ours may be apart: two minutes, and what KARTE's dates are rounded by.
const skew = 2*time.Minute + 10*time.Second

// find looks whether the last of parts has arrived at KARTE. KARTE gives its messages no ids, so lines are counted: of those with
// this text and sender since the first attempt, how many are there that nothing else sent explains?
func (s *Sender) find(ctx context.Context, m bus.Message, command *eventv1.KarteCommand, parts []string, since time.Time) (bool, error) {
	if !s.listed(command) {
		return s.unlisted(ctx, m, command, parts)
	}
	text := parts[len(parts)-1]
	entries, err := s.KARTE.History(ctx, customerID(command.GetCustomer()), s.HistoryLimit)
	if err != nil {
		return false, unseenAt(command, err)
	}
	// Twice, so that of what was sent shortly before the attempt it is certain that its line is among those that are counted.
	since = since.Add(-2 * skew)
	seen, odd, reaches := s.seen(command, text, entries, since)
	explained, perhaps := 0, 0
	if seen > 0 {
		if s.Now().Sub(since) > bus.Retention {
			// What else was sent since then is not known any more: the line may be another command's.
			return false, ambiguous(command)
		}
		if explained, perhaps, err = s.earlier(ctx, m, command, text, since); err != nil {
			return false, err
		}
		explained += count(parts[:len(parts)-1], text)
	}
	switch {
	case seen > explained+perhaps:
		return true, nil
	case seen > explained, odd:
		return false, ambiguous(command)
	case !reaches:
		return false, retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, fmt.Errorf("command %s: KARTE's history does not reach back to the attempt", command.GetId()))
	}
	return false, nil
}

// unseenAt is the error of a look that failed. That KARTE refuses the look says nothing of what was sent.
func unseenAt(command *eventv1.KarteCommand, err error) error {
	err = fmt.Errorf("look for %s at KARTE: %w", command.GetId(), err)
	if _, permanent := retry.Reason(err); permanent {
		return retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, err)
	}
	return err
}

// seen counts the lines with this text and sender since a time. odd says that there is one that may be another's or older: without a readable date, or, of a bot,
// without a sender. reaches says that the history begins before that time.
func (s *Sender) seen(command *eventv1.KarteCommand, text string, entries []karte.Entry, since time.Time) (n int, odd, reaches bool) {
	reaches = len(entries) < s.HistoryLimit
	for _, entry := range entries {
		dated := !entry.Date.IsZero()
		old := dated && entry.Date.Before(since)
		reaches = reaches || old
		unsigned := entry.Sender == "" && strings.HasPrefix(command.GetOperator(), "bot-")
		switch mine := entry.Sender == command.GetOperator(); {
		case old || !mine && !unsigned || !sameText(entry.Text, text):
		case mine && dated:
			n++
		default:
			odd = true
		}
	}
	return n, odd, reaches
}

// sameText compares what was sent with what KARTE shows of it, which need not have kept the white space around it: parts of a long text end in some.
func sameText(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// earlier counts the same text in earlier commands to the same customer that were delivered since; perhaps are those of which our clocks and
// KARTE's do not say on which side they are.
func (s *Sender) earlier(ctx context.Context, m bus.Message, command *eventv1.KarteCommand, text string, since time.Time) (surely, perhaps int, err error) {
	filter := bus.SendFilter(command.GetProject(), command.GetConversation())
	before, err := s.Bus.Before(ctx, bus.Sends, filter, m.Subject)
	if err != nil {
		return 0, 0, err
	}
	for _, other := range before {
		var earlier eventv1.KarteCommand
		if bus.Decode(other, &earlier) != nil || earlier.GetOperator() != command.GetOperator() || !s.listed(&earlier) {
			continue
		}
		if earlier.GetId() == command.GetId() {
			continue // of the same command, given up or replayed: its lines are the ones that are looked for
		}
		same := count(s.parts(&earlier), text)
		if same == 0 {
			continue
		}
		var fact eventv1.TalkFact
		delivered, err := s.Bus.Find(ctx, bus.Talk, s.reportSubject(&earlier, "delivered", other.Subject), &fact)
		if err != nil {
			return 0, 0, err
		}
		behind := fact.GetOccurredAt().AsTime().Sub(since)
		if !delivered || behind < -skew {
			continue
		}
		if fact.GetReplyDelivered().GetReplayed() && earlier.GetIssuedAt().AsTime().Before(since) {
			// Its replay may have found a line that is older than those that are counted.
			return 0, 0, ambiguous(command)
		}
		if behind > skew {
			surely += same
		} else {
			perhaps += same
		}
	}
	return surely, perhaps, nil
}

func ambiguous(command *eventv1.KarteCommand) error {
	return retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, fmt.Errorf("command %s: KARTE has such a line, which may be another command's", command.GetId()))
}

func count(parts []string, text string) (n int) {
	for _, part := range parts {
		if sameText(part, text) {
			n++
		}
	}
	return n
}
