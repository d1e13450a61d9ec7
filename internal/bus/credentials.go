package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/slacktalk/slacktalk/internal/secret"
)

// errAddress is the problem of a NATS_URL that cannot be read; its own words would quote the password.
var errAddress = errors.New("NATS_URL is not a NATS URL")

// credentials answers who we are at every connection anew: a password that was replaced in its file is in force from the next one on, and the server
// asks for one when it takes over another password.
type credentials struct{ url secret.String }

// servers answers the addresses without what is secret in them.
func (c credentials) servers() (string, error) {
	var servers []string
	for _, u := range c.urls() {
		if u == nil {
			return "", errAddress
		}
		u.User = nil
		servers = append(servers, u.String())
	}
	return strings.Join(servers, ","), nil
}

// urls answers the addresses, nil for one that is none.
func (c credentials) urls() []*url.URL {
	var urls []*url.URL
	for part := range strings.SplitSeq(c.url.Reveal(), ",") {
		part = strings.TrimSpace(part)
		if !strings.Contains(part, "://") {
			part = "nats://" + part
		}
		u, err := url.Parse(part)
		if err != nil || u.Host == "" {
			u = nil
		}
		urls = append(urls, u)
	}
	return urls
}

// user answers name and password of the first address that has one; a name alone is a token.
func (c credentials) user() (name, password, token string) {
	for _, u := range c.urls() {
		if u == nil || u.User == nil {
			continue
		}
		if password, ok := u.User.Password(); ok {
			return u.User.Username(), password, ""
		}
		return "", "", u.User.Username()
	}
	return "", "", ""
}

// InboxOf is where answers to a user of NATS are sent: below it only that user may listen.
func InboxOf(user string) string { return "_INBOX." + user }

func (c credentials) options() []nats.Option {
	options := []nats.Option{
		nats.UserInfoHandler(func() (string, string) {
			name, password, _ := c.user()
			return name, password
		}),
		nats.TokenHandler(func() string {
			_, _, token := c.user()
			return token
		}),
	}
	if name, _, _ := c.user(); plain.MatchString(name) {
		options = append(options, nats.CustomInboxPrefix(InboxOf(name)))
	}
	return options
}

// who names the user in an error about being refused.
func (c credentials) who(err error) error {
	if !errors.Is(err, nats.ErrAuthorization) && !errors.Is(err, nats.ErrAuthExpired) {
		return err
	}
	name, _, _ := c.user()
	return fmt.Errorf("NATS refuses the user %q of NATS_URL: is it the user of this service, and is its password the server's? %w", name, err)
}

// sayAgain is how long the same problem of connecting is not told again.
const sayAgain = 30 * time.Second

// failures logs why no connection comes about: when that changes, and now and then.
func failures(log *slog.Logger, who func(error) error) nats.ConnErrHandler {
	var mu sync.Mutex
	var last string
	var told time.Time
	return func(_ *nats.Conn, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil || (err.Error() == last && time.Since(told) < sayAgain) {
			return
		}
		last, told = err.Error(), time.Now()
		log.Warn("no connection to nats", "err", who(err))
	}
}
