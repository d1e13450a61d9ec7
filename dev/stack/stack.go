// Package stack runs the whole system on loopback: a NATS server with JetStream on disk, Redis, the stand-ins of KARTE and Slack, and the three
// services wired as their own mains wire them, in one process or each in its own.
package stack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// The demo's people and places; all of them made up.
const (
	Project  = "demo-project"
	Team     = "T0DEMO1"
	Channel  = "C0SUPPORT"
	Hanako   = "U0HANAKO"                 // linked to OperatorHanako
	Taro     = "U0TARO"                   // a colleague who is not linked
	Guest    = "U0GUEST"                  // a guest of the workspace
	Partner  = "U0PARTNER"                // from another company, by Slack Connect
	AdminID  = "U0ADMIN"                  // is told when something stops working
	Operator = "aaaaaaaaaaaaaaaaaaaaaaaa" // 佐藤 花子 at KARTE
	Ichiro   = "bbbbbbbbbbbbbbbbbbbbbbbb" // 田中 一郎 at KARTE, who uses the console
	// AdminToken may do everything with the API of a stack. It is no secret: a stack listens on loopback only.
	AdminToken = "demo-admin-token"
)

const (
	botToken      = "xoxb-demo-not-a-real-token"
	signingSecret = "demo-signing-secret"
	clientSecret  = "demo-client-secret"
	apiToken      = "demo-api-token"
	memberToken   = "demo-token-for-members"
	// TokenKey encrypts tokens of installations; it is of nothing but a demo.
	TokenKey = "c2xhY2t0YWxrLWRlbW8ta2V5LW9mLTMyLWJ5dGVzISE="
)

// Options of a stack. The zero value is a quick and quiet one.
type Options struct {
	// RedisURL of a real Redis server; an in-process one is used when empty.
	RedisURL string
	// NATSURL of other NATS servers; an in-process one is used when empty.
	NATSURL string
	// Log receives what the services say; nothing when nil.
	Log *slog.Logger
	// Slack and KARTE adjust the stand-ins.
	Slack func(*slackstandin.Config)
	KARTE func(*kartestandin.Config)
	// SlackPatience is how long the Slack stand-in waits for an answer, and a trigger of its may be used; Slack's own three seconds when 0.
	SlackPatience time.Duration
	// Environ adds settings to every service, as NAME=value.
	Environ []string
	// Secrets is a folder: when it is named, each secret of a service is a file in it, of the setting's name.
	Secrets string
	// Platform stands around the workspace, with the app's credentials: slack-gateway is installed by OAuth instead of having a token. Others can be added.
	Platform *slackstandin.Platform
	// InstallationsEvery is how often slack-gateway looks after its installations; its own default when 0.
	InstallationsEvery time.Duration
	// Processes makes every service a process of its own, which KillService can kill: this program once more, whose main (or TestMain) calls Main first.
	// Replicas of StartReplica still share this process.
	Processes bool
	// Unconfigured leaves the project without settings.
	Unconfigured bool
}

// Stack is a running system.
type Stack struct {
	Slack    *slackstandin.Server
	KARTE    *kartestandin.Server
	Redis    *miniredis.Miniredis // nil with a real Redis
	Settings settingsv1.SettingsServiceClient
	// SavedReplies is the same for saved replies.
	SavedReplies settingsv1.SavedReplyServiceClient

	// Where everything listens.
	SlackURL, KarteURL, HookURL, GatewayURL, RouterAddr, NATSURL, RedisURL string

	options  Options
	given    []string          // settings as the options had them
	addrs    map[string]string // where something listened before, by name
	log      *slog.Logger
	canary   *canary
	dir      string
	nats     *server.Server
	conn     *grpc.ClientConn
	servers  *errgroup.Group
	stop     context.CancelFunc
	mu       sync.Mutex
	services map[string]*service
	ended    map[string]string // how those that do not run ended
}

// Start brings everything up and returns when the services are ready and the demo project is configured.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{options: o, services: map[string]*service{}, ended: map[string]string{}, addrs: map[string]string{}, canary: &canary{}}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s.log = s.canary.hear(o.Log.Handler())
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.servers, running = errgroup.WithContext(running)
	if err := s.start(ctx, running); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) start(ctx, running context.Context) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "slacktalk-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	if err := s.startNATS(); err != nil {
		return err
	}
	if err := s.startRedis(); err != nil {
		return err
	}
	if err := s.startStandins(running); err != nil {
		return err
	}
	for _, name := range []string{Router, IngestKARTE, SlackGateway} {
		if err := s.StartService(name); err != nil {
			return err
		}
	}
	s.Slack.SetURLs(slackstandin.URLs{
		Events: s.GatewayURL + "/slack/events", Interactions: s.GatewayURL + "/slack/interactions", Commands: s.GatewayURL + "/slack/commands", Self: s.SlackURL,
	})
	s.KARTE.SetHookURL(s.HookURL)
	if s.conn, err = grpc.NewClient(s.RouterAddr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return fmt.Errorf("connect to the router: %w", err)
	}
	s.Settings, s.SavedReplies = settingsv1.NewSettingsServiceClient(s.conn), settingsv1.NewSavedReplyServiceClient(s.conn)
	if err := s.AwaitReady(ctx); err != nil {
		return err
	}
	if s.options.Unconfigured {
		return nil
	}
	return s.Configure(ctx)
}

func (s *Stack) startNATS() error {
	if s.NATSURL = s.options.NATSURL; s.NATSURL != "" {
		return nil
	}
	var err error
	s.nats, err = server.NewServer(&server.Options{
		ServerName: "demo", Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: filepath.Join(s.dir, "jetstream"), NoSigs: true, NoLog: true, MaxPayload: 4 << 20,
	})
	if err != nil {
		return fmt.Errorf("make the NATS server: %w", err)
	}
	s.nats.Start()
	if !s.nats.ReadyForConnections(30 * time.Second) {
		return errors.New("the NATS server does not start")
	}
	s.NATSURL = s.nats.ClientURL()
	return nil
}

func (s *Stack) startRedis() error {
	if s.RedisURL = s.options.RedisURL; s.RedisURL != "" {
		return nil
	}
	s.Redis = miniredis.NewMiniRedis()
	if err := s.Redis.StartAddr("127.0.0.1:0"); err != nil {
		return fmt.Errorf("start the in-process Redis: %w", err)
	}
	s.RedisURL = "redis://" + s.Redis.Addr()
	return nil
}

func (s *Stack) startStandins(running context.Context) error {
	slackConfig := slackstandin.Config{Team: Team, BotToken: botToken, SigningSecret: signingSecret, RetryScale: 0.01, DeliveryTimeout: s.options.SlackPatience, TriggerLife: s.options.SlackPatience}
	if s.options.Slack != nil {
		s.options.Slack(&slackConfig)
	}
	s.Slack = slackstandin.New(slackConfig)
	s.Slack.AddMember(slackstandin.Member{ID: Hanako, Name: "hanako", DisplayName: "佐藤 花子", Locale: "ja-JP"})
	s.Slack.AddMember(slackstandin.Member{ID: Taro, Name: "taro", DisplayName: "鈴木 太郎", Locale: "ja-JP"})
	s.Slack.AddMember(slackstandin.Member{ID: AdminID, Name: "admin", DisplayName: "管理者", Locale: "ja-JP", Admin: true})
	s.Slack.AddMember(slackstandin.Member{ID: Guest, Name: "guest", DisplayName: "ゲスト", Guest: true})
	s.Slack.AddMember(slackstandin.Member{ID: Partner, Name: "partner", DisplayName: "Partner", Team: "T0OTHER"})
	if err := s.installApp(); err != nil {
		return err
	}
	s.Slack.AddChannel(slackstandin.Channel{ID: Channel, Name: "support"})
	if err := s.Slack.InviteBot(Channel, AdminID); err != nil {
		return fmt.Errorf("invite the app: %w", err)
	}
	karteConfig := kartestandin.Config{Project: Project, ClientSecret: clientSecret, APIToken: apiToken, RetryInterval: 200 * time.Millisecond, Knobs: kartestandin.Knobs{ListNotes: true}}
	karteConfig.Operators = []kartestandin.Operator{{ID: Operator, Name: "佐藤 花子"}, {ID: Ichiro, Name: "田中 一郎"}}
	if s.options.KARTE != nil {
		s.options.KARTE(&karteConfig)
	}
	s.KARTE = kartestandin.New(karteConfig)
	var err error
	var slack http.Handler = s.Slack
	if p := s.options.Platform; p != nil {
		p.Add(s.Slack)
		slack = p
	}
	if s.SlackURL, err = s.serve(running, "slack", slack); err != nil {
		return err
	}
	if s.KarteURL, err = s.serve(running, "karte", s.KARTE); err != nil {
		return err
	}
	s.servers.Go(func() error { return s.Slack.Run(running) })
	s.servers.Go(func() error { return s.KARTE.Run(running) })
	return nil
}

// serve serves a stand-in and answers its address.
func (s *Stack) serve(running context.Context, name string, handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", s.addr(name))
	if err != nil {
		return "", fmt.Errorf("listen for the %s stand-in: %w", name, err)
	}
	httpServer := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	s.servers.Go(func() error {
		if err := httpServer.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	s.servers.Go(func() error { <-running.Done(); return httpServer.Close() })
	return "http://" + listener.Addr().String(), nil
}

func (s *Stack) addr(name string) string {
	if addr := s.addrs[name]; addr != "" {
		return addr
	}
	return "127.0.0.1:0"
}

// Admin adds the demo's token to a call of the API.
func Admin(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+AdminToken)
}

// Configure sets the demo project up through the real API.
func (s *Stack) Configure(ctx context.Context) error {
	ctx = Admin(ctx)
	// Links first: what waits for the settings would find nobody linked otherwise.
	_, err := s.Settings.SetOperatorLink(ctx, &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{
		Name: "projects/" + Project + "/operators/" + Operator, SlackMember: Hanako, DisplayName: "佐藤 花子",
	}})
	if err != nil {
		return fmt.Errorf("link the operator: %w", err)
	}
	_, err = s.Settings.UpdateTeamSettings(ctx, &settingsv1.UpdateTeamSettingsRequest{
		TeamSettings: &settingsv1.TeamSettings{
			Name: "projects/" + Project + "/teamSettings", NotificationsEnabled: true, ThreadRepliesEnabled: true,
			Workspace: Team, Channel: Channel, Language: "ja", MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_HERE, Admins: []string{AdminID},
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{
			"notifications_enabled", "thread_replies_enabled", "workspace", "channel", "language", "mention_policy", "admins",
		}},
	})
	if err != nil {
		return fmt.Errorf("configure the team: %w", err)
	}
	return nil
}

// writeTokens writes who may call the API.
func (s *Stack) writeTokens() (path string, err error) {
	sum, members := sha256.Sum256([]byte(AdminToken)), sha256.Sum256([]byte(memberToken))
	path = filepath.Join(s.dir, "tokens.yaml")
	text := fmt.Sprintf("- name: demo\n  sha256: %x\n  role: admin\n  projects: [\"*\"]\n", sum) +
		fmt.Sprintf("- name: slack-gateway\n  sha256: %x\n  role: viewer\n  projects: [\"*\"]\n  acts_for_members: true\n", members)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the API tokens: %w", err)
	}
	return path, nil
}

// Stop ends everything, the services first, and removes what was on disk. It answers an error also when a log says what no log may.
func (s *Stack) Stop() error {
	var problems []error
	for _, name := range s.running() {
		problems = append(problems, s.StopService(name))
	}
	problems = append(problems, s.canary.found(s.secretWords()))
	if s.conn != nil {
		problems = append(problems, s.conn.Close())
	}
	s.stop()
	if s.Slack != nil {
		s.Slack.ClearFaults()
	}
	if s.KARTE != nil {
		s.KARTE.ClearFaults()
	}
	problems = append(problems, s.servers.Wait())
	if s.Redis != nil {
		s.Redis.Close()
	}
	if s.nats != nil {
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	}
	return errors.Join(append(problems, os.RemoveAll(s.dir))...)
}

// Dir answers the folder that everything in this process keeps its data in.
func (s *Stack) Dir() string { return s.dir }
