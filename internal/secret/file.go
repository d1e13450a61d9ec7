package secret

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// lookAgain is how old what was read of a file may be. A secret that is replaced is in force this long afterwards.
const lookAgain = time.Second

// ErrEmpty is the problem of a file that holds nothing.
var ErrEmpty = errors.New("the file is empty")

// FromFile is a secret that stands in a file, without its last line break. The file is looked at again while the secret is used, so that a new
// one needs no restart; it may come later than the process. While the file cannot be read, or is empty as in the middle of being written, the
// last secret that stood in it counts.
func FromFile(path string) String {
	f := &file{path: path}
	_, _ = f.reveal() // whether it can be read is asked when it is used
	return String{file: f}
}

// Path answers the file that the secret comes from, nothing where it comes from none.
func (s String) Path() string {
	if s.file == nil {
		return ""
	}
	return s.file.path
}

// Given reports whether there is a secret, or a file that one is awaited in.
func (s String) Given() bool { return s.file != nil || s.value != "" }

// Problem answers why the secret's file is not what counts now; nil where there is none, and for a secret from no file.
func (s String) Problem() error {
	if s.file == nil {
		return nil
	}
	_, err := s.file.reveal()
	return err
}

// file is shared by all copies of a String.
type file struct {
	path string

	mu      sync.Mutex
	read    time.Time
	content string
	err     error
}

func (f *file) reveal() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.read.IsZero() && time.Since(f.read) < lookAgain {
		return f.content, f.err
	}
	f.read = time.Now()
	raw, err := os.ReadFile(f.path)
	content := strings.TrimRight(string(raw), "\r\n")
	switch {
	case err != nil:
		f.err = fmt.Errorf("read a secret: %w", err)
	case content == "":
		f.err = fmt.Errorf("read a secret: %s: %w", f.path, ErrEmpty)
	default:
		f.content, f.err = content, nil
	}
	return f.content, f.err
}
