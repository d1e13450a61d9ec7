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
//
// A file that is missing or empty is no error: nobody has access until it is there (see Ready). A file with a mistake is one,
// here; later on a mistake is logged and the callers of before keep their access.
func LoadTokens(path string, log *slog.Logger, now settings.Clock) (*Tokens, error) {
	t := &Tokens{path: path, log: log, now: now, checked: now()}
	if err := t.read(); err != nil {
		return nil, err
	}
	if len(t.callers) == 0 {
		log.Warn("nobody has access to the API: tokens file is missing or empty", "path", path)
	}
	return t, nil
}

// Ready tells whether anybody has access; its error says why nobody has.
func (t *Tokens) Ready() error {
	if len(t.current()) == 0 {
		return fmt.Errorf("nobody has access to the API: tokens file %s is missing or empty", t.path)
	}
	return nil
}

// find answers whose token this is. It looks at every caller, and at each in constant time, so that the time it takes tells
// nothing about the tokens.
func (t *Tokens) find(token string) (found Caller, ok bool) {
	if token == "" {
		return Caller{}, false
	}
	sum := sha256.Sum256([]byte(token))
	for _, caller := range t.current() {
		if subtle.ConstantTimeCompare(sum[:], caller.sum[:]) == 1 {
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
	return nil
}

// parseTokens reads the content of a tokens file. Its errors name entries by number and name, never a hash: somebody may have
// put the token itself there.
func parseTokens(raw []byte) ([]Caller, error) {
	var entries []struct {
		Name     string   `json:"name"`
		SHA256   string   `json:"sha256"`
		Role     string   `json:"role"`
		Projects []string `json:"projects"`
	}
	if err := yaml.UnmarshalStrict(raw, &entries); err != nil {
		return nil, fmt.Errorf("not a list of {name, sha256, role, projects}: %w", err)
	}
	var callers []Caller
	var problems []error
	names, sums := map[string]bool{}, map[[sha256.Size]byte]bool{}
	for i, entry := range entries {
		caller, err := newCaller(entry.Name, entry.SHA256, entry.Role, entry.Projects)
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

func newCaller(name, sum, role string, projects []string) (Caller, error) {
	caller := Caller{Name: name, projects: map[string]bool{}}
	digest, err := hex.DecodeString(sum)
	if name == "" || err != nil || len(digest) != sha256.Size {
		return caller, errors.New("needs a name and the sha256 of the token as 64 hex digits")
	}
	copy(caller.sum[:], digest)
	if caller.Role = roles[role]; caller.Role == 0 {
		return caller, errors.New("role must be viewer, operator or admin")
	}
	if len(projects) == 0 {
		return caller, errors.New(`needs projects: a list of ids, or ["*"]`)
	}
	for _, project := range projects {
		if _, err := settings.ParseProjectName(settings.ProjectName(project)); err != nil && project != everyProject {
			return caller, fmt.Errorf("%q is not the id of a project", project)
		}
		caller.projects[project] = true
	}
	return caller, nil
}
