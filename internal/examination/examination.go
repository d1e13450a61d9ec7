// Package examination is how an edge says what it finds when it is asked how it is doing: the names in findings, and what several edges look at
// in the same way.
package examination

import eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"

// TestCustomer is what the ids of the made-up customers of test messages begin with: what is about one tells nothing of the outside.
const TestCustomer = "doctor-test-"

// The checks that findings are about.
const (
	// KarteToken: KARTE is reached and accepts the token.
	KarteToken = "karte-token"
	// KarteScope: one thing that the app has to be allowed to do at KARTE; the subject is the scope.
	KarteScope = "karte-scope"
	// KarteHooks and KarteHookSignature: what arrives from KARTE, and what of it was refused.
	KarteHooks         = "karte-hooks"
	KarteHookSignature = "karte-hook-signature"
	// SlackToken: Slack is reached and accepts the token; the values say of which workspace and bot it is.
	SlackToken = "slack-token"
	// SlackScopes: what the token may do; the values name what is missing.
	SlackScopes = "slack-scopes"
	// SlackEvents and SlackSignature: what arrives from Slack, and what of it was refused.
	SlackEvents    = "slack-events"
	SlackSignature = "slack-signature"
	// SlackChannel, SlackMember and SlackUserGroup: one thing that the settings name; the subject is its id.
	SlackChannel   = "slack-channel"
	SlackMember    = "slack-member"
	SlackUserGroup = "slack-user-group"
	// Clock: the replica's clock, held against the outside system's.
	Clock = "clock"
)

// Names of the values in findings. Times are RFC 3339, durations as Go writes them.
const (
	// ValueCode is why something failed, in a word: the other side's error code or HTTP status, CodeUnreachable, or one of the codes below.
	ValueCode = "code"
	// ValueTeam, ValueBot and ValueName are the workspace, the bot's member id, and a name for people.
	ValueTeam = "team"
	ValueBot  = "bot"
	ValueName = "name"
	// ValueMissing are the scopes that are missing, separated by commas.
	ValueMissing = "missing"
	// ValueFor is what something is needed for. ValueOptional is set where messages flow without it; of SlackScopes, it lists those.
	ValueFor      = "for"
	ValueOptional = "optional"
	// ValueSince is since when a replica remembers.
	ValueSince = "since"
	// ValueGood is when the last good request came; absent when none has.
	ValueGood = "good_last"
	// ValueForeign is when the last one of another project came, and ValueForeignProject is that project.
	ValueForeign        = "foreign_last"
	ValueForeignProject = "foreign_project"
	// ValueSkew is how far the time of the last stale request was from ours; positive when our clock is ahead, or when it came late.
	ValueSkew = "stale_skew"
	// ValueNow is a replica's own time when it answered.
	ValueNow = "now"
	// ValueOffset is how far a replica's clock is ahead of the other side's; absent when that is not known.
	ValueOffset = "offset"
)

// Codes of ours in ValueCode.
const (
	// CodeUnreachable: no answer came from the other side.
	CodeUnreachable = "unreachable"
	// CodeNotInstalled: the app is not, or no longer, in the workspace.
	CodeNotInstalled = "not_installed"
	// CodeNotBot: the token is a person's.
	CodeNotBot = "not_a_bot"
	// CodeUnknown: the other side does not know it.
	CodeUnknown = "unknown"
	// CodeArchived, CodeNotIn: of a channel.
	CodeArchived = "archived"
	CodeNotIn    = "not_in_channel"
	// CodeOtherTeam, CodeDeactivated, CodeGuest, CodeBot: of a member.
	CodeOtherTeam   = "other_team"
	CodeDeactivated = "deactivated"
	CodeGuest       = "guest"
	CodeBot         = "bot"
)

// Find answers the first finding of a check, nil when there is none.
func Find(findings []*eventv1.Finding, check string) *eventv1.Finding {
	for _, f := range findings {
		if f.GetCheck() == check {
			return f
		}
	}
	return nil
}
