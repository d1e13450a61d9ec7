package dialog

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// Person is who is in front of a dialog.
type Person struct {
	// Team is the workspace of the installation.
	Team, Member string
	// Lang is the language of what they alone see, `ja` or `en`.
	Lang string
}

// Request is what somebody did.
type Request struct {
	Person
	// Channel, MessageTS and ThreadTS say where; empty in modals and the Home.
	Channel, MessageTS, ThreadTS string
	// TriggerID opens one modal within three seconds.
	TriggerID string
	// ResponseURL takes private answers; there is none in modals and the Home.
	ResponseURL secret.String
	// Action is the element that was used, or that suggestions are for.
	Action inbound.Action
	// View is nil outside of modals and the Home.
	View *inbound.View
	// Text is what follows a command's word, or what was typed into a menu.
	Text string
	// Interaction is all that Slack told; empty for commands and the opened Home.
	Interaction inbound.Interaction
}

type (
	// Work is done after the press was acknowledged, within ten seconds.
	Work func(ctx context.Context, r Request)
	// Submit takes what a modal holds. It has two and a half seconds, and nil closes the modal.
	Submit func(ctx context.Context, r Request) *slack.ViewSubmissionResponse
	// Suggest answers the options of a menu for what was typed into it, within two and a half seconds.
	Suggest func(ctx context.Context, r Request) []*slack.OptionBlockObject
	// Command answers a command to whoever typed it, within two and a half seconds; the zero message says nothing.
	Command func(ctx context.Context, r Request) render.Message
)

// handlers are the dialogs by what leads to them.
type handlers struct {
	presses, shortcuts, closes map[string]Work
	submits                    map[string]Submit
	suggests                   map[string]Suggest
	commands                   map[string]Command
	home                       Work
}

func newHandlers() handlers {
	return handlers{
		presses: map[string]Work{}, shortcuts: map[string]Work{}, closes: map[string]Work{}, submits: map[string]Submit{}, suggests: map[string]Suggest{}, commands: map[string]Command{},
	}
}

// OnPress names the button or menu, by its action_id, that leads to do.
func (h *handlers) OnPress(actionID string, do Work) { add(h.presses, actionID, do) }

// OnShortcut names the shortcut, by its callback_id.
func (h *handlers) OnShortcut(callbackID string, do Work) { add(h.shortcuts, callbackID, do) }

// OnSubmit names the modal, by its callback_id.
func (h *handlers) OnSubmit(callbackID string, do Submit) { add(h.submits, callbackID, do) }

// OnClose names the modal, by its callback_id, whose being closed leads to do; the modal has to ask for it.
func (h *handlers) OnClose(callbackID string, do Work) { add(h.closes, callbackID, do) }

// OnSuggest names the menu, by its action_id.
func (h *handlers) OnSuggest(actionID string, do Suggest) { add(h.suggests, actionID, do) }

// OnCommand names the first word behind the command.
func (h *handlers) OnCommand(word string, do Command) { add(h.commands, word, do) }

// OnHome says what is done when somebody opens the app's Home.
func (h *handlers) OnHome(do Work) { h.home = do }

// add panics when a name is taken: two dialogs have been written for one thing.
func add[F any](to map[string]F, name string, do F) {
	if _, taken := to[name]; taken {
		panic(fmt.Sprintf("dialog: %q is registered twice", name))
	}
	to[name] = do
}
