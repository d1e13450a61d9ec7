// Package audit keeps who did what: each change through the API, each message sent to a customer, each change of a conversation.
package audit

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Publisher stores a message once within a time limit.
type Publisher interface {
	OnceWithin(ctx context.Context, limit time.Duration, stream, subject string, message proto.Message) (duplicate bool, err error)
}

// patience is how long the answer to a change waits for its entry. It is longer than a new leader of the stream takes as a rule.
const patience = 2 * time.Second

// Recorder stores the entries of the API's calls.
//
// An entry is stored after the call has ended and before its answer goes out, because only then its result is known. A change that has been
// made is not undone for want of its entry, and the API is not closed while NATS is away, when it may be needed most: an entry that cannot be stored
// within two seconds is logged whole at error level, and counted, and the answer goes out. So is every other entry's content, as an
// ordinary log line; a process that is killed between a change and its entry leaves neither.
type Recorder struct {
	publisher Publisher
	log       *slog.Logger
	entries   *prometheus.CounterVec
}

// NewRecorder makes one.
func NewRecorder(publisher Publisher, log *slog.Logger, metrics prometheus.Registerer) *Recorder {
	r := &Recorder{publisher: publisher, log: log, entries: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "slacktalk_audit_entries_total",
		Help: "Audit entries of the API's calls: stored, or failed (then only in the log).",
	}, []string{"result"})}
	metrics.MustRegister(r.entries)
	for _, result := range []string{"stored", "failed"} {
		r.entries.WithLabelValues(result) // an alert compares with the value before
	}
	return r
}

// Record stores one entry under an id of its own. It returns when the entry is stored or given up, also if ctx has ended before.
func (r *Recorder) Record(ctx context.Context, entry *eventv1.AuditEntry) {
	entry.Id = strings.ToLower(rand.Text())
	_, err := r.publisher.OnceWithin(context.WithoutCancel(ctx), patience, bus.Audit, bus.AuditSubject(entry.GetProject(), entry.GetId()), entry)
	if err == nil {
		r.entries.WithLabelValues("stored").Inc()
		return
	}
	r.entries.WithLabelValues("failed").Inc()
	r.log.ErrorContext(ctx, "audit entry not stored", "err", err, "id", entry.GetId(), "project", entry.GetProject(), "time", entry.GetTime().AsTime(),
		"who", entry.GetActor(), "action", entry.GetAction(), "resource", entry.GetResource(), "result", entry.GetResult())
}

// OfReply makes the entry of a message or note that an operator wrote, from the fact that tells its end; nil for other facts. Its id is derived from
// the fact's, so that it is stored once however often the fact is handled.
func OfReply(fact *eventv1.TalkFact) *eventv1.AuditEntry {
	entry := &eventv1.AuditEntry{Id: "reply-" + fact.GetId(), Project: fact.GetProject(), Time: fact.GetOccurredAt()}
	var conversation string
	var kind eventv1.ReplyKind
	switch f := fact.GetFact().(type) {
	case *eventv1.TalkFact_ReplyDelivered:
		d := f.ReplyDelivered
		conversation, kind = d.GetConversation(), d.GetKind()
		entry.Actor, entry.Operator, entry.Result = d.GetOrigin().GetMember(), d.GetOperator(), "DELIVERED"
	case *eventv1.TalkFact_ReplyFailed:
		d := f.ReplyFailed
		conversation, kind = d.GetConversation(), d.GetKind()
		entry.Actor, entry.Operator = d.GetOrigin().GetMember(), d.GetOperator()
		entry.Result = strings.TrimPrefix(d.GetReason().String(), "FAILURE_REASON_")
	default:
		return nil
	}
	entry.Resource = "projects/" + fact.GetProject()
	if conversation != "" { // facts of versions before 0.2 do not tell it
		entry.Resource += "/conversations/" + conversation
	}
	if entry.Action = "message"; kind == eventv1.ReplyKind_REPLY_KIND_NOTE {
		entry.Action = "note"
	}
	return entry
}

// OfChange makes the entry of a change of a conversation that somebody asked for in Slack, from the fact that tells its end; nil for other facts. Like OfReply's it
// is stored once.
func OfChange(fact *eventv1.TalkFact) *eventv1.AuditEntry {
	entry := &eventv1.AuditEntry{Id: "change-" + fact.GetId(), Project: fact.GetProject(), Time: fact.GetOccurredAt(), Resource: "projects/" + fact.GetProject() + "/conversations/"}
	var change change
	switch f := fact.GetFact().(type) {
	case *eventv1.TalkFact_ChangeDone:
		change, entry.Result = f.ChangeDone, "DONE"
	case *eventv1.TalkFact_ChangeFailed:
		change, entry.Result = f.ChangeFailed, strings.TrimPrefix(f.ChangeFailed.GetReason().String(), "FAILURE_REASON_")
	default:
		return nil
	}
	entry.Resource += change.GetConversation()
	entry.Actor, entry.Operator = change.GetOrigin().GetMember(), change.GetOperator()
	entry.Assignee = change.GetAssignee().GetOperator().GetId()
	entry.Action = actionOf(change)
	return entry
}

// change is how a change of a conversation ended, one way or the other.
type change interface {
	GetConversation() string
	GetOrigin() *eventv1.SlackMessageRef
	GetOperator() string
	GetAssignee() *eventv1.AssigneeChange
	GetStatus() *eventv1.StatusChange
}

// actionOf names a change as its button does.
func actionOf(c change) string {
	to := c.GetAssignee().GetOperator().GetId()
	switch {
	case c.GetAssignee() != nil && to == "":
		return "unassign"
	case c.GetAssignee() != nil && to == c.GetOperator():
		return "claim"
	case c.GetAssignee() != nil:
		return "assign"
	case c.GetStatus().GetStatus() == eventv1.ChatStatus_CHAT_STATUS_CLOSED:
		return "resolve"
	case c.GetStatus().GetStatus() == eventv1.ChatStatus_CHAT_STATUS_OPEN:
		return "reopen"
	}
	return "status"
}

// name is an entry's resource name.
func name(entry *eventv1.AuditEntry) string {
	return fmt.Sprintf("projects/%s/auditEntries/%s", entry.GetProject(), bus.Token(entry.GetId()))
}
