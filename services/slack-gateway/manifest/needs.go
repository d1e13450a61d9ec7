// Package manifest says what the Slack app needs of a workspace, and writes the app manifest that asks for it.
package manifest

// Scope is a permission of the bot token.
type Scope struct {
	Name string
	// For says what the app does with it.
	For string
	// Feature is what is missing without it.
	Feature string
	// Optional ones are not needed for messages to flow in public channels.
	Optional bool
}

// Scopes are what the bot token must be allowed to do. The manifest, the examination and docs/slack-app.md have no other list.
func Scopes() []Scope {
	return []Scope{
		{Name: "chat:write", For: "posting what customers write, and private notices to operators", Feature: "everything"},
		{Name: "reactions:write", For: "marking replies as sent, noted, waiting or failed", Feature: "receipts on the operator's own line"},
		{Name: "channels:history", For: "events of replies in public channels, and finding a post whose answer was lost", Feature: "replies; no post is made twice"},
		{Name: "channels:read", For: "looking at public channels, and being told when one takes posts again", Feature: "parking and waking, the examination"},
		{Name: "users:read", For: "knowing who wrote a reply, and in which language they are told something", Feature: "only members of the workspace reach customers"},
		{Name: "commands", For: "the slash command and the message shortcuts", Feature: "/karte-talk, 「お客様に送信」, 「定型文で返信」", Optional: true},
		{Name: "chat:write.customize", For: "showing what operators wrote in KARTE's console under their name and picture (`operator_pictures`)", Feature: "operators' names as senders", Optional: true},
		{Name: "usergroups:read", For: "the names of user groups in replies", Feature: "names instead of “a group”", Optional: true},
		{Name: "groups:history", For: "events of replies in private channels", Feature: "private channels", Optional: true},
		{Name: "groups:read", For: "looking at private channels", Feature: "private channels", Optional: true},
	}
}

// Missing answers what of the needed scopes is not granted.
func Missing(granted map[string]bool) []Scope {
	var missing []Scope
	for _, scope := range Scopes() {
		if !granted[scope.Name] {
			missing = append(missing, scope)
		}
	}
	return missing
}

// Event is something that Slack tells the app.
type Event struct {
	Name string
	// Scope is what the bot must be granted to be told; empty when nothing is needed.
	Scope string
	// For says what the app does with it.
	For string
	// Feature is what is missing without it.
	Feature string
	// Organization says that it is told to organisation-wide installations only.
	Organization bool
}

// Events are what the app subscribes to. One that nothing would come of is not among them: all count against Slack's limit of events an hour.
func Events() []Event {
	return []Event{
		{Name: "message.channels", Scope: "channels:history", For: "replies, edits and deletions in public channels", Feature: "replies reach the customer"},
		{Name: "message.groups", Scope: "groups:history", For: "the same in private channels", Feature: "private channels"},
		{Name: "member_joined_channel", Scope: "channels:read", For: "the app was invited: what waits for the channel goes out at once", Feature: "parking and waking"},
		{Name: "channel_unarchive", Scope: "channels:read", For: "the channel takes posts again: what waits for it goes out at once", Feature: "parking and waking"},
		{Name: "group_unarchive", Scope: "groups:read", For: "the same of a private channel", Feature: "parking and waking"},
		{Name: "channel_id_changed", Scope: "channels:read", For: "a channel that is shared with another organisation gets another id: everything goes on under it", Feature: "Slack Connect"},
		{Name: "app_home_opened", For: "showing a person their settings and open conversations", Feature: "App Home"},
		{Name: "app_uninstalled", For: "the app was removed: its lanes wait until it is installed again", Feature: "uninstalling and reinstalling loses nothing"},
		{Name: "tokens_revoked", For: "the token was revoked: the same", Feature: "uninstalling and reinstalling loses nothing"},
		{Name: "team_access_granted", For: "the organisation's installation was added to workspaces", Feature: "Enterprise Grid", Organization: true},
		{Name: "team_access_revoked", For: "it was taken from workspaces", Feature: "Enterprise Grid", Organization: true},
	}
}
