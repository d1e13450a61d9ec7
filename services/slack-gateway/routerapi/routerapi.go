// Package routerapi calls the router's API on behalf of members of a workspace.
package routerapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const (
	// callTimeout leaves something of the three seconds that Slack waits. Nothing is tried again: the person does that.
	callTimeout = 2 * time.Second
	// maxAnswer in bytes is far above the largest answer.
	maxAnswer = 16 << 20
	// memberKey names in a call's metadata on whose behalf it is made, as <team>/<member>.
	memberKey = "slacktalk-member"
)

// again is how soon a connection is tried again.
var again = backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second}

// Settings of a client.
type Settings struct {
	// Addr is host:port of the router's API; without it there is no client.
	Addr string `env:"ROUTER_ADDR"`
	// Token is a token of the API that may act for members.
	Token secret.String `env:"ROUTER_TOKEN"`
	// CA is a file with the certificate authority of the router; without it the calls are made in plain text.
	CA string `env:"ROUTER_CA"`
	// Cert and Key are the client's own certificate, where the router asks for one.
	Cert string `env:"ROUTER_CLIENT_CERT"`
	Key  string `env:"ROUTER_CLIENT_KEY"`
}

// Validate reports settings that contradict each other.
func (s Settings) Validate() error {
	switch {
	case (s.Addr != "") != s.Token.Given():
		return errors.New("ROUTER_ADDR and ROUTER_TOKEN go together")
	case (s.Cert == "") != (s.Key == ""), s.Cert != "" && s.CA == "":
		return errors.New("ROUTER_CLIENT_CERT and ROUTER_CLIENT_KEY go together, and both with ROUTER_CA")
	}
	return nil
}

// Client calls the router. Every call ends within two seconds.
type Client struct {
	Settings      settingsv1.SettingsServiceClient
	SavedReplies  settingsv1.SavedReplyServiceClient
	Conversations adminv1.ConversationServiceClient
	DeadLetters   adminv1.DeadLetterServiceClient

	conn *grpc.ClientConn
	// transport is nil where the calls are made in plain text.
	transport *transport
}

// New makes a client, nil without an address. Nothing is sent yet. Calls are made in the trace of what they are made for.
func New(s Settings, tracing *telemetry.Tracing, log *slog.Logger) (*Client, error) {
	if s.Addr == "" {
		return nil, nil
	}
	transport, err := s.transport(log)
	if err != nil {
		return nil, err
	}
	var traced []grpc.DialOption
	if tracing.On() {
		traced = append(traced, grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithTracerProvider(tracing.Provider()), otelgrpc.WithPropagators(propagation.TraceContext{}))))
	}
	conn, err := grpc.NewClient(s.Addr, append(traced,
		grpc.WithTransportCredentials(transport.credentials()),
		grpc.WithPerRPCCredentials(bearer{token: s.Token, plain: s.CA == ""}),
		grpc.WithUnaryInterceptor(bounded),
		// The router's name leads to all of its replicas.
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithDisableRetry(),
		grpc.WithUserAgent("slack-gateway"),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		// A router that is being replaced is there again in a moment.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer), grpc.WaitForReady(true)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: again, MinConnectTimeout: callTimeout}),
	)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the router at %s: %w", s.Addr, err)
	}
	return &Client{
		Settings: settingsv1.NewSettingsServiceClient(conn), SavedReplies: settingsv1.NewSavedReplyServiceClient(conn), Conversations: adminv1.NewConversationServiceClient(conn),
		DeadLetters: adminv1.NewDeadLetterServiceClient(conn), conn: conn, transport: transport,
	}, nil
}

// Close ends the connection; a client that is nil has none.
func (c *Client) Close() error {
	if c == nil {
		return nil
	}
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("close the connection to the router: %w", err)
	}
	return nil
}

// As makes the calls of ctx with the rights of a member.
func As(ctx context.Context, team, member string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, memberKey, team+"/"+member)
}

func bounded(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errors.New("the router did not answer"))
	defer cancel()
	return call(ctx, method, request, answer, conn, options...)
}

// bearer adds the token to every call.
type bearer struct {
	token secret.String
	plain bool
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token.Reveal()}, nil
}

// RequireTransportSecurity keeps the token off the wire in the clear where an authority is given.
func (b bearer) RequireTransportSecurity() bool { return !b.plain }
