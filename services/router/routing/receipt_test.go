package routing_test

import (
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// An ingest-karte stands still after KARTE took a reply and before it tells so. Another one, to which KARTE does not answer now, sets the reply aside and tells that it waits, or
// gives it up. Then the first one goes on and tells that it is delivered, and that it did not wait.
func TestPromise5AReceiptReplacesWhatAnotherReplicaReported(t *testing.T) {
	const waiting, delivered, failed = "waiting", "delivered", "failed"
	for name, order := range map[string][]string{
		"waiting, delivered":         {waiting, delivered},
		"delivered, waiting":         {delivered, waiting},
		"waiting, failed":            {waiting, failed},
		"failed, waiting":            {failed, waiting},
		"failed, delivered":          {failed, delivered},
		"delivered, failed":          {delivered, failed},
		"waiting, failed, delivered": {waiting, failed, delivered},
		"delivered":                  {delivered},
		"waiting":                    {waiting},
		"failed":                     {failed},
	} {
		for when, together := range map[string]bool{"each before the next is told": false, "when all are told": true} {
			t.Run(name+", handled "+when, func(t *testing.T) {
				d := newDesk(t)
				for _, kind := range order {
					if together {
						d.report(kind)
					}
				}
				for _, kind := range order {
					d.handle(d.report(kind))
				}
				want := order[len(order)-1]
				if order[0] == delivered || order[0] == failed && want == waiting {
					want = order[0]
				}
				if got := d.shown(); len(got) != 1 || !got[map[string]eventv1.Receipt{
					waiting: eventv1.Receipt_RECEIPT_WAITING, delivered: eventv1.Receipt_RECEIPT_SENT, failed: eventv1.Receipt_RECEIPT_FAILED,
				}[want]] {
					t.Errorf("the line has %v", got)
				}
			})
		}
	}
}

// report stores what is reported of one command, once, where ingest-karte does.
func (d *desk) report(kind string) bus.Message {
	d.t.Helper()
	origin := &eventv1.SlackMessageRef{Team: team, Channel: channel, ThreadTs: "1700000000.000100", Ts: "1700000001.000100", Member: hanako}
	fact := &eventv1.TalkFact{Id: kind + "-reply-1", Project: project, Customer: &eventv1.Customer{VisitorId: "vis-1"}, OccurredAt: timestamppb.Now(), ReceivedAt: timestamppb.Now()}
	switch kind {
	case "waiting":
		fact.Fact = &eventv1.TalkFact_ReplyWaiting{ReplyWaiting: &eventv1.ReplyWaiting{CommandId: "reply-1", Origin: origin}}
	case "delivered":
		fact.Fact = &eventv1.TalkFact_ReplyDelivered{ReplyDelivered: &eventv1.ReplyDelivered{CommandId: "reply-1", Origin: origin, Kind: eventv1.ReplyKind_REPLY_KIND_MESSAGE}}
	case "failed":
		fact.Fact = &eventv1.TalkFact_ReplyFailed{ReplyFailed: &eventv1.ReplyFailed{CommandId: "reply-1", Origin: origin, Reason: eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN}}
	}
	m := wire(d.t, fact)
	m.Subject = bus.TalkSubject(4, project, "conversation-1", kind, fact.GetId())
	if _, err := d.Once(d.t.Context(), bus.Talk, m.Subject, fact); err != nil {
		d.t.Fatal(err)
	}
	return m
}

func (d *desk) handle(m bus.Message) {
	d.t.Helper()
	if err := d.router.Talk(d.t.Context(), m); err != nil {
		d.t.Fatal(err)
	}
}

// shown answers the receipts that a line has in the end.
func (d *desk) shown() map[eventv1.Receipt]bool {
	has := map[eventv1.Receipt]bool{}
	for _, reaction := range d.reactions() {
		has[reaction.GetReceipt()] = true
		for receipt, replaced := range map[eventv1.Receipt]bool{
			eventv1.Receipt_RECEIPT_WAITING: reaction.GetReplacesWaiting(), eventv1.Receipt_RECEIPT_FAILED: reaction.GetReplacesFailed(),
		} {
			if replaced {
				delete(has, receipt)
			}
		}
	}
	return has
}
