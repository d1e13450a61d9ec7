package slackapi

import (
	"errors"

	"github.com/slack-go/slack"
)

// Words is what Slack itself answered, for people, who can do nothing with the name of a call. Where Slack answered nothing it is the error as it is.
func Words(err error) string {
	word := code(err)
	if word == "" {
		return err.Error()
	}
	if answer, ok := errors.AsType[slack.SlackErrorResponse](err); ok && answer.Needed != "" {
		word += " (needs the scope " + answer.Needed + ")"
	}
	return word
}
