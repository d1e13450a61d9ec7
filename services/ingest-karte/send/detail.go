package send

import (
	"errors"

	"github.com/slacktalk/slacktalk/services/ingest-karte/karte"
)

// detail is what KARTE itself said of a failure, for people in Slack. Where it said nothing there is nothing that they could use: their notice says what
// became of it, and the whole error is in the log and in the dead letter.
func detail(err error) string {
	if refusal, ok := errors.AsType[*karte.Refusal](err); ok {
		return refusal.Words()
	}
	return ""
}
