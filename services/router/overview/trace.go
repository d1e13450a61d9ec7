package overview

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/conversation"
	"github.com/slacktalk/slacktalk/services/router/listing"
)

// Trace answers the way of a conversation's messages, the latest first, as far as the streams still know it.
func (o *Overview) Trace(ctx context.Context, project, id string, r *adminv1.TraceConversationRequest) (*adminv1.TraceConversationResponse, error) {
	list := "trace\x00" + r.GetName() + "\x00" + r.GetMessage()
	token, err := o.Pages.Open(ctx, list, r.GetPageToken())
	if err != nil {
		return nil, err
	}
	l, ok, err := o.Conversations.Get(ctx, project, id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("conversation %s: %w", id, conversation.ErrNotFound)
	}
	t := &trace{Overview: o, family: l.Family(), project: project, outcomes: map[string][]*eventv1.TalkFact{}, told: map[string][]*eventv1.SlackFact{}}
	if err := t.gather(ctx); err != nil {
		return nil, err
	}
	page := &adminv1.TraceConversationResponse{}
	facts := t.wanted(r.GetMessage(), token)
	for i, f := range facts {
		if i == listing.Size(r.GetPageSize()) {
			page.NextPageToken, err = o.Pages.Seal(ctx, list, facts[i-1].place())
			return page, err
		}
		shown, err := t.show(ctx, f)
		if err != nil {
			return nil, err
		}
		page.Messages = append(page.Messages, shown)
	}
	return page, nil
}

// trace is the work of one call.
type trace struct {
	*Overview
	family  conversation.Family
	project string
	facts   []fact
	// outcomes of replies, and what was told of posts, by the id of the command.
	outcomes map[string][]*eventv1.TalkFact
	told     map[string][]*eventv1.SlackFact
}

// fact is something that somebody wrote or did: what messages begin with.
type fact struct {
	bus.Message
	id, kind, ts       string
	happened, received *timestamppb.Timestamp
	edge, receiver     string
}

// place orders facts, and is where a page may end.
func (f fact) place() string { return fmt.Sprintf("%020d %s", f.StoredAt.UnixNano(), f.id) }

func (t *trace) gather(ctx context.Context) error {
	_, err := t.Bus.Scan(ctx, bus.Talk, "talk.*."+bus.ProjectToken(t.project)+".>", 1, func(m bus.Message) error {
		var f eventv1.TalkFact
		if proto.Unmarshal(m.Data, &f) == nil {
			t.talk(m, &f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var filters []string
	for _, at := range t.family.Threads {
		filters = append(filters, fmt.Sprintf("slack.*.%s.%s.%s.>", at.Team, at.Channel, bus.ThreadToken(at.TS)))
	}
	for _, at := range t.family.Channels() {
		filters = append(filters, fmt.Sprintf("slack.*.%s.%s.-.post-failed.>", at.Team, at.Channel))
	}
	for _, filter := range filters {
		_, err := t.Bus.Scan(ctx, bus.Slack, filter, 1, func(m bus.Message) error {
			var f eventv1.SlackFact
			if proto.Unmarshal(m.Data, &f) == nil {
				t.slack(m, &f)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *trace) talk(m bus.Message, f *eventv1.TalkFact) {
	if f.GetProject() != t.project || !t.family.Owns(f.GetCustomer()) {
		return
	}
	for _, outcome := range []interface{ GetCommandId() string }{f.GetReplyDelivered(), f.GetReplyFailed(), f.GetReplyWaiting()} {
		if id := outcome.GetCommandId(); id != "" {
			t.outcomes[id] = append(t.outcomes[id], f)
			return
		}
	}
	t.facts = append(t.facts, fact{
		Message: m, id: f.GetId(), kind: token(m.Subject, 4), happened: f.GetOccurredAt(), received: f.GetReceivedAt(), edge: "KARTE", receiver: "ingest-karte",
	})
}

func (t *trace) slack(m bus.Message, f *eventv1.SlackFact) {
	var ts string
	switch c := f.GetFact().(type) {
	case *eventv1.SlackFact_Posted:
		for _, id := range c.Posted.GetCommandIds() {
			t.told[id] = append(t.told[id], f)
		}
		return
	case *eventv1.SlackFact_PostFailed:
		t.told[c.PostFailed.GetCommandId()] = append(t.told[c.PostFailed.GetCommandId()], f)
		return
	case *eventv1.SlackFact_ReplyWritten:
		ts = c.ReplyWritten.GetTs()
	case *eventv1.SlackFact_ReplyEdited:
		ts = c.ReplyEdited.GetTs()
	case *eventv1.SlackFact_ReplyDeleted:
		ts = c.ReplyDeleted.GetTs()
	case *eventv1.SlackFact_MessageComposed:
	default:
		return // nobody's message
	}
	t.facts = append(t.facts, fact{
		Message: m, id: f.GetId(), kind: token(m.Subject, 5), ts: ts, happened: f.GetOccurredAt(), received: f.GetReceivedAt(), edge: "Slack", receiver: "slack-gateway",
	})
}

func token(subject string, n int) string {
	if parts := strings.Split(subject, "."); n < len(parts) {
		return parts[n]
	}
	return ""
}

// wanted answers the facts behind a place, the latest first, or those that message names: by their id, their ts, or the ts of the post that shows them.
func (t *trace) wanted(message, after string) (wanted []fact) {
	for _, f := range t.facts {
		if (message == "" || f.id == message || f.ts == message || t.shownAt(f.id, message)) && (after == "" || f.place() < after) {
			wanted = append(wanted, f)
		}
	}
	slices.SortFunc(wanted, func(a, b fact) int { return cmp.Compare(b.place(), a.place()) })
	return wanted
}

func (t *trace) shownAt(id, ts string) bool {
	return slices.ContainsFunc(t.told["post-"+id], func(f *eventv1.SlackFact) bool { return f.GetPosted().GetTs() == ts })
}

// way collects the hops of one message.
type way struct {
	*trace
	ctx  context.Context //nolint:containedctx // it lives as long as one call
	hops []*adminv1.Hop
	err  error
}

func (t *trace) show(ctx context.Context, f fact) (*adminv1.MessageTrace, error) {
	w := &way{trace: t, ctx: ctx}
	w.add("sent", f.happened, f.edge, f.ts)
	w.add("received", f.received, f.receiver, "")
	w.add("stored", timestamppb.New(f.StoredAt), f.Subject, "sequence "+strconv.FormatUint(f.Sequence, 10))
	w.setAside(f.Subject)
	switch {
	case f.Stream == bus.Talk:
		w.posted(f.id)
	case f.kind == "reply-written", f.kind == "message-composed":
		w.sent(f.id)
	}
	return &adminv1.MessageTrace{Id: f.id, Kind: f.kind, Hops: w.hops}, w.err
}

func (w *way) add(step string, at *timestamppb.Timestamp, place, detail string) {
	w.hops = append(w.hops, &adminv1.Hop{Step: step, Time: at, Place: place, Detail: detail})
}

// find adds a hop for the message at filter, and answers its subject; empty when there is none.
func (w *way) find(step, stream, filter, detail string) (subject string) {
	if w.err != nil {
		return ""
	}
	m, ok, err := w.Bus.Latest(w.ctx, stream, filter)
	if w.err = err; err != nil || !ok {
		return ""
	}
	w.add(step, timestamppb.New(m.StoredAt), m.Subject, detail)
	return m.Subject
}

// setAside tells what became of a message that could not be done at once: it waits, or was given up.
func (w *way) setAside(subject string) {
	if lane, ok := bus.HeldLaneOf(subject); ok {
		w.find("held", bus.Held, lane.Subject(subject), "waits to be tried again")
	}
	w.find("given-up", bus.Dead, "dead.*.*."+bus.Token(subject), "")
}

// posted tells how a fact got into the thread.
func (w *way) posted(id string) {
	command := "post-" + id
	subject := w.find("decided", bus.Posts, "post.*.*."+bus.Token(command), "to be posted")
	a := w.attemptsAt("Slack", subject != "")
	if subject != "" {
		w.setAside(subject)
	}
	for _, told := range w.told[command] {
		switch f := told.GetFact().(type) {
		case *eventv1.SlackFact_Posted:
			w.add("posted", told.GetOccurredAt(), "Slack", a.post(told, f.Posted, command))
		case *eventv1.SlackFact_PostFailed:
			a.show(f.PostFailed.GetEffort())
			w.add("failed", told.GetOccurredAt(), "Slack", reason(f.PostFailed.GetReason()))
		}
	}
}

// sent tells how a reply got to KARTE, and its mark back.
func (w *way) sent(id string) {
	command := "reply-" + id
	subject := w.find("decided", bus.Sends, "send.*."+bus.ProjectToken(w.project)+".*."+bus.Token(command), "to be sent")
	a := w.attemptsAt("KARTE", subject != "")
	if subject != "" {
		w.setAside(subject)
	} else {
		w.refused(id)
	}
	for _, outcome := range w.outcomes[command] {
		switch f := outcome.GetFact().(type) {
		case *eventv1.TalkFact_ReplyWaiting:
			a.after(f.ReplyWaiting.GetEffort())
			w.add("waiting", outcome.GetOccurredAt(), "KARTE", "")
		case *eventv1.TalkFact_ReplyDelivered:
			a.show(f.ReplyDelivered.GetEffort())
			kind := strings.ToLower(strings.TrimPrefix(f.ReplyDelivered.GetKind().String(), "REPLY_KIND_"))
			w.add("delivered", outcome.GetOccurredAt(), "KARTE", strings.Join(append([]string{kind}, a.sum(f.ReplyDelivered.GetEffort())...), ", "))
		case *eventv1.TalkFact_ReplyFailed:
			a.show(f.ReplyFailed.GetEffort())
			w.add("failed", outcome.GetOccurredAt(), "KARTE", reason(f.ReplyFailed.GetReason()))
		}
		if mark := w.find("marked", bus.Posts, "mark.*.*."+bus.Token("receipt-"+outcome.GetId()), "the mark was ordered; whether Slack shows it is not kept"); mark != "" {
			w.setAside(mark)
		}
	}
}

// refused tells of a reply of which nothing goes to KARTE. When that was decided is not kept.
func (w *way) refused(id string) {
	if w.err != nil {
		return
	}
	verdict, err := w.Conversations.Verdict(w.ctx, id)
	if w.err = err; verdict == conversation.Refused {
		w.add("refused", nil, "router", "nothing is sent; its author was told why")
	}
}

// reason is all that is told of a failure: the other side's words may quote what people wrote.
func reason(r eventv1.FailureReason) string {
	return strings.ToLower(strings.TrimPrefix(r.String(), "FAILURE_REASON_"))
}
