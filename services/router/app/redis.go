package app

import (
	"errors"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/secret"
)

// errRedisURL is the problem of a REDIS_URL that cannot be read; its own words would quote the password.
var errRedisURL = errors.New("REDIS_URL is not a Redis URL")

// newRedis makes a client of one server, of a master that Sentinel names (master_name=), or of a Redis Cluster (addr=), as the URL says, in
// the forms of go-redis. Name and password are read again for every connection, so that new ones need no restart.
func newRedis(address secret.String) (redis.UniversalClient, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return nil, errRedisURL
	}
	switch query := u.Query(); {
	case query.Has("master_name"):
		return newFailover(address)
	case query.Has("addr"):
		return newCluster(address)
	}
	options, err := redis.ParseURL(address.Reveal())
	if err != nil {
		return nil, errRedisURL
	}
	options.ContextTimeoutEnabled = true
	options.CredentialsProvider = func() (string, string) {
		if now, err := redis.ParseURL(address.Reveal()); err == nil {
			return now.Username, now.Password
		}
		return options.Username, options.Password
	}
	return redis.NewClient(options), nil
}

func newFailover(address secret.String) (redis.UniversalClient, error) {
	options, err := redis.ParseFailoverURL(address.Reveal())
	if err != nil {
		return nil, errRedisURL
	}
	options.ContextTimeoutEnabled = true
	options.CredentialsProvider = func() (string, string) {
		if now, err := redis.ParseFailoverURL(address.Reveal()); err == nil {
			return now.Username, now.Password
		}
		return options.Username, options.Password
	}
	return redis.NewFailoverClient(options), nil
}

// redirects is how often a call follows a slot that moves; while a replica takes over it is the time that a call has which ends it.
const redirects = 8

func newCluster(address secret.String) (redis.UniversalClient, error) {
	options, err := redis.ParseClusterURL(address.Reveal())
	if err != nil {
		return nil, errRedisURL
	}
	options.ContextTimeoutEnabled, options.MaxRedirects, options.ClusterStateReloadInterval = true, redirects, 5*time.Second
	options.CredentialsProvider = func() (string, string) {
		if now, err := redis.ParseClusterURL(address.Reveal()); err == nil {
			return now.Username, now.Password
		}
		return options.Username, options.Password
	}
	return redis.NewClusterClient(options), nil
}
