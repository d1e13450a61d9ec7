package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// tokenPrefix lets people, and programs that look for secrets in the wrong places, see what a token is for.
const tokenPrefix = "slacktalk_"

// NewToken carries out `router token new`: it writes a new token on the first line of out, and on the second its entry for the tokens file. The
// token is kept nowhere.
func NewToken(args []string, out io.Writer, now time.Time) error {
	var entry tokenEntry
	flags := flag.NewFlagSet("router token new", flag.ContinueOnError)
	flags.StringVar(&entry.Name, "name", "", "who gets it; stands in the audit entries")
	flags.StringVar(&entry.Role, "role", "viewer", "viewer reads; operator also links operators, moves conversations, replays and runs the doctor; admin also changes settings, erases, discards and reads the audit")
	flags.StringVar(&entry.Expires, "expires", "", "its last day, like 2027-01-31, or a time like 2027-01-31T09:00:00Z; never when empty")
	flags.BoolVar(&entry.ActsForMembers, "acts-for-members", false, "for slack-gateway: calls on behalf of a member of a workspace have that member's rights")
	flags.Func("project", "id of a project, or '*' for all; may be given several times", func(project string) error {
		entry.Projects = append(entry.Projects, project)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	sum := sha256.Sum256([]byte(token))
	entry.SHA256 = hex.EncodeToString(sum[:])
	caller, err := newCaller(entry)
	if err != nil {
		return err
	}
	if caller.expired(now) {
		return fmt.Errorf("a token that expired %s is of no use", entry.Expires)
	}
	line, err := json.Marshal(entry) // JSON is YAML as well
	if err != nil {
		return fmt.Errorf("write entry: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s\n- %s\n", token, strings.TrimSpace(string(line)))
	return err
}
