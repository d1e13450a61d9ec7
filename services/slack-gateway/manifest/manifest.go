package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

// Command is the app's slash command.
const Command = "/karte-talk"

// The paths that Slack is given; the edge and the installation serve them.
const (
	EventsPath       = "/slack/events"
	InteractionsPath = "/slack/interactions"
	CommandsPath     = "/slack/commands"
	CallbackPath     = "/slack/oauth/callback"
)

// Options of a manifest.
type Options struct {
	// Name is the app's, in Slack.
	Name string
	// Lang is of what people see of the app itself: ja or en.
	Lang string
	// URL is where Slack reaches slack-gateway, such as https://talk.example.com; not needed in Socket Mode.
	URL string
	// SocketMode makes the app connect to Slack instead.
	SocketMode bool
	// Organization lets the app be installed in a whole Enterprise Grid organisation.
	Organization bool
	// Rotation makes tokens expire after twelve hours. It cannot be taken back.
	Rotation bool
}

// words are what people see of the app itself.
type words struct{ description, command, hint, send, sendDescription, saved, savedDescription string }

var languages = map[string]words{
	"ja": {
		description: "ウェブ接客のチャットに、Slack のスレッドから返信できます", command: "お客様との会話を Slack から扱う", hint: "help | link | status | assign | reply",
		send: "お客様に送信", sendDescription: "この投稿を、内容を確認してお客様に送信します",
		saved: "定型文で返信", savedDescription: "定型文を選び、内容を確認してこのスレッドのお客様に送信します",
	},
	"en": {
		description: "Answer the customers of your website chat from Slack threads", command: "Work with customers' conversations", hint: "help | link | status | assign | reply",
		send: "Send to customer", sendDescription: "Sends this message to the customer, after you have confirmed it",
		saved: "Reply with saved reply", savedDescription: "Sends a saved reply to the customer of this thread, after you have checked it",
	},
}

// maxName is Slack's limit of an app's name.
const maxName = 35

// Make answers the manifest of the app.
func Make(o Options) (*slack.Manifest, error) {
	said, ok := languages[o.Lang]
	if !ok {
		return nil, fmt.Errorf("there are no words in %q, only in ja and en", o.Lang)
	}
	if o.Name == "" || len([]rune(o.Name)) > maxName {
		return nil, fmt.Errorf("the name must have 1 to %d characters", maxName)
	}
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	m := &slack.Manifest{
		Metadata: slack.ManifestMetadata{MajorVersion: 1, MinorVersion: 1},
		Display:  slack.Display{Name: o.Name, Description: said.description, BackgroundColor: "#1d3557"},
		Features: features(o, said, base),
		Settings: slack.Settings{
			EventSubscriptions:   &slack.EventSubscriptions{BotEvents: o.events()},
			Interactivity:        &slack.Interactivity{IsEnabled: true},
			SocketModeEnabled:    o.SocketMode,
			OrgDeployEnabled:     o.Organization,
			TokenRotationEnabled: o.Rotation,
		},
	}
	for _, scope := range Scopes() {
		m.OAuthConfig.Scopes.Bot = append(m.OAuthConfig.Scopes.Bot, scope.Name)
	}
	if base != "" {
		m.OAuthConfig.RedirectUrls = []string{base + CallbackPath}
	}
	if !o.SocketMode {
		m.Settings.EventSubscriptions.RequestUrl = base + EventsPath
		m.Settings.Interactivity.RequestUrl, m.Settings.Interactivity.MessageMenuOptionsUrl = base+InteractionsPath, base+InteractionsPath
	}
	return m, nil
}

func features(o Options, said words, base string) slack.Features {
	command := slack.ManifestSlashCommand{Command: Command, Description: said.command, UsageHint: said.hint, ShouldEscape: true}
	if !o.SocketMode {
		command.Url = base + CommandsPath
	}
	return slack.Features{
		// Without the messages tab the app cannot write direct messages; nobody reads what would be written to it.
		AppHome: slack.AppHome{HomeTabEnabled: true, MessagesTabEnabled: true, MessagesTabReadOnlyEnabled: true},
		BotUser: slack.BotUser{DisplayName: o.Name, AlwaysOnline: true},
		Shortcuts: []slack.Shortcut{
			{Name: said.send, CallbackID: element.SendToCustomer, Description: said.sendDescription, Type: slack.MessageShortcut},
			{Name: said.saved, CallbackID: element.SavedReply, Description: said.savedDescription, Type: slack.MessageShortcut},
		},
		SlashCommands: []slack.ManifestSlashCommand{command},
	}
}

// base answers the URL without a slash at its end.
func (o Options) base() (string, error) {
	if o.URL == "" && o.SocketMode {
		return "", nil
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("the URL must be the https address at which Slack reaches slack-gateway; without one there is Socket Mode only")
	}
	return strings.TrimSuffix(o.URL, "/"), nil
}

func (o Options) events() []string {
	var names []string
	for _, event := range Events() {
		if !event.Organization || o.Organization {
			names = append(names, event.Name)
		}
	}
	return names
}

// Link answers the address that opens Slack's page for a new app with the manifest filled in.
func Link(m *slack.Manifest) (string, error) {
	compact, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("encode the manifest: %w", err)
	}
	return "https://api.slack.com/apps?new_app=1&manifest_json=" + url.QueryEscape(string(compact)), nil
}
