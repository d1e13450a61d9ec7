package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/slacktalk/slacktalk/internal/eventually"
	"github.com/slacktalk/slacktalk/internal/transcript"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/deadletter"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a server in this process with its client and all that a test may want to break.
type running struct {
	settingsv1.SettingsServiceClient
	conn   *grpc.ClientConn
	server *grpc.Server
	redis  *miniredis.Miniredis
	tokens string // path of the file
	logs   *logs
	// stopHub ends the watches, as a server that stops does.
	stopHub func()
}

// Tokens of the tests. Their names say what they may do.
const (
	viewerDemo   = "token of viewer-demo"
	operatorDemo = "token of operator-demo"
	adminDemo    = "token of admin-demo"
	adminAll     = "token of admin-all"
)

func tokensFile() string {
	var file strings.Builder
	for _, token := range []string{viewerDemo, operatorDemo, adminDemo, adminAll} {
		name := strings.TrimPrefix(token, "token of ")
		role, project, _ := strings.Cut(name, "-")
		file.WriteString(entry(name, token, role, strings.Replace(project, "all", `"*"`, 1)))
	}
	return file.String()
}

func entry(name, token, role, project string) string {
	sum := sha256.Sum256([]byte(token))
	return fmt.Sprintf("- {name: %s, sha256: %s, role: %s, projects: [%s]}\n", name, hex.EncodeToString(sum[:]), role, project)
}

// start runs a server; change may alter its options.
func start(t *testing.T, change ...func(*Options)) *running {
	t.Helper()
	r := &running{redis: miniredis.RunT(t), tokens: filepath.Join(t.TempDir(), "tokens.yaml"), logs: &logs{}}
	if err := os.WriteFile(r.tokens, []byte(tokensFile()), 0o600); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(r.logs, nil))
	tokens, err := LoadTokens(r.tokens, log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	store := newStore(t, &redis.UniversalOptions{Addrs: []string{r.redis.Addr()}})
	options := Options{Store: store, Tokens: tokens, Logger: log, Watches: r.runHub(t, store), Operators: twoOperators{}, Audit: noEntries{}, Conversations: noConversations{}, DeadLetters: noLetters{}, Diagnostics: allWell}
	for _, c := range change {
		c(&options)
	}
	r.server = NewServer(options)
	r.conn = serve(t, r.server, grpc.WithTransportCredentials(insecure.NewCredentials()))
	r.SettingsServiceClient = settingsv1.NewSettingsServiceClient(r.conn)
	return r
}

func (r *running) runHub(t testing.TB, store *settings.Store) *settings.Hub {
	hub := settings.NewHub(store, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var hears sync.WaitGroup
	hears.Go(func() { hub.Run(ctx) })
	r.stopHub = func() {
		cancel()
		hears.Wait()
	}
	t.Cleanup(r.stopHub)
	return hub
}

// noEntries is an audit in which nothing stands.
type noEntries struct {
	adminv1.UnimplementedAuditServiceServer
}

func (noEntries) ListAuditEntries(context.Context, *adminv1.ListAuditEntriesRequest) (*adminv1.ListAuditEntriesResponse, error) {
	return &adminv1.ListAuditEntriesResponse{}, nil
}

// noLetters is a DEAD in which no project has a letter.
type noLetters struct {
	adminv1.UnimplementedDeadLetterServiceServer
}

func (noLetters) ListDeadLetters(context.Context, *adminv1.ListDeadLettersRequest) (*adminv1.ListDeadLettersResponse, error) {
	return &adminv1.ListDeadLettersResponse{}, nil
}

func (noLetters) GetDeadLetter(context.Context, *adminv1.GetDeadLetterRequest) (*adminv1.GetDeadLetterResponse, error) {
	return nil, deadletter.ErrNotFound
}

func (noLetters) ReplayDeadLetter(context.Context, *adminv1.ReplayDeadLetterRequest) (*adminv1.ReplayDeadLetterResponse, error) {
	return nil, deadletter.ErrNotFound
}

func (noLetters) DiscardDeadLetter(context.Context, *adminv1.DiscardDeadLetterRequest) (*emptypb.Empty, error) {
	return nil, deadletter.ErrNotFound
}

// twoOperators is a KARTE that knows two operators.
type twoOperators struct{}

func (twoOperators) Of(context.Context, string) ([]*eventv1.Operator, error) {
	return []*eventv1.Operator{{Id: "op2", Name: "Sato"}, {Id: "op1", Name: "Yamada"}}, nil
}

func newStore(t *testing.T, options *redis.UniversalOptions) *settings.Store {
	t.Helper()
	options.ContextTimeoutEnabled, options.MaxRetries, options.DialerRetries = true, -1, 1
	client := redis.NewUniversalClient(options)
	t.Cleanup(func() { client.Close() })
	return settings.New(client, time.Now)
}

func serve(t *testing.T, server *grpc.Server, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	var served sync.WaitGroup
	served.Go(func() { server.Serve(listener) })
	options = append(options, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return listener.DialContext(ctx)
	}))
	conn, err := grpc.NewClient("passthrough:///example.com", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		server.Stop()
		served.Wait()
	})
	return conn
}

// as makes the context of a call with a token.
func as(t *testing.T, token string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
}

func wantCode(t *testing.T, what string, err error, want ...codes.Code) {
	t.Helper()
	for _, code := range want {
		if status.Code(err) == code {
			return
		}
	}
	t.Errorf("%s: got %v, want %v", what, err, want)
}

// wantFields fails unless err is INVALID_ARGUMENT and its details name exactly these fields.
func wantFields(t *testing.T, what string, err error, want ...string) {
	t.Helper()
	wantCode(t, what, err, codes.InvalidArgument)
	var got []string
	for _, detail := range status.Convert(err).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range bad.GetFieldViolations() {
				got = append(got, violation.GetField())
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: the wrong fields are %q, want %q", what, got, want)
	}
}

// logs collects what is logged.
type logs struct{ transcript.Transcript }

// wait waits until the log has a line with all the parts.
func (l *logs) wait(t *testing.T, parts ...string) {
	t.Helper()
	eventually.Holds(t, patient, fmt.Sprintf("the log has a line with %q", parts), func() bool {
		for line := range strings.Lines(l.String()) {
			if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
				return true
			}
		}
		return false
	})
}
