package app

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

func TestTheLastLinesBeforeATimeAreAnsweredOldestFirst(t *testing.T) {
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	entries := []karte.Entry{ // in no order, because none is documented
		{Text: "at the time", Date: noon}, {Text: "third", Date: at(-1), Sender: "bot-1", Name: "案内"}, {Text: "first", Date: at(-3)},
		{Text: "later", Date: at(1)}, {Date: at(-4)}, {Image: true, Date: at(-2), Sender: "op1"}, {Text: "too old", Date: at(-9)},
	}
	got := historyOf(entries, nil, &eventv1.HistoryRequest{Before: timestamppb.New(noon), Limit: 3})
	if got.GetError() != "" || len(got.GetEntries()) != 3 {
		t.Fatalf("got %v", got)
	}
	first, second, third := got.GetEntries()[0], got.GetEntries()[1], got.GetEntries()[2]
	if first.GetText() != "first" || first.GetOperator() != nil || !first.GetOccurredAt().AsTime().Equal(at(-3)) {
		t.Errorf("first: %v", first)
	}
	if !second.GetImage() || second.GetText() != "" || second.GetOperator().GetId() != "op1" || second.GetOperator().GetBot() {
		t.Errorf("second: %v", second)
	}
	if third.GetText() != "third" || third.GetOperator().GetName() != "案内" || !third.GetOperator().GetBot() {
		t.Errorf("third: %v", third)
	}
}

func TestWhatKARTERefusesIsNotAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		refused bool
	}{
		"the scope is missing": {retry.Parked(karte.ErrScope), true}, "it does not like the customer": {retry.Rejected(errors.New("400")), true},
		"too many calls": {retry.After(time.Second, errors.New("429")), false}, "no answer": {retry.Unknown(errors.New("timeout")), false},
		"a shape that cannot be read": {errors.New("read the answer"), false},
	} {
		if got := historyOf(nil, c.err, &eventv1.HistoryRequest{}); got.GetError() == "" || got.GetRefused() != c.refused {
			t.Errorf("%s: %v", name, got)
		}
	}
}
