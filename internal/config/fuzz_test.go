package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/config"
	"github.com/slacktalk/slacktalk/internal/secret"
)

// every has a setting of each form that the services use.
type every struct {
	Secret  secret.String `env:"KARTE_API_TOKEN,required,notEmpty"`
	List    []string      `env:"LIST" envDefault:"a,b"`
	Time    time.Duration `env:"TIME" envDefault:"1m"`
	Number  int           `env:"NUMBER" envDefault:"7"`
	Decimal float64       `env:"DECIMAL" envDefault:"0.5"`
}

// Whatever stands in the environment is taken as it is or refused with an error that names the setting and not the secret.
func FuzzLoad(f *testing.F) {
	f.Add("token-value-1", "x,y", "5m", "3", "1.5")
	f.Add("token-value-1", ",", "-1h", "0x7", "NaN")
	f.Add("", "", "", "", "")
	f.Add("a\x00b", "\n", "1", "99999999999999999999", "1e999")
	f.Fuzz(func(t *testing.T, token, list, duration, number, decimal string) {
		var s every
		err := config.Load(&s, []string{"KARTE_API_TOKEN=" + token, "LIST=" + list, "TIME=" + duration, "NUMBER=" + number, "DECIMAL=" + decimal})
		others := list + duration + number + decimal
		if err != nil && len(token) > 8 && !strings.Contains(others, token) && strings.Contains(err.Error(), token) {
			t.Fatalf("the secret is in %v", err)
		}
		if err != nil {
			return
		}
		if s.Secret.Reveal() != token || token == "" {
			t.Fatalf("got %q for %q", s.Secret.Reveal(), token)
		}
		if list != "" && strings.Join(s.List, ",") != list && !strings.HasSuffix(list, ",") {
			t.Fatalf("got %q for %q", s.List, list)
		}
	})
}
