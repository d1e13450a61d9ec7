package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/tlsfiles"
)

// errRedisURL is the problem of a REDIS_URL that cannot be read; its own words would quote the password.
var errRedisURL = errors.New("REDIS_URL is not a Redis URL")

// newRedis makes a client of one server, of a master that Sentinel names (master_name=), or of a Redis Cluster (addr=), as the URL says, in
// the forms of go-redis. Name and password are read again for every connection, so that new ones need no restart.
//
// Over TLS it trusts the authorities of the source, those in force at each handshake; without a source those of the system.
func newRedis(address secret.String, authorities *tlsfiles.Source) (redis.UniversalClient, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return nil, errRedisURL
	}
	switch query := u.Query(); {
	case query.Has("master_name"):
		return newFailover(address, authorities)
	case query.Has("addr"):
		return newCluster(address, authorities)
	}
	options, err := redis.ParseURL(address.Reveal())
	if err != nil {
		return nil, errRedisURL
	}
	options.ContextTimeoutEnabled = true
	trust(options.TLSConfig, authorities)
	options.CredentialsProvider = func() (string, string) {
		if now, err := redis.ParseURL(address.Reveal()); err == nil {
			return now.Username, now.Password
		}
		return options.Username, options.Password
	}
	return redis.NewClient(options), nil
}

func newFailover(address secret.String, authorities *tlsfiles.Source) (redis.UniversalClient, error) {
	options, err := redis.ParseFailoverURL(address.Reveal())
	if err != nil {
		return nil, errRedisURL
	}
	options.ContextTimeoutEnabled = true
	trust(options.TLSConfig, authorities)
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

func newCluster(address secret.String, authorities *tlsfiles.Source) (redis.UniversalClient, error) {
	options, err := redis.ParseClusterURL(address.Reveal())
	if err != nil {
		return nil, errRedisURL
	}
	trust(options.TLSConfig, authorities)
	options.ContextTimeoutEnabled, options.MaxRedirects, options.ClusterStateReloadInterval = true, redirects, 5*time.Second
	options.CredentialsProvider = func() (string, string) {
		if now, err := redis.ParseClusterURL(address.Reveal()); err == nil {
			return now.Username, now.Password
		}
		return options.Username, options.Password
	}
	return redis.NewClusterClient(options), nil
}

// redisAuthorities answers whom Redis's certificate has to be of, nil for whom the system trusts.
func redisAuthorities(s Settings, log *slog.Logger) (*tlsfiles.Source, error) {
	if s.RedisCA == "" {
		return nil, nil
	}
	return tlsfiles.Open(tlsfiles.Files{CA: tlsfiles.File{Setting: "REDIS_CA", Path: s.RedisCA}}, log)
}

// trust lets each handshake be judged by the authorities that are in force then; Go's own judgement knows only those of the start.
func trust(config *tls.Config, authorities *tlsfiles.Source) {
	if config == nil || authorities == nil {
		return
	}
	name := config.ServerName
	config.InsecureSkipVerify = true // its place is taken by what follows
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if name == "" || len(state.PeerCertificates) == 0 {
			return errNameless
		}
		options := x509.VerifyOptions{Roots: authorities.Current().Authorities, DNSName: name, Intermediates: x509.NewCertPool()}
		for _, between := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(between)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err //nolint:wrapcheck // it says all
	}
}

var errNameless = errors.New("no name of Redis is known, or it shows no certificate")
