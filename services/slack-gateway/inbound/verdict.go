package inbound

// Verdict says what became of an event. It is a closed list whose names label a metric.
type Verdict uint8

// The verdicts. Only VerdictFact comes with a fact.
const (
	// VerdictFact: the event is a fact about a reply.
	VerdictFact Verdict = iota
	// VerdictWake: a lane may be able to go on, see [WakeOf].
	VerdictWake
	// VerdictNotEvent: the payload carries no event.
	VerdictNotEvent
	// VerdictRateLimited: Slack has withheld events.
	VerdictRateLimited
	// VerdictUnknownType: an event that we did not ask for.
	VerdictUnknownType
	// VerdictAppEvent: an event about the app itself (home opened, uninstalled, tokens revoked).
	VerdictAppEvent
	// VerdictMention: app_mention, which only repeats a message event.
	VerdictMention
	// VerdictChannelEvent: a channel or its members changed in a way that concerns no lane.
	VerdictChannelEvent
	// VerdictOtherTeam: the event belongs to another installation.
	VerdictOtherTeam
	// VerdictOwnPost: the app's own message coming back.
	VerdictOwnPost
	// VerdictOtherApp: written by another app, a workflow or Slack itself.
	VerdictOtherApp
	// VerdictSystem: a message that Slack made about the channel, or of a subtype that nobody writes by hand.
	VerdictSystem
	// VerdictReplied: Slack's second event about the head of a thread that got a reply.
	VerdictReplied
	// VerdictNotInThread: a message of the channel, or the head of a thread.
	VerdictNotInThread
	// VerdictOtherThread: a reply in a thread that somebody else opened.
	VerdictOtherThread
	// VerdictSameWords: a message changed in something else than its words, such as an unfurled link.
	VerdictSameWords
	// VerdictEdited: a message read from a thread is not as it was written.
	VerdictEdited
	// VerdictMalformed: a part that is needed is missing or has the wrong shape.
	VerdictMalformed
)

var verdictNames = [...]string{
	VerdictFact:         "fact",
	VerdictWake:         "wake",
	VerdictNotEvent:     "not_event",
	VerdictRateLimited:  "rate_limited",
	VerdictUnknownType:  "unknown_type",
	VerdictAppEvent:     "app_event",
	VerdictMention:      "mention",
	VerdictChannelEvent: "channel_event",
	VerdictOtherTeam:    "other_team",
	VerdictOwnPost:      "own_post",
	VerdictOtherApp:     "other_app",
	VerdictSystem:       "system",
	VerdictReplied:      "message_replied",
	VerdictNotInThread:  "not_in_thread",
	VerdictOtherThread:  "other_thread",
	VerdictSameWords:    "same_words",
	VerdictEdited:       "edited",
	VerdictMalformed:    "malformed",
}

// String is the verdict's name as a metric label.
func (v Verdict) String() string {
	if int(v) >= len(verdictNames) {
		return "invalid"
	}
	return verdictNames[v]
}

// Verdicts lists them all, so that a metric can start every one of them at zero.
func Verdicts() []Verdict {
	all := make([]Verdict, len(verdictNames))
	for i := range all {
		all[i] = Verdict(i)
	}
	return all
}
