package inbound

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Interaction is what somebody pressed, picked or submitted.
type Interaction struct {
	// Type is Slack's: block_actions, message_action, shortcut, view_submission, view_closed, block_suggestion.
	Type string
	// Team is the workspace of the installation; empty for an organisation-wide one.
	Team string
	// Enterprise is the organisation of the installation, where Slack names one.
	Enterprise string
	// InstalledTeam is the workspace whose installation made the modal or home; MessageTeam the one whose app posted the message. Empty where Slack does not say.
	InstalledTeam string
	MessageTeam   string
	User          string
	// UserTeam is the workspace of whoever pressed, empty when Slack does not say; differs from Team for Slack Connect.
	UserTeam string
	AppID    string
	// Channel, MessageTS and ThreadTS say where the message with the button stands; empty in modals and the app's home.
	Channel   string
	MessageTS string
	ThreadTS  string
	// Said is the message that a shortcut was used on; nil for everything else.
	Said *Said
	// Given is the text in the code block of a message of ours whose button was pressed: what somebody wrote, given back to them; empty when there is none.
	Given string
	// CallbackID names a shortcut or a modal.
	CallbackID string
	// ActionTS tells two presses of the same button apart.
	ActionTS string
	// ResponseURL takes five answers within 30 minutes. It is a credential: not for logs.
	ResponseURL string
	// TriggerID opens one modal within three seconds.
	TriggerID string
	Actions   []Action
	// Query is what has been typed into the menu that asks for suggestions; the menu is in Actions.
	Query string
	// View is nil when there is no modal or home.
	View *View
}

// Action is one element that was used.
type Action struct {
	ID    string
	Block string
	// Values are the button's value, or what was picked or typed.
	Values []string
}

// View is the modal or home in which it happened.
type View struct {
	ID              string
	Type            string
	CallbackID      string
	Hash            string
	PrivateMetadata string
	// Inputs are what the form holds, ordered by block, then action.
	Inputs []Action
}

// ParseInteraction reads the body of a request to the interactivity URL: a form with one field, `payload`. The query of
// the URL is not signed and must not be looked at. The only error is [ErrMalformed]: not that form, or ids that do not
// look like Slack's.
//
// Source of the fields: docs.slack.dev, "Handling user interaction".
func ParseInteraction(body []byte) (Interaction, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Interaction{}, fmt.Errorf("interaction form: %w", ErrMalformed) // the cause would quote the body
	}
	if len(form["payload"]) != 1 {
		return Interaction{}, fmt.Errorf("interaction form: %w: not one payload", ErrMalformed)
	}
	payload, err := decodeObject([]byte(form.Get("payload")))
	if err != nil {
		return Interaction{}, fmt.Errorf("interaction payload: %w", err)
	}
	in := interactionOf(payload)
	if in.Type == "" || !validID(in.User) || !optional(validID, in.Team, in.UserTeam, in.Channel) ||
		!optional(validTS, in.MessageTS, in.ThreadTS) {
		return Interaction{}, fmt.Errorf("interaction payload: %w: type, ids or ts", ErrMalformed)
	}
	return in, nil
}

func interactionOf(payload object) Interaction {
	user, message, container := payload.obj("user"), payload.obj("message"), payload.obj("container")
	in := Interaction{
		Type:          payload.str("type"),
		Team:          payload.obj("team").str("id"),
		Enterprise:    payload.obj("enterprise").str("id"),
		InstalledTeam: payload.obj("view").str("app_installed_team_id"),
		MessageTeam:   message.str("team"),
		User:          user.str("id"),
		UserTeam:      user.str("team_id"),
		AppID:         payload.str("api_app_id"),
		Channel:       either(payload.obj("channel").str("id"), container.str("channel_id")),
		MessageTS:     either(container.str("message_ts"), message.str("ts"), payload.str("message_ts")),
		ThreadTS:      either(container.str("thread_ts"), message.str("thread_ts")),
		CallbackID:    payload.str("callback_id"),
		ActionTS:      payload.str("action_ts"),
		ResponseURL:   payload.str("response_url"),
		TriggerID:     payload.str("trigger_id"),
		View:          viewOf(payload.obj("view")),
	}
	if in.Type == "message_action" {
		in.Said = saidOf(message)
	}
	if in.Type == "block_actions" {
		in.Given = givenBack(message)
	}
	for _, value := range payload.list("actions") {
		used := asObject(value)
		in.Actions = append(in.Actions, actionOf(used, used.str("action_id"), used.str("block_id")))
		in.ActionTS = either(in.ActionTS, used.str("action_ts"))
	}
	if in.Type == "block_suggestion" {
		in.Query = payload.str("value")
		in.Actions = append(in.Actions, Action{ID: payload.str("action_id"), Block: payload.str("block_id")})
	}
	return in
}

// givenBack answers the text of the first code block of a message.
func givenBack(message object) string {
	for _, block := range message.list("blocks") {
		for _, value := range asObject(block).list("elements") {
			part := asObject(value)
			if part.str("type") != "rich_text_preformatted" {
				continue
			}
			var text strings.Builder
			for _, inline := range part.list("elements") {
				text.WriteString(either(asObject(inline).str("text"), asObject(inline).str("url"))) // Slack makes links of addresses
			}
			return text.String()
		}
	}
	return ""
}

func viewOf(view object) *View {
	if view == nil {
		return nil
	}
	out := &View{
		ID:              view.str("id"),
		Type:            view.str("type"),
		CallbackID:      view.str("callback_id"),
		Hash:            view.str("hash"),
		PrivateMetadata: view.str("private_metadata"),
	}
	blocks := view.obj("state").obj("values")
	for block := range blocks {
		for id := range blocks.obj(block) {
			out.Inputs = append(out.Inputs, actionOf(blocks.obj(block).obj(id), id, block))
		}
	}
	slices.SortFunc(out.Inputs, func(a, b Action) int {
		if c := strings.Compare(a.Block, b.Block); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// actionOf collects the value from wherever this kind of element keeps it.
func actionOf(used object, id, block string) Action {
	a := Action{ID: id, Block: block}
	for _, key := range []string{
		"value", "selected_user", "selected_channel", "selected_conversation", "selected_date", "selected_time",
	} {
		if s := used.str(key); s != "" {
			a.Values = append(a.Values, s)
		}
	}
	if option := used.obj("selected_option"); option != nil {
		a.Values = append(a.Values, option.str("value"))
	}
	for _, option := range used.list("selected_options") {
		a.Values = append(a.Values, asObject(option).str("value"))
	}
	for _, key := range []string{"selected_users", "selected_channels", "selected_conversations"} {
		for _, value := range used.list(key) {
			if s, ok := value.(string); ok {
				a.Values = append(a.Values, s)
			}
		}
	}
	return a
}

// Command is a slash command.
type Command struct {
	// Command is the command itself with its slash.
	Command string
	// Text is what follows it, as Slack sent it.
	Text string
	// Team is where the command was typed.
	Team        string
	Enterprise  string
	Channel     string
	User        string
	AppID       string
	ResponseURL string // as in Interaction
	TriggerID   string // as in Interaction
}

// ParseCommand reads the body of a request to a slash command's URL, a form; as with [ParseInteraction] the query of the
// URL must not be looked at. The only error is [ErrMalformed]: not a form, a field that is there twice, no command, or ids
// that do not look like Slack's.
func ParseCommand(body []byte) (Command, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Command{}, fmt.Errorf("command form: %w", ErrMalformed) // the cause would quote the body
	}
	for _, values := range form {
		if len(values) != 1 {
			return Command{}, fmt.Errorf("command form: %w: a field is repeated", ErrMalformed)
		}
	}
	field := func(name string) string { return strings.ToValidUTF8(form.Get(name), "\ufffd") }
	c := Command{
		Command:     field("command"),
		Text:        field("text"),
		Team:        field("team_id"),
		Enterprise:  field("enterprise_id"),
		Channel:     field("channel_id"),
		User:        field("user_id"),
		AppID:       field("api_app_id"),
		ResponseURL: field("response_url"),
		TriggerID:   field("trigger_id"),
	}
	if !strings.HasPrefix(c.Command, "/") || !validID(c.Team) || !validID(c.User) || !validID(c.Channel) {
		return Command{}, fmt.Errorf("command form: %w: command or ids", ErrMalformed)
	}
	return c, nil
}

func either(values ...string) string {
	for _, s := range values {
		if s != "" {
			return s
		}
	}
	return ""
}

func optional(valid func(string) bool, values ...string) bool {
	for _, s := range values {
		if s != "" && !valid(s) {
			return false
		}
	}
	return true
}
