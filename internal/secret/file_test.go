package secret_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/secret"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFileIsLookedAtAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	s := secret.FromFile(path)
	if !s.IsZero() || !errors.Is(s.Problem(), fs.ErrNotExist) {
		t.Fatalf("without its file: %q, %v", s.Reveal(), s.Problem())
	}
	copied := s
	becomes := func(text, want string, problem error) {
		t.Helper()
		write(t, path, text)
		eventually.Holds(t, 30*time.Second, "the secret is "+want, func() bool {
			return s.Reveal() == want && copied.Reveal() == want && errors.Is(s.Problem(), problem)
		})
	}
	becomes("first\n", "first", nil)
	becomes("second\r\n", "second", nil)
	becomes("", "second", secret.ErrEmpty)
	becomes("third", "third", nil)
	if s.Path() != path || secret.New("x").Path() != "" || secret.New("x").Problem() != nil {
		t.Error("a path or a problem that is none")
	}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, copied); strings.Contains(text, "third") {
		t.Error("the secret was printed")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, 30*time.Second, "the file is missed", func() bool { return errors.Is(s.Problem(), fs.ErrNotExist) })
	if s.Reveal() != "third" {
		t.Error("the last secret does not count any more")
	}
}

// What Kubernetes does with a volume of a Secret: a link is led elsewhere.
func TestALinkIsFollowed(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "..data")
	for _, name := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "token"), name)
	}
	if err := os.Symlink("one", link); err != nil {
		t.Fatal(err)
	}
	s := secret.FromFile(filepath.Join(link, "token"))
	if s.Reveal() != "one" {
		t.Fatal(s.Problem())
	}
	if err := errors.Join(os.Symlink("two", link+"_tmp"), os.Rename(link+"_tmp", link)); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, 30*time.Second, "the new one counts", func() bool { return s.Reveal() == "two" })
}
