package installation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/inbound"
	"github.com/slacktalk/slacktalk/services/slack-gateway/slackapi"
)

// prefix stands before the keys of installations; beside them the bucket holds what was used up.
const prefix = "i."

// Options of a Store.
type Options struct {
	Bus      *bus.Bus
	Registry *Registry
	// Client gives clients with other tokens; its own is not used.
	Client *slackapi.Client
	App    slackapi.AppCredentials
	Keys   Keys
	// Every is how often installations are looked after; 15 s when 0.
	Every   time.Duration
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Store is the installations by OAuth, which all replicas share.
type Store struct {
	Options
	records bus.Records[*eventv1.InstallationRecord]
	loaded  atomic.Bool
	states  *prometheus.GaugeVec
	renewed *prometheus.CounterVec

	mu sync.Mutex
	// held is the installations by key, as they were last told.
	held map[string]held
}

type held struct {
	record   *eventv1.InstallationRecord
	revision uint64
	// problem is why its tokens cannot be used.
	problem error
}

// NewStore makes one.
func NewStore(o Options) *Store {
	if o.Every == 0 {
		o.Every = every
	}
	s := &Store{
		Options: o, records: bus.NewRecords[*eventv1.InstallationRecord](o.Bus, bus.Installations), held: map[string]held{},
		states: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "slacktalk_slack_installations", Help: "Installations of the Slack app by OAuth, by state: active, ended, unreadable (encrypted with a key that is not there), unrenewed (its token ends and could not be renewed).",
		}, []string{"state"}),
		renewed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slacktalk_slack_token_renewals_total", Help: "Renewals of tokens by result: done, refused, failed.",
		}, []string{"result"}),
	}
	o.Metrics.MustRegister(s.states, s.renewed)
	return s
}

// key is where the installation of a workspace or an organisation stands. It is also what its tokens are bound to.
func key(enterprise, team string) string {
	named := func(id string) string {
		if id == "" {
			return "-"
		}
		return id
	}
	return prefix + named(enterprise) + "." + named(team)
}

func keyOfRecord(r *eventv1.InstallationRecord) string { return key(r.GetEnterprise(), r.GetTeam()) }

// Loaded reports whether it is known what is installed.
func (s *Store) Loaded() bool { return s.loaded.Load() }

// Serve keeps the registry as the installations are, until ctx ends.
func (s *Store) Serve(ctx context.Context) error {
	bus.Watch(ctx, s.Bus, bus.Installations, prefix, s.take, func() { s.loaded.Store(true) })
	return nil
}

// take takes over an installation as it is now.
func (s *Store) take(at string, record *eventv1.InstallationRecord, revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.held[at]
	if at != keyOfRecord(record) || known && before.revision >= revision {
		return
	}
	now := held{record: record, revision: revision}
	var tokens *eventv1.InstallationTokens
	if record.GetEnded() == "" {
		if tokens, _, now.problem = s.Keys.open(at, record.GetSealed(), record.GetSealedBy()); now.problem != nil {
			s.Log.Error("an installation cannot be used", "installation", at, "err", now.problem)
		}
	}
	s.held[at] = now
	s.count()
	gone := teamsOf(before.record)
	if tokens != nil {
		for _, team := range teamsOf(record) {
			gone = slices.DeleteFunc(gone, func(t string) bool { return t == team })
			s.Registry.Set(team, s.workspace(record, team, tokens))
		}
	}
	for _, team := range gone {
		if !s.elsewhere(at, team) {
			s.Registry.Remove(team)
		}
	}
}

// teamsOf answers the workspaces that an installation is for.
func teamsOf(record *eventv1.InstallationRecord) []string {
	if record.GetTeam() != "" {
		return []string{record.GetTeam()}
	}
	return slices.Clone(record.GetTeams())
}

func (s *Store) workspace(record *eventv1.InstallationRecord, team string, tokens *eventv1.InstallationTokens) Workspace {
	acting := team
	if record.GetTeam() != "" {
		acting = ""
	}
	return Workspace{
		Self:   inbound.Self{BotUser: record.GetBotUser(), BotID: record.GetBotId(), AppID: record.GetAppId(), Team: team},
		Client: s.Client.As(secret.New(tokens.GetAccess()), acting),
	}
}

// elsewhere makes another installation count for a workspace, where there is one: it may be installed by itself and with its organisation.
func (s *Store) elsewhere(not, team string) bool {
	for at, h := range s.held {
		if at == not || h.record.GetEnded() != "" || !slices.Contains(teamsOf(h.record), team) {
			continue
		}
		if tokens, _, err := s.Keys.open(at, h.record.GetSealed(), h.record.GetSealedBy()); err == nil {
			s.Registry.Set(team, s.workspace(h.record, team, tokens))
			return true
		}
	}
	return false
}

// count sets the figures. The lock is held.
func (s *Store) count() {
	n := map[string]int{"active": 0, "ended": 0, "unreadable": 0, "unrenewed": 0}
	for _, h := range s.held {
		switch {
		case h.record.GetEnded() != "":
			n["ended"]++
		case h.problem != nil:
			n["unreadable"]++
		case h.record.GetRenewalProblem() != "":
			n["unrenewed"]++
		default:
			n["active"]++
		}
	}
	for state, count := range n {
		s.states.WithLabelValues(state).Set(float64(count))
	}
}

// all answers the installations there are now.
func (s *Store) all() map[string]*eventv1.InstallationRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	records := map[string]*eventv1.InstallationRecord{}
	for at, h := range s.held {
		records[at] = h.record
	}
	return records
}

// Problem answers, for an administrator, why the app does not act in a workspace.
func (s *Store) Problem(team string) error {
	for at, r := range s.all() {
		if !slices.Contains(teamsOf(r), team) {
			continue
		}
		if r.GetEnded() != "" {
			return fmt.Errorf("%w: it was removed at %s (%s)", ErrNotInstalled, r.GetEndedAt().AsTime().UTC().Format(time.RFC3339), r.GetEnded())
		}
		if _, _, err := s.Keys.open(at, r.GetSealed(), r.GetSealedBy()); err != nil {
			return fmt.Errorf("%w: %w", ErrNotInstalled, err)
		}
		if r.GetRenewalProblem() != "" {
			return fmt.Errorf("%w: its token could not be renewed (%s)", ErrNotInstalled, r.GetRenewalProblem())
		}
	}
	return fmt.Errorf("workspace %s: %w", team, ErrNotInstalled)
}

// Resolve answers who the app is in the workspace that something is for. A workspace that its organisation's installation was just added to, or that another
// replica has just taken in, is looked up.
func (s *Store) Resolve(ctx context.Context, origin inbound.Origin) (inbound.Self, error) {
	self, err := s.Registry.Resolve(origin)
	if err == nil {
		return self, nil
	}
	if !s.Loaded() {
		return inbound.Self{}, errors.New("it is not known yet where the app is installed")
	}
	for _, team := range origin.Teams {
		places := []string{key("", team)}
		if origin.Enterprise != "" {
			places = append(places, key(origin.Enterprise, team), key(origin.Enterprise, ""))
		}
		for _, at := range places {
			if err := s.look(ctx, at, team); err != nil {
				return inbound.Self{}, err
			}
		}
	}
	return s.Registry.Resolve(origin)
}

// look reads an installation that may be new, and adds a workspace of the organisation to it.
func (s *Store) look(ctx context.Context, at, team string) error {
	record := &eventv1.InstallationRecord{}
	revision, err := s.records.Read(ctx, at, record)
	if err != nil || revision == 0 {
		return err
	}
	if record.GetEnded() == "" && record.GetTeam() == "" && !slices.Contains(record.GetTeams(), team) {
		return s.change(ctx, at, func(r *eventv1.InstallationRecord) bool {
			if r.GetEnded() != "" || slices.Contains(r.GetTeams(), team) {
				return false
			}
			r.Teams = append(r.Teams, team)
			return true
		})
	}
	s.take(at, record, revision)
	return nil
}

// changes is how often a change is tried when others change the same record at the same time.
const changes = 20

// change changes an installation by compare-and-set; how answers false when there is nothing to change.
func (s *Store) change(ctx context.Context, at string, how func(*eventv1.InstallationRecord) bool) error {
	var err error
	for range changes {
		record := &eventv1.InstallationRecord{}
		var revision uint64
		if revision, err = s.records.Read(ctx, at, record); err != nil {
			return err
		}
		if !how(record) {
			if revision > 0 {
				s.take(at, record, revision)
			}
			return nil
		}
		if revision, err = s.records.Write(ctx, at, record, revision); err == nil {
			s.take(at, record, revision)
			return nil
		}
		if !errors.Is(err, bus.ErrConflict) {
			return err
		}
	}
	return err
}

// Install keeps what Slack granted, and takes the place of a former installation.
func (s *Store) Install(ctx context.Context, grant slackapi.Grant) error {
	client := s.Client.As(grant.Access, "")
	self, err := client.Self(ctx)
	if err != nil {
		return err
	}
	fresh := &eventv1.InstallationRecord{
		Team: grant.Team, Enterprise: grant.Enterprise, Name: grant.TeamName, AppId: grant.AppID, BotUser: self.UserID, BotId: self.BotID, InstalledAt: timestamppb.New(s.Now()),
	}
	if grant.Team == "" {
		fresh.Name = grant.EnterpriseName
		if fresh.Teams, err = client.Teams(ctx); err != nil {
			return err
		}
	}
	at := keyOfRecord(fresh)
	if err := s.put(at, fresh, grant); err != nil {
		return err
	}
	// From here on the grant must not be lost.
	return s.change(context.WithoutCancel(ctx), at, func(r *eventv1.InstallationRecord) bool {
		proto.Reset(r)
		proto.Merge(r, fresh)
		return true
	})
}

// put puts the tokens of a grant into a record.
func (s *Store) put(at string, r *eventv1.InstallationRecord, grant slackapi.Grant) (err error) {
	r.Sealed, r.SealedBy, err = s.Keys.seal(at, &eventv1.InstallationTokens{Access: grant.Access.Reveal(), Refresh: grant.Refresh.Reveal()})
	r.ExpiresAt, r.RenewAt = nil, nil
	if now := s.Now(); grant.ExpiresIn > 0 {
		r.ExpiresAt, r.RenewAt = timestamppb.New(now.Add(grant.ExpiresIn)), timestamppb.New(now.Add(max(grant.ExpiresIn-ahead, grant.ExpiresIn/2)))
	}
	r.RenewingUntil, r.RenewalProblem = nil, ""
	return err
}

// End writes down that an installation has ended, in Slack's word, if Slack does not accept its token any more. What Slack told may be about a former
// installation: it may come late.
func (s *Store) End(ctx context.Context, team, said string) (ended bool, err error) {
	for at, r := range s.all() {
		if r.GetEnded() != "" || !slices.Contains(teamsOf(r), team) {
			continue
		}
		one, err := s.endIfRefused(ctx, at, said)
		if err != nil {
			return ended, err
		}
		ended = ended || one
	}
	return ended, nil
}

// endIfRefused asks Slack with the token that is in force.
func (s *Store) endIfRefused(ctx context.Context, at, said string) (bool, error) {
	record := &eventv1.InstallationRecord{}
	revision, err := s.records.Read(ctx, at, record)
	if err != nil || revision == 0 || record.GetEnded() != "" {
		return false, err
	}
	tokens, _, err := s.Keys.open(at, record.GetSealed(), record.GetSealedBy())
	if err != nil {
		return false, err
	}
	_, err = s.Client.As(secret.New(tokens.GetAccess()), "").Self(ctx)
	word := slackapi.Ended(err)
	if word == "" {
		if errors.Is(err, retry.ErrParked) {
			err = nil // it has expired, or may not do this: that is no end
		}
		return false, err
	}
	record.Ended, record.EndedAt = word, timestamppb.New(s.Now())
	if said != "" {
		record.Ended = said
	}
	record.Sealed, record.SealedBy, record.ExpiresAt, record.RenewAt = nil, "", nil, nil
	// Only if it is still what was asked about: who installs it again in this moment is not undone.
	revision, err = s.records.Write(ctx, at, record, revision)
	if errors.Is(err, bus.ErrConflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.Log.Warn("the app was removed from a workspace", "installation", at, "why", record.GetEnded())
	s.take(at, record, revision)
	return true, nil
}
