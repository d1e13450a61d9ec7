package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
)

// A Question is something that an edge is asked while the asker waits: request and reply, nothing is stored.
type Question string

// The questions.
const (
	// AskMembers: who somebody in Slack is (MembersRequest).
	AskMembers Question = "members"
	// AskReplies: what Slack holds of a thread (RepliesRequest).
	AskReplies Question = "replies"
	// AskMessage: what a line of a thread says now (MessageRequest).
	AskMessage Question = "message"
	// AskHistory: what was said with a customer (HistoryRequest).
	AskHistory Question = "history"
	// AskOperators: whom KARTE knows (OperatorsRequest).
	AskOperators Question = "operators"
	// AskExamination: how a replica of an edge is doing (ExaminationRequest).
	AskExamination Question = "examination"
	// AskWorkspace: what Slack says of the channels, members and user groups that the settings name (ExaminationRequest).
	AskWorkspace Question = "workspace"
	// AskTestMessage: to send itself a hook about a made-up customer (TestMessageRequest).
	AskTestMessage Question = "test-message"
)

// AskSlackSubject: ask.slack.{team}.{question}.
func AskSlackSubject(team string, q Question) string { return "ask.slack." + team + "." + string(q) }

// AskedTeam is the reverse of AskSlackSubject, as far as the workspace is concerned; empty when subject is no such one.
func AskedTeam(subject string) string {
	parts := strings.Split(subject, ".")
	if len(parts) != 4 || parts[0] != "ask" || parts[1] != "slack" {
		return ""
	}
	return parts[2]
}

// AskKarteSubject: ask.karte.{project}.{question}.
func AskKarteSubject(project string, q Question) string {
	return "ask.karte." + ProjectToken(project) + "." + string(q)
}

// ErrNobodyAnswers: no replica listens on the subject, or none answered in time.
var ErrNobodyAnswers = errors.New("nobody answers")

// Ask fills response with what one replica answers. Every error may be tried again.
func (b *Bus) Ask(ctx context.Context, subject string, request, response proto.Message) error {
	data, err := proto.Marshal(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", subject, err)
	}
	reply, err := b.conn.RequestWithContext(ctx, subject, data)
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(ErrNobodyAnswers, err)
	}
	if err != nil {
		return fmt.Errorf("ask %s: %w", subject, err)
	}
	if err := proto.Unmarshal(reply.Data, response); err != nil {
		return fmt.Errorf("decode the answer of %s: %w", subject, err)
	}
	return nil
}

// AskAll answers what the replicas answer until none has for quiet, or ctx ends; the first may take as long as ctx allows.
func AskAll[R proto.Message](ctx context.Context, b *Bus, subject string, request proto.Message, quiet time.Duration, fresh func() R) ([]R, error) {
	data, err := proto.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", subject, err)
	}
	inbox := b.conn.NewInbox()
	replies, err := b.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", subject, err)
	}
	defer func() { _ = replies.Unsubscribe() }()
	if err := b.conn.PublishRequest(subject, inbox, data); err != nil {
		return nil, fmt.Errorf("ask %s: %w", subject, err)
	}
	var answers []R
	for {
		m, err := next(ctx, replies, quiet, len(answers) == 0)
		switch {
		case err != nil && len(answers) > 0:
			return answers, nil
		case err != nil:
			return nil, fmt.Errorf("ask %s: %w", subject, errors.Join(ErrNobodyAnswers, err))
		case len(m.Data) == 0 && m.Header.Get("Status") == "503":
			return nil, fmt.Errorf("ask %s: %w", subject, ErrNobodyAnswers)
		}
		answer := fresh()
		if err := proto.Unmarshal(m.Data, answer); err != nil {
			return nil, fmt.Errorf("decode the answer of %s: %w", subject, err)
		}
		answers = append(answers, answer)
	}
}

func next(ctx context.Context, replies *nats.Subscription, quiet time.Duration, first bool) (*nats.Msg, error) {
	if !first {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, quiet)
		defer cancel()
	}
	return replies.NextMsgWithContext(ctx)
}

// answersAtOnce bounds how many questions a replica works on at the same time.
const answersAtOnce = 16

// Answer answers the questions on subject until ctx ends, each within limit. Replicas of one queue share them; with an empty queue every
// replica answers. What answer cannot do it says in its response.
func Answer[Q any, Request interface {
	*Q
	proto.Message
}](ctx context.Context, b *Bus, subject, queue string, limit time.Duration, answer func(context.Context, Request) proto.Message) error {
	return AnswerOn(ctx, b, subject, queue, limit, func(ctx context.Context, _ string, request Request) proto.Message { return answer(ctx, request) })
}

// AnswerOn is Answer for a subject with wildcards: answer is told on which subject it was asked.
func AnswerOn[Q any, Request interface {
	*Q
	proto.Message
}](ctx context.Context, b *Bus, subject, queue string, limit time.Duration, answer func(ctx context.Context, subject string, request Request) proto.Message) error {
	var answering errgroup.Group
	answering.SetLimit(answersAtOnce)
	questions := make(chan *nats.Msg, 256)
	listen := b.conn.ChanSubscribe
	if queue != "" {
		listen = func(subject string, ch chan *nats.Msg) (*nats.Subscription, error) {
			return b.conn.ChanQueueSubscribe(subject, queue, ch)
		}
	}
	subscription, err := listen(subject, questions)
	if err != nil {
		return fmt.Errorf("listen for questions on %s: %w", subject, err)
	}
	defer func() { _ = subscription.Unsubscribe() }()
	// Who is asked answers, even when it was asked to stop meanwhile: nobody else has the question.
	answered := context.WithoutCancel(ctx)
	take := func(m *nats.Msg) {
		answering.Go(func() error {
			request := Request(new(Q))
			err := proto.Unmarshal(m.Data, request)
			if err == nil {
				err = respond(answered, m, limit, func(ctx context.Context) proto.Message { return answer(ctx, m.Subject, request) })
			}
			if err != nil {
				b.log.Warn("question not answered", "subject", subject, "err", err)
			}
			return nil
		})
	}
	for {
		select {
		case <-ctx.Done():
			for _, m := range b.last(subscription, questions) {
				take(m)
			}
			return answering.Wait()
		case m := <-questions:
			take(m)
		}
	}
}

// last ends a subscription, and answers what the server had sent until then.
func (b *Bus) last(subscription *nats.Subscription, into <-chan *nats.Msg) (rest []*nats.Msg) {
	if err := subscription.Drain(); err != nil {
		return nil
	}
	_ = b.conn.FlushTimeout(callTimeout) // without a connection nothing more comes
	for {
		select {
		case m := <-into:
			rest = append(rest, m)
		default:
			return rest
		}
	}
}

func respond(ctx context.Context, m *nats.Msg, limit time.Duration, answer func(context.Context) proto.Message) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("the answer took too long"))
	defer cancel()
	data, err := proto.Marshal(answer(ctx))
	if err != nil {
		return err
	}
	return m.Respond(data)
}
