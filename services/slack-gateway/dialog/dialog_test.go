package dialog_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/dialog"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
	"github.com/slacktalk/slacktalk/services/slack-gateway/routerapi"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

var self = inbound.Self{Team: "T0DEMO1"}

// workspace remembers what it is told.
type workspace struct {
	mu      sync.Mutex
	said    []string
	opening error
	locale  string
	opened  chan struct{} // is told that a modal was opened; may be nil
}

func (w *workspace) say(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, s)
}

func (w *workspace) OpenView(_ context.Context, _ string, v slack.ModalViewRequest) (slackapi.View, error) {
	w.say("open " + v.Title.Text)
	select {
	case w.opened <- struct{}{}:
	default:
	}
	return slackapi.View{ID: "V0DEMO1"}, w.opening
}

func (w *workspace) UpdateView(_ context.Context, at slackapi.View, v slack.ModalViewRequest) (slackapi.View, error) {
	w.say("update " + at.ID + " " + v.Title.Text)
	return at, nil
}

func (w *workspace) PublishHome(context.Context, string, string, slack.HomeTabViewRequest) (slackapi.View, error) {
	w.say("home")
	return slackapi.View{}, nil
}

func (w *workspace) Respond(_ context.Context, _ secret.String, m render.Message, _ bool) error {
	w.say("answer " + m.Text)
	return nil
}

func (w *workspace) Private(_ context.Context, _, _, _ string, m render.Message) error {
	w.say("private " + m.Text)
	return nil
}

func (w *workspace) Direct(_ context.Context, _ string, m render.Message) error {
	w.say("direct " + m.Text)
	return nil
}

func (w *workspace) User(_ context.Context, id string) (*slack.User, error) {
	return &slack.User{ID: id, Locale: w.locale}, nil
}

func (w *workspace) Place(context.Context, string) (*slackapi.Place, error) { return nil, nil }

func dialogs(t *testing.T, w *workspace, router *routerapi.Client) (d *dialog.Dialogs, done func() []string) {
	t.Helper()
	d = dialog.New(dialog.Options{
		Router: router, Slack: func(string) dialog.Slack { return w }, Now: time.Now, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	return d, func() []string {
		ended, end := context.WithCancel(t.Context())
		end()
		if err := d.Wait(ended); err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.said
	}
}

func press(action, team string) inbound.Interaction {
	return inbound.Interaction{Type: "block_actions", Team: "T0DEMO1", User: "U0DEMO1", UserTeam: team, TriggerID: "1.x", ResponseURL: "https://hooks.slack.com/x", Actions: []inbound.Action{{ID: action}}}
}

// Somebody of another company who presses a button gets a private text, and what it leads to does not happen.
func TestOutsidersAreRefused(t *testing.T) {
	w := &workspace{locale: "ja-JP"}
	d, done := dialogs(t, w, &routerapi.Client{})
	d.OnPress("demo", func(context.Context, dialog.Request) { w.say("did it") })
	d.OnSubmit("demo", func(context.Context, dialog.Request) *slack.ViewSubmissionResponse { w.say("did it"); return nil })
	d.Interaction(t.Context(), self, press("demo", "T0OTHER"))
	outside := press("demo", "")
	outside.Team = "T0OTHER"
	d.Interaction(t.Context(), self, outside)
	result, _ := d.Interaction(t.Context(), self, inbound.Interaction{Type: "view_submission", User: "U0DEMO1", UserTeam: "T0OTHER", View: &inbound.View{CallbackID: "demo"}})
	said := done()
	if len(said) != 2 || slices.ContainsFunc(said, func(s string) bool { return !strings.HasPrefix(s, "answer この操作は") }) || result != "refused" {
		t.Errorf("%s: %q", result, said)
	}
}

func TestWithoutTheRouterDialogsSayThatTheyAreNotSetUp(t *testing.T) {
	w := &workspace{locale: "en-US"}
	d, done := dialogs(t, w, nil)
	d.OnPress("demo", func(context.Context, dialog.Request) { w.say("did it") })
	d.Interaction(t.Context(), self, press("demo", "T0DEMO1"))
	result, _ := d.Command(t.Context(), self, inbound.Command{Team: "T0DEMO1", User: "U0DEMO1", Channel: "C0SUPPORT", Text: "link"})
	d.HomeOpened(t.Context(), self, "U0DEMO1")
	if said := done(); len(said) != 2 || !slices.Contains(said, "home") || result != "not_set_up" || !strings.Contains(strings.Join(said, ""), "not set up yet") {
		t.Errorf("%s: %q", result, said)
	}
	if result, body := d.Interaction(t.Context(), self, press("nobody's", "T0DEMO1")); result != "ignored" || body != nil {
		t.Errorf("a button that nobody knows: %s, %v", result, body)
	}
}

func TestAModalThatTakesLongIsOpenedFirst(t *testing.T) {
	for name, c := range map[string]struct {
		slow    bool
		opening error
		want    []string
	}{
		"quick":    {false, nil, []string{"open ready"}},
		"slow":     {true, nil, []string{"open Slack Talk", "update V0DEMO1 ready"}},
		"too late": {false, slackapi.ErrTriggerExpired, []string{"open ready", "answer 操作から時間"}},
		"refused":  {false, errors.New("no"), []string{"open ready", "answer いま応答が"}},
	} {
		w := &workspace{locale: "ja-JP", opening: c.opening, opened: make(chan struct{}, 1)}
		d, done := dialogs(t, w, &routerapi.Client{})
		d.OnPress("demo", func(ctx context.Context, r dialog.Request) {
			d.Open(ctx, r, func(context.Context) slack.ModalViewRequest {
				if c.slow {
					<-w.opened // it is ready only when another one was opened in its place
				}
				return slack.ModalViewRequest{Title: &slack.TextBlockObject{Text: "ready"}}
			})
		})
		d.Interaction(t.Context(), self, press("demo", "T0DEMO1"))
		said := done()
		if len(said) != len(c.want) {
			t.Errorf("%s: %q", name, said)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(said[i], want) {
				t.Errorf("%s: %q, want %q", name, said[i], want)
			}
		}
	}
}

func TestTwoDialogsForOneButtonAreAMistake(t *testing.T) {
	d, _ := dialogs(t, &workspace{}, nil)
	defer func() {
		if recover() == nil {
			t.Error("registered twice")
		}
	}()
	d.OnPress("demo", nil)
	d.OnPress("demo", nil)
}
