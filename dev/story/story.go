// Package story plays one conversation through a running system and tells every hop in plain words.
package story

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
)

// hopWithin is how long one hop may take before it counts as not having happened.
const hopWithin = 10 * time.Second

type story struct {
	*stack.Stack
	out      io.Writer
	began    time.Time
	js       jetstream.JetStream
	customer kartestandin.Customer
	thread   string
}

// Play plays the conversation; an error names the hop that did not happen.
func Play(ctx context.Context, s *stack.Stack, out io.Writer) error {
	conn, err := nats.Connect(s.NATSURL)
	if err != nil {
		return fmt.Errorf("watch NATS: %w", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return fmt.Errorf("watch JetStream: %w", err)
	}
	p := &story{Stack: s, out: out, began: time.Now(), js: js, customer: kartestandin.Customer{VisitorID: "vis-0000-demo"}}
	for _, hop := range []func(context.Context) error{p.customerWrites, p.stored, p.threadOpened, p.assigned, p.operatorReplies, p.noted, p.unlinked} {
		if err := hop(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *story) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, "  %5d ms  %s\n", time.Since(p.began).Milliseconds(), fmt.Sprintf(format, args...))
}

// await waits until Slack looks as it should.
func (p *story) await(ctx context.Context, hop string, holds func(*slackstandin.Snapshot) bool) error {
	ctx, cancel := context.WithTimeout(ctx, hopWithin)
	defer cancel()
	if err := p.Slack.Await(ctx, holds); err != nil {
		return fmt.Errorf("this hop did not happen: %s: %w", hop, err)
	}
	return nil
}

func (p *story) awaitKARTE(ctx context.Context, hop string, holds func([]kartestandin.Message) bool) error {
	ctx, cancel := context.WithTimeout(ctx, hopWithin)
	defer cancel()
	err := p.KARTE.Await(ctx, func(s *kartestandin.Snapshot) bool { return holds(s.Messages(p.customer.VisitorID)) })
	if err != nil {
		return fmt.Errorf("this hop did not happen: %s: %w", hop, err)
	}
	return nil
}

const question = "こんにちは。注文した本がまだ届きません 📦 <!channel>"

func (p *story) customerWrites(ctx context.Context) error {
	p.tell("A visitor writes in the web chat: %q", question)
	ctx, cancel := context.WithTimeout(ctx, hopWithin)
	defer cancel()
	_, err := p.KARTE.CustomerWrites(ctx, p.customer, question, kartestandin.Write{PageURL: "https://shop.example.com/orders", PageTitle: "ご注文履歴", Wait: true})
	if err != nil {
		return fmt.Errorf("this hop did not happen: hook received: %w", err)
	}
	p.tell("KARTE's signed hook is received by ingest-karte and answered 200")
	return nil
}

func (p *story) stored(ctx context.Context) error {
	stream, err := p.js.Stream(ctx, "TALK")
	if err != nil {
		return fmt.Errorf("this hop did not happen: stored in TALK: %w", err)
	}
	message, err := stream.GetMsg(ctx, 1)
	if err != nil {
		return fmt.Errorf("this hop did not happen: stored in TALK: %w", err)
	}
	p.tell("It is stored in TALK as %s", message.Subject)
	return nil
}

func (p *story) threadOpened(ctx context.Context) error {
	err := p.await(ctx, "thread opened in #support", func(s *slackstandin.Snapshot) bool {
		for _, m := range s.Channels[stack.Channel].Messages {
			if m.ThreadTS == "" || m.ThreadTS == m.TS {
				if strings.Contains(m.Text, "注文した本") {
					p.thread = m.TS
				}
			}
		}
		return p.thread != ""
	})
	if err != nil {
		return err
	}
	head := p.Slack.Thread(stack.Channel, p.thread)[0]
	if strings.Contains(strings.ReplaceAll(head.Text, "<!here>", ""), "<!") {
		return fmt.Errorf("the customer's <!channel> reached the workspace: %q", head.Text)
	}
	p.tell("A thread is opened in #support, @here is mentioned; the customer's <!channel> is harmless text")
	return nil
}

func (p *story) assigned(ctx context.Context) error {
	if _, err := p.KARTE.Assign(ctx, p.customer, stack.Operator, kartestandin.Write{Wait: true}); err != nil {
		return fmt.Errorf("this hop did not happen: assigned: %w", err)
	}
	if err := p.await(ctx, "assignment shown", p.inThread("担当")); err != nil {
		return err
	}
	p.tell("At KARTE the conversation is assigned to 佐藤 花子: the thread says so")
	if _, err := p.KARTE.CustomerWrites(ctx, p.customer, "注文番号は 12345 です", kartestandin.Write{}); err != nil {
		return fmt.Errorf("this hop did not happen: second message: %w", err)
	}
	if err := p.await(ctx, "operator mentioned", p.inThread("<@"+stack.Hanako+">", "12345")); err != nil {
		return err
	}
	p.tell("The customer's next message comes into the same thread and mentions the linked operator <@%s>", stack.Hanako)
	return nil
}

// inThread holds when one message of the thread has all the words.
func (p *story) inThread(words ...string) func(*slackstandin.Snapshot) bool {
	return func(s *slackstandin.Snapshot) bool {
	messages:
		for _, m := range s.Channels[stack.Channel].Thread(p.thread) {
			for _, word := range words {
				if !strings.Contains(m.Text, word) {
					continue messages
				}
			}
			return true
		}
		return false
	}
}

func (p *story) operatorReplies(ctx context.Context) error {
	ts, err := p.Slack.Write(stack.Hanako, stack.Channel, p.thread, "```本日発送しました。明日届きます 🚚```", slackstandin.WriteOptions{})
	if err != nil {
		return fmt.Errorf("this hop did not happen: reply in the thread: %w", err)
	}
	p.tell("花子 answers in the thread, from her phone: one code block")
	err = p.awaitKARTE(ctx, "sent to the customer", func(messages []kartestandin.Message) bool {
		for _, m := range messages {
			if m.Sender == stack.Operator && m.Kind == kartestandin.KindMessage && m.Text == "本日発送しました。明日届きます 🚚" {
				return true
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	p.tell("It is sent to the customer as operator 佐藤 花子 (KARTE answered 200)")
	if err := p.await(ctx, "receipt shown", p.reacted(ts, "white_check_mark")); err != nil {
		return err
	}
	p.tell("Only now her line carries ✅")
	return nil
}

func (p *story) reacted(ts, name string) func(*slackstandin.Snapshot) bool {
	return func(s *slackstandin.Snapshot) bool {
		for _, m := range s.Channels[stack.Channel].Thread(p.thread) {
			for _, reaction := range m.Reactions {
				if m.TS == ts && reaction.Name == name {
					return true
				}
			}
		}
		return false
	}
}

func (p *story) noted(ctx context.Context) error {
	ts, err := p.Slack.Write(stack.Hanako, stack.Channel, p.thread, "倉庫に確認済み。次回は割引を提案", slackstandin.WriteOptions{})
	if err != nil {
		return fmt.Errorf("this hop did not happen: second reply: %w", err)
	}
	err = p.awaitKARTE(ctx, "second reply kept as a note", func(messages []kartestandin.Message) bool {
		for _, m := range messages {
			if m.Kind == kartestandin.KindNote && strings.Contains(m.Text, "割引") {
				return true
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	if err := p.await(ctx, "note marked", p.reacted(ts, "memo")); err != nil {
		return err
	}
	p.tell("Her second reply has no code block: it is kept as a note for staff, marked 📝")
	return nil
}

func (p *story) unlinked(ctx context.Context) error {
	before := len(p.KARTE.Messages(p.customer.VisitorID))
	if _, err := p.Slack.Write(stack.Taro, stack.Channel, p.thread, "```わたしも送っていい？```", slackstandin.WriteOptions{}); err != nil {
		return fmt.Errorf("this hop did not happen: reply of somebody not linked: %w", err)
	}
	err := p.await(ctx, "somebody not linked is told so", func(s *slackstandin.Snapshot) bool {
		for _, e := range s.Ephemerals {
			text, _ := json.Marshal(e)
			if strings.Contains(string(text), stack.Taro) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	if now := len(p.KARTE.Messages(p.customer.VisitorID)); now != before {
		return fmt.Errorf("somebody who is not linked reached KARTE: %d lines before, %d now", before, now)
	}
	p.tell("太郎 is linked to no operator: nothing is sent, and he is told in private how to be linked")
	return nil
}
