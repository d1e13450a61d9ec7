package stack

import (
	"fmt"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/services/slack-gateway/manifest"
)

// installApp puts into people's menus what the app's manifest says.
func (s *Stack) installApp() error {
	app, err := manifest.Make(manifest.Options{Name: "Slack Talk", Lang: "ja", URL: "https://talk.example.com"})
	if err != nil {
		return fmt.Errorf("make the app's manifest: %w", err)
	}
	var shortcuts []slackstandin.Shortcut
	for _, m := range app.Features.Shortcuts {
		shortcuts = append(shortcuts, slackstandin.Shortcut{Type: string(m.Type), CallbackID: m.CallbackID, Name: m.Name})
	}
	var commands []slackstandin.SlashCommand
	for _, m := range app.Features.SlashCommands {
		commands = append(commands, slackstandin.SlashCommand{Command: m.Command, Description: m.Description, UsageHint: m.UsageHint})
	}
	s.Slack.SetMenus(shortcuts, commands)
	return nil
}
