package api

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"sync"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/slacktalk/slacktalk/services/router/settings"
)

// recheck is how long a tokens file is believed before it is looked at again.
const recheck = time.Second

// Tokens knows who may call, from a file that is read again when it changes. It may be used by any number of goroutines.
type Tokens struct {
	path string
	log  *slog.Logger
	now  settings.Clock

	mu      sync.Mutex
	checked time.Time // when the file was looked at last
	seen    []byte    // what it held then, good or not
	callers []Caller
}

// LoadTokens reads a tokens file: a YAML or JSON list of
//
//   - name: ci                # who this is, for the audit log
//     sha256: 9f86d08188…     # of the token, 64 hex digits
//     role: operator          # viewer, operator or admin
//     projects: [demo]        # or ["*"] for all
//     expires: 2027-01-31     # optional: the last day it is valid, in UTC; or a time like 2027-01-31T09:00:00Z
//     acts_for_members: true  # optional: for slack-gateway, whose calls on behalf of a member have that member's rights
//
// NewToken makes such an entry. A file that is missing or empty is no error: nobody has access until it is there (see Ready). A file with a mistake is one,
// here; later on a mistake is logged and the callers of before keep their access.
func LoadTokens(path string, log *slog.Logger, now settings.Clock) (*Tokens, error) {
	t := &Tokens{path: path, log: log, now: now, checked: now()}
	if err := t.read(); err != nil {
		return nil, err
	}
	if t.Ready() != nil {
		log.Warn("nobody has access to the API: tokens file is missing, empty, or all have expired", "path", path)
	}
	return t, nil
}

// Ready tells whether anybody has access; its error says why nobody has.
func (t *Tokens) Ready() error {
	now := t.now()
	for _, caller := range t.current() {
		if !caller.expired(now) {
			return nil
		}
	}
	return fmt.Errorf("nobody has access to the API: tokens file %s is missing, empty, or all have expired", t.path)
}

// find answers whose token this is. It looks at every caller, and at each in constant time, so that the time it takes tells
// nothing about the tokens.
func (t *Tokens) find(token string) (found Caller, ok bool) {
	if token == "" {
		return Caller{}, false
	}
	sum, now := sha256.Sum256([]byte(token)), t.now()
	for _, caller := range t.current() {
		if subtle.ConstantTimeCompare(sum[:], caller.sum[:]) == 1 && !caller.expired(now) {
			found, ok = caller, true
		}
	}
	return found, ok
}

func (t *Tokens) current() []Caller {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.now(); now.Sub(t.checked) >= recheck {
		t.checked = now
		if err := t.read(); err != nil {
			t.log.Error("tokens file not taken over, the former one stays in force", "err", err)
		}
	}
	return t.callers
}

// read takes over the file if it changed. It compares the bytes: times of change may be too coarse to show two quick changes,
// and the file is small. An error is answered once for each broken content.
func (t *Tokens) read() error {
	raw, err := os.ReadFile(t.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// The error takes the place of the content, so that it too is told once.
		raw = []byte(err.Error())
	} else {
		err = nil
	}
	if t.seen != nil && bytes.Equal(raw, t.seen) {
		return nil
	}
	t.seen = append([]byte{}, raw...)
	if err != nil {
		return fmt.Errorf("read tokens file: %w", err)
	}
	callers, err := parseTokens(raw)
	if err != nil {
		return fmt.Errorf("read tokens file %s: %w", t.path, err)
	}
	t.callers = callers
	t.checkMode()
	return nil
}

// checkMode warns of a file that others than its owner may write, which is a way to get any access, or that everybody may read.
func (t *Tokens) checkMode() {
	info, err := os.Stat(t.path)
	if err != nil {
		return // there is no file, or not any more
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 || mode&0o004 != 0 {
		t.log.Warn("tokens file is open to others than its owner", "path", t.path, "mode", mode.String(), "advice", "chmod 0600, or 0440 with a group of its own")
	}
}

// parseTokens reads the content of a tokens file. Its errors name entries by number and name, never a hash: somebody may have
// put the token itself there.
func parseTokens(raw []byte) ([]Caller, error) {
	var entries []tokenEntry
	if err := yaml.UnmarshalStrict(raw, &entries); err != nil {
		// Its own words may quote the file.
		return nil, fmt.Errorf("not a list of {name, sha256, role, projects, expires, acts_for_members}%s; a token itself does not belong into it", lineOf(err))
	}
	var callers []Caller
	var problems []error
	names, sums := map[string]bool{}, map[[sha256.Size]byte]bool{}
	for i, entry := range entries {
		caller, err := newCaller(entry)
		if err == nil && (names[caller.Name] || sums[caller.sum]) {
			err = errors.New("name or sha256 is used by an entry before")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("entry %d (%q): %w", i+1, entry.Name, err))
		}
		names[caller.Name], sums[caller.sum] = true, true
		callers = append(callers, caller)
	}
	return callers, errors.Join(problems...)
}

// tokenEntry is an entry of a tokens file.
type tokenEntry struct {
	Name     string   `json:"name"`
	SHA256   string   `json:"sha256"`
	Role     string   `json:"role"`
	Projects []string `json:"projects"`
	Expires  string   `json:"expires,omitempty"`
	// ActsForMembers: calls may be made on behalf of members of a workspace, with their rights.
	ActsForMembers bool `json:"acts_for_members,omitempty"`
}

var line = regexp.MustCompile(`line \d+`)

// lineOf answers where a YAML error is, if it tells.
func lineOf(err error) string {
	if at := line.FindString(err.Error()); at != "" {
		return " (" + at + ")"
	}
	return ""
}

// callerName keeps names fit for logs and lists.
var callerName = regexp.MustCompile(`^[^\pC\pZ]([^\pC]{0,98}[^\pC\pZ])?$`)

func newCaller(entry tokenEntry) (Caller, error) {
	caller := Caller{Name: entry.Name, projects: map[string]bool{}}
	digest, err := hex.DecodeString(entry.SHA256)
	if !callerName.MatchString(entry.Name) || err != nil || len(digest) != sha256.Size {
		return caller, errors.New("needs a name of at most 100 characters and the sha256 of the token as 64 hex digits")
	}
	copy(caller.sum[:], digest)
	if guessable(entry, caller.sum) {
		return caller, errors.New("the token can be guessed; make one with `router token new`")
	}
	caller.actsForMembers = entry.ActsForMembers
	if caller.Role = roles[entry.Role]; caller.Role == 0 {
		return caller, errors.New("role must be viewer, operator or admin")
	}
	if len(entry.Projects) == 0 {
		return caller, errors.New(`needs projects: a list of ids, or ["*"]`)
	}
	for _, project := range entry.Projects {
		if _, err := settings.ParseProjectName(settings.ProjectName(project)); err != nil && project != everyProject {
			return caller, fmt.Errorf("%q is not the id of a project", project)
		}
		caller.projects[project] = true
	}
	caller.expires, err = parseExpires(entry.Expires)
	return caller, err
}

// guessable reports whether a hash is that of nothing, of a word that everybody tries first, or of something that stands in the entry. More
// cannot be told from a hash.
func guessable(entry tokenEntry, sum [sha256.Size]byte) bool {
	words := append([]string{entry.Name, entry.Role, entry.SHA256}, entry.Projects...)
	for _, word := range append(words, firstGuesses...) {
		for _, ending := range []string{"", "\n"} {
			if sha256.Sum256([]byte(word+ending)) == sum {
				return true
			}
		}
	}
	return sum == [sha256.Size]byte{}
}

var firstGuesses = []string{
	"", "token", "secret", "password", "passwd", "pass", "changeme", "change-me", "replace-me", "admin", "administrator", "root", "test", "demo", "example", "default",
	"letmein", "welcome", "qwerty", "abc123", "12345", "123456", "12345678", "123456789", "1234567890", "111111", "000000", "viewer", "operator", "router", "slacktalk", "slack-talk",
}

// parseExpires answers when a token ends: at the time given, or with the day given; never for "".
func parseExpires(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("expires must be a day like 2027-01-31, or a time like 2027-01-31T09:00:00Z")
	}
	return at, nil
}

func (c Caller) expired(now time.Time) bool { return !c.expires.IsZero() && !now.Before(c.expires) }
