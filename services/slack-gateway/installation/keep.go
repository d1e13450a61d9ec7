package installation

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

const (
	// ahead is how long before its end a token is renewed. Slack's live twelve hours.
	ahead = 2 * time.Hour
	// renewing is how long one replica has to renew a token before another one may try.
	renewing = time.Minute
	// every is how often installations are looked after.
	every = 15 * time.Second
	// asked is every how many looks Slack is asked whether it still accepts the token.
	asked = 4
)

// Told is called when an installation was found to have ended, for each of its workspaces.
type Told func(ctx context.Context, team, why string) error

// Keep looks after the installations until ctx ends: it renews tokens before they end, encrypts them with the current key, and notices when Slack accepts one
// no more. Every replica does; what must be done once is agreed upon by compare-and-set.
func (s *Store) Keep(ctx context.Context, told Told) error {
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	for n := 0; ; n++ {
		for at, r := range s.all() {
			if r.GetEnded() == "" && s.Loaded() {
				s.keep(ctx, at, r, n%asked == 0, told)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Store) keep(ctx context.Context, at string, r *eventv1.InstallationRecord, ask bool, told Told) {
	if err := s.renewIfDue(ctx, at); err != nil {
		s.Log.Error("a token was not renewed", "installation", at, "err", err)
	}
	if err := s.reseal(ctx, at, r); err != nil {
		s.Log.Error("tokens were not encrypted anew", "installation", at, "err", err)
	}
	if !ask {
		return
	}
	if err := s.spread(ctx, at, r); err != nil {
		s.Log.Warn("it is not known which workspaces of an organisation the app is in", "installation", at, "err", err)
	}
	ended, err := s.endIfRefused(ctx, at, "")
	if err != nil {
		s.Log.Warn("it is not known whether Slack accepts a token", "installation", at, "err", err)
	}
	if !ended {
		return
	}
	for _, team := range teamsOf(r) {
		if err := told(ctx, team, "token"); err != nil {
			s.Log.Error("nobody was told that an installation has ended", "workspace", team, "err", err)
		}
	}
}

// renewIfDue renews the token of an installation if it ends soon. One replica does it, because Slack takes a refresh token once.
func (s *Store) renewIfDue(ctx context.Context, at string) error {
	claimed, refresh := (*eventv1.InstallationRecord)(nil), ""
	now := s.Now()
	err := s.change(ctx, at, func(r *eventv1.InstallationRecord) bool {
		claimed, refresh = nil, ""
		if !due(r, now) {
			return false
		}
		tokens, _, err := s.Keys.open(at, r.GetSealed(), r.GetSealedBy())
		if err != nil || tokens.GetRefresh() == "" {
			return false
		}
		r.RenewingUntil = timestamppb.New(now.Add(renewing))
		claimed, refresh = r, tokens.GetRefresh()
		return true
	})
	if err != nil || claimed == nil {
		return err
	}
	// Not cut off when the process is asked to stop: the old refresh token may be used up already.
	ctx = context.WithoutCancel(ctx)
	grant, err := s.Client.Renew(ctx, s.App, secret.New(refresh))
	switch code := slackapi.Code(err); {
	case err == nil:
	case code == "invalid_refresh_token" || code == "token_revoked" || code == "invalid_grant":
		s.renewed.WithLabelValues("refused").Inc()
		return errors.Join(err, s.refused(ctx, at, refresh, code))
	default:
		s.renewed.WithLabelValues("failed").Inc()
		return err // the claim ends by itself; the same refresh token is tried again
	}
	s.renewed.WithLabelValues("done").Inc()
	return s.renewedTo(ctx, at, refresh, grant)
}

func due(r *eventv1.InstallationRecord, now time.Time) bool {
	return r.GetEnded() == "" && r.GetRenewAt() != nil && r.GetRenewalProblem() == "" && !now.Before(r.GetRenewAt().AsTime()) && !now.Before(r.GetRenewingUntil().AsTime())
}

// renewedTo writes the new tokens down before anybody uses them, however long that takes: the former refresh token is used up.
func (s *Store) renewedTo(ctx context.Context, at, refresh string, grant slackapi.Grant) error {
	for n := uint64(1); ; n++ {
		err := s.ifStill(ctx, at, refresh, func(r *eventv1.InstallationRecord) error { return s.put(at, r, grant) })
		if err == nil || n == keeps {
			return err
		}
		s.Log.Error("a renewed token is not written down yet", "installation", at, "err", err, "attempt", n)
		time.Sleep(retry.Backoff(n))
	}
}

// keeps is how often it is tried to write down new tokens: for some minutes, or until the process is killed.
const keeps = 30

// refused writes down that the refresh token is no good. The token in force still acts until it ends.
func (s *Store) refused(ctx context.Context, at, refresh, code string) error {
	return s.ifStill(ctx, at, refresh, func(r *eventv1.InstallationRecord) error {
		r.RenewalProblem, r.RenewingUntil = code, nil
		return nil
	})
}

// ifStill changes an installation unless its refresh token has become another one meanwhile.
func (s *Store) ifStill(ctx context.Context, at, refresh string, how func(*eventv1.InstallationRecord) error) error {
	var problem error
	err := s.change(ctx, at, func(r *eventv1.InstallationRecord) bool {
		tokens, _, err := s.Keys.open(at, r.GetSealed(), r.GetSealedBy())
		if err != nil || tokens.GetRefresh() != refresh {
			return false
		}
		problem = how(r)
		return problem == nil
	})
	return errors.Join(err, problem)
}

// reseal encrypts the tokens with the current key if they are not.
func (s *Store) reseal(ctx context.Context, at string, r *eventv1.InstallationRecord) error {
	if _, current, err := s.Keys.open(at, r.GetSealed(), r.GetSealedBy()); err != nil || current {
		return nil //nolint:nilerr // a key that is missing is told elsewhere
	}
	var problem error
	err := s.change(ctx, at, func(r *eventv1.InstallationRecord) bool {
		tokens, current, err := s.Keys.open(at, r.GetSealed(), r.GetSealedBy())
		if err != nil || current {
			return false
		}
		r.Sealed, r.SealedBy, problem = s.Keys.seal(at, tokens)
		return problem == nil
	})
	return errors.Join(err, problem)
}

// spread takes over which workspaces the installation of an organisation acts in.
func (s *Store) spread(ctx context.Context, at string, r *eventv1.InstallationRecord) error {
	if r.GetTeam() != "" {
		return nil
	}
	tokens, _, err := s.Keys.open(at, r.GetSealed(), r.GetSealedBy())
	if err != nil {
		return err
	}
	teams, err := s.Client.As(secret.New(tokens.GetAccess()), "").Teams(ctx)
	if err != nil {
		return err
	}
	slices.Sort(teams)
	return s.change(ctx, at, func(r *eventv1.InstallationRecord) bool {
		if r.GetEnded() != "" || slices.Equal(r.GetTeams(), teams) {
			return false
		}
		r.Teams = teams
		return true
	})
}

// Spread looks at once which workspaces the installation of an organisation acts in.
func (s *Store) Spread(ctx context.Context, enterprise string) error {
	for at, r := range s.all() {
		if r.GetEnterprise() == enterprise && r.GetTeam() == "" && r.GetEnded() == "" {
			return s.spread(ctx, at, r)
		}
	}
	return nil
}

// UseUp writes down that something is used; false when it was already.
func (s *Store) UseUp(ctx context.Context, what string, limit time.Duration) (first bool, err error) {
	return s.Bus.UseUp(ctx, bus.Installations, "used."+bus.Token(what), limit)
}
