package routing

import (
	"context"
	"strings"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// receipt shows on the operator's line what became of it at KARTE.
func (r *Router) receipt(ctx context.Context, m bus.Message, fact *eventv1.TalkFact, team *settingsv1.TeamSettings) error {
	others, err := r.reports(ctx, m, fact)
	if err != nil {
		return err
	}
	if others.overrule(fact) {
		r.decided("ignored: reported otherwise")
		return nil
	}
	if originOf(fact).GetTs() == "" {
		return r.composedReceipt(ctx, fact, team)
	}
	reaction := reactionTo(fact)
	reaction.ReplacesWaiting = reaction.GetReplacesWaiting() || others.waiting
	reaction.ReplacesFailed = reaction.GetReplacesFailed() || others.failed
	if failed := fact.GetReplyFailed(); failed != nil {
		if err := r.failed(ctx, fact, failed, team); err != nil {
			return err
		}
	}
	return r.toSlack(ctx, bus.MarkLane, &eventv1.SlackCommand{
		Id: "receipt-" + fact.GetId(), Team: reaction.GetTarget().GetTeam(), Channel: reaction.GetTarget().GetChannel(),
		Command: &eventv1.SlackCommand_Reaction{Reaction: reaction},
	})
}

// reactionTo is the reaction that says what a report says.
func reactionTo(fact *eventv1.TalkFact) *eventv1.Reaction {
	reaction := &eventv1.Reaction{Target: originOf(fact)}
	switch f := fact.GetFact().(type) {
	case *eventv1.TalkFact_ReplyWaiting:
		reaction.Receipt = eventv1.Receipt_RECEIPT_WAITING
	case *eventv1.TalkFact_ReplyDelivered:
		reaction.ReplacesWaiting, reaction.ReplacesFailed = f.ReplyDelivered.GetWaited(), f.ReplyDelivered.GetReplayed()
		reaction.Receipt, reaction.ReplacesNoted = eventv1.Receipt_RECEIPT_SENT, onPurpose(f.ReplyDelivered.GetCommandId())
		if f.ReplyDelivered.GetKind() == eventv1.ReplyKind_REPLY_KIND_NOTE {
			reaction.Receipt, reaction.ReplacesNoted = eventv1.Receipt_RECEIPT_NOTED, false
		}
	case *eventv1.TalkFact_ReplyFailed:
		reaction.Receipt, reaction.ReplacesWaiting = eventv1.Receipt_RECEIPT_FAILED, f.ReplyFailed.GetWaited()
	}
	return reaction
}

// reports are what else is reported of the command that a report is about. Whoever stood still, or was cut off from NATS, after KARTE's answer reports that a reply is delivered
// without having waited, when another replica, to which KARTE did not answer, has reported that it waits, or that it was given up.
type reports struct{ waiting, delivered, failed bool }

// reports looks for them in the stream. What is reported later finds the earlier one there, so that one of the two takes the other into account.
func (r *Router) reports(ctx context.Context, m bus.Message, fact *eventv1.TalkFact) (others reports, err error) {
	kind, command, _ := strings.Cut(fact.GetId(), "-")
	for other, told := range map[string]*bool{"waiting": &others.waiting, "delivered": &others.delivered, "failed": &others.failed} {
		subject, ok := bus.TalkBeside(m.Subject, other, other+"-"+command)
		if !ok || other == kind {
			continue
		}
		if *told, err = r.stored.Find(ctx, bus.Talk, subject, &eventv1.TalkFact{}); err != nil {
			return others, err
		}
	}
	return others, nil
}

// overrule tells whether a report is not to be shown: nothing waits that has ended, and what KARTE has is delivered, whoever gave it up.
func (o reports) overrule(fact *eventv1.TalkFact) bool {
	return fact.GetReplyWaiting() != nil && (o.delivered || o.failed) || fact.GetReplyFailed() != nil && o.delivered
}
