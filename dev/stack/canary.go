package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/slacktalk/slacktalk/internal/telemetry"
)

// canary hears every log line of a stack, down to the finest, and tells in the end which of them say what no log may: a secret, a text that somebody wrote,
// a person's name.
type canary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *canary) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

// hear answers a logger that the canary hears, and next too.
func (c *canary) hear(next slog.Handler) *slog.Logger {
	return slog.New(telemetry.LogHandler(both{slog.NewJSONHandler(c, &slog.HandlerOptions{Level: slog.LevelDebug}), next}))
}

// short are texts that would be found by chance.
const short = 6

// word is a text that a line may hold by chance, however long it is.
var word = regexp.MustCompile(`^[A-Za-z_ -]*$`)

// found answers the lines that hold one of the words.
func (c *canary) found(words map[string]string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := c.text.String()
	var problems []error
	for word, what := range words {
		quoted := strings.Trim(fmt.Sprintf("%q", word), `"`)
		at := strings.Index(text, word)
		if at < 0 {
			at = strings.Index(text, quoted)
		}
		if word == "" || at < 0 {
			continue
		}
		line := text[strings.LastIndexByte(text[:at], '\n')+1:]
		line, _, _ = strings.Cut(line, "\n")
		problems = append(problems, fmt.Errorf("%s is in a log: %s", what, line))
	}
	return errors.Join(problems...)
}

// secretWords answers what no log of this stack may hold.
func (s *Stack) secretWords() map[string]string {
	words := map[string]string{}
	for _, secret := range []string{botToken, signingSecret, clientSecret, apiToken, memberToken, TokenKey, AdminToken} {
		words[secret] = "a secret"
	}
	if s.KARTE != nil {
		for _, conversation := range s.KARTE.Snapshot().Conversations {
			for _, m := range conversation.Messages {
				note(words, m.Text, "what was said at KARTE")
			}
		}
	}
	if s.Slack != nil {
		for _, channel := range s.Slack.Snapshot().Channels {
			for _, m := range channel.Messages {
				note(words, m.Text, "what was said in Slack")
			}
		}
	}
	for _, name := range []string{"佐藤 花子", "佐藤花子", "田中 一郎"} {
		words[name] = "a person's name"
	}
	return words
}

func note(words map[string]string, text, what string) {
	if utf8.RuneCountInString(text) >= short && (!word.MatchString(text) || strings.Count(text, " ") > 2) {
		words[text] = what
	}
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
