package stack

import (
	"context"
	"errors"
	"log/slog"

	canaries "github.com/slacktalk/slacktalk/dev/canary"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	"github.com/slacktalk/slacktalk/internal/transcript"
)

// canary hears every log line of a stack, down to the finest, and tells in the end which of them say what no log may: a secret, a text that somebody wrote,
// a person's name.
type canary struct{ transcript.Transcript }

// hear answers a logger that the canary hears, and next too.
func (c *canary) hear(next slog.Handler) *slog.Logger {
	return slog.New(telemetry.LogHandler(both{slog.NewJSONHandler(c, &slog.HandlerOptions{Level: slog.LevelDebug}), next}))
}

// found answers the lines that hold one of the words.
func (c *canary) found(words canaries.Words) error {
	return words.Found(c.String())
}

// secretWords answers what no log of this stack may hold.
func (s *Stack) secretWords() canaries.Words {
	words := canaries.Words{}
	for _, secret := range []string{botToken, signingSecret, clientSecret, apiToken, memberToken, TokenKey, AdminToken} {
		words[secret] = "a secret"
	}
	if s.KARTE != nil {
		for _, conversation := range s.KARTE.Snapshot().Conversations {
			for _, m := range conversation.Messages {
				words.Note(m.Text, "what was said at KARTE")
			}
		}
	}
	if s.Slack != nil {
		for _, channel := range s.Slack.Snapshot().Channels {
			for _, m := range channel.Messages {
				words.Note(m.Text, "what was said in Slack")
			}
		}
	}
	for _, name := range []string{"佐藤 花子", "佐藤花子", "田中 一郎"} {
		words[name] = "a person's name"
	}
	return words
}

// both hands each line to two handlers.
type both struct{ one, other slog.Handler }

func (b both) Enabled(context.Context, slog.Level) bool { return true }

func (b both) Handle(ctx context.Context, r slog.Record) error {
	err := b.one.Handle(ctx, r.Clone())
	if b.other.Enabled(ctx, r.Level) {
		err = errors.Join(err, b.other.Handle(ctx, r))
	}
	return err
}

func (b both) WithAttrs(attrs []slog.Attr) slog.Handler {
	return both{b.one.WithAttrs(attrs), b.other.WithAttrs(attrs)}
}

func (b both) WithGroup(name string) slog.Handler {
	return both{b.one.WithGroup(name), b.other.WithGroup(name)}
}
