package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/internal/config"
	"github.com/slacktalk/slacktalk/internal/secret"
)

type settings struct {
	Token secret.String `env:"SLACK_BOT_TOKEN,required,notEmpty"`
	Addr  string        `env:"HTTP_ADDR" envDefault:":8080"`
}

func (s *settings) Validate() error {
	if !strings.HasPrefix(s.Addr, ":") {
		return errors.New("HTTP_ADDR has no port")
	}
	return nil
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		environ []string
		token   string
		problem string
	}{
		"plain":          {[]string{"SLACK_BOT_TOKEN=a"}, "a", ""},
		"file":           {[]string{"SLACK_BOT_TOKEN_FILE=" + file}, "from-file", ""},
		"both":           {[]string{"SLACK_BOT_TOKEN=a", "SLACK_BOT_TOKEN_FILE=" + file}, "", "both"},
		"no such file":   {[]string{"SLACK_BOT_TOKEN_FILE=/does/not/exist"}, "", ""}, // it may come: see TestASecretMayComeLater
		"missing":        {nil, "", "SLACK_BOT_TOKEN"},
		"empty":          {[]string{"SLACK_BOT_TOKEN="}, "", "SLACK_BOT_TOKEN"},
		"fails validate": {[]string{"SLACK_BOT_TOKEN=a", "HTTP_ADDR=x"}, "", "HTTP_ADDR"},
	} {
		t.Run(name, func(t *testing.T) {
			var s settings
			err := config.Load(&s, c.environ)
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Fatalf("want an error naming %q, got %v", c.problem, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Token.Reveal() != c.token || s.Addr != ":8080" {
				t.Fatalf("got %q %q", s.Token.Reveal(), s.Addr)
			}
		})
	}
}
