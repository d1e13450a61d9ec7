package chaos

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/slacktalk/slacktalk/dev/canary"
)

// secrets are what no log may hold besides what somebody wrote; that is known by its marks.
var secrets = canary.Words{
	adminToken: "a secret", memberToken: "a secret", botToken: "a secret", signingSecret: "a secret", clientSecret: "a secret", karteToken: "a secret",
	"佐藤 花子": "a person's name",
}

// spoken answers what a process wrote into its log that no log may hold: whatever fails, errors included, is to be told without it. A log that cannot be read
// is a complaint too.
func spoken(p *process) (found []string) {
	text, err := os.ReadFile(p.log)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // it was never started
	case err != nil:
		return []string{p.name + ": " + err.Error()}
	}
	logs := string(text)
	if err := secrets.Found(logs); err != nil {
		found = append(found, p.name+": "+err.Error())
	}
	if at := markPattern.FindStringIndex(logs); at != nil {
		found = append(found, p.name+": what somebody wrote is in a log: "+canary.Line(logs, at[0]))
	}
	for _, phrase := range phrases {
		first, _, _ := strings.Cut(phrase, "\n")
		if at := strings.Index(logs, first); at >= 0 {
			found = append(found, p.name+": what somebody wrote is in a log: "+canary.Line(logs, at))
		}
	}
	return found
}
