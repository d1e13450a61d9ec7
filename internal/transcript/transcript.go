// Package transcript keeps what a program logs or prints, for tests that read it meanwhile.
package transcript

import (
	"bytes"
	"strings"
	"sync"
)

// Transcript is a writer whose text may be read while others write. Its zero value is empty.
type Transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (t *Transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

// String answers everything so far.
func (t *Transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// Count answers how often words were written so far.
func (t *Transcript) Count(words string) int { return strings.Count(t.String(), words) }
