package bench

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/certtest"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

// api measures the router's GetTeamSettings beside a server that answers the same message from memory.
func (b *bench) api(ctx context.Context) (_ []Measure, err error) {
	w, err := b.world(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	authority := certtest.NewAuthority()
	cert, key, err := authority.Valid().Write(w.dir)
	if err != nil {
		return nil, err
	}
	// The limits per token would be measured otherwise.
	subject, err := w.start(ctx, router, router, "GRPC_TLS_CERT="+cert, "GRPC_TLS_KEY="+key, "API_RATE=1000000000", "API_BURST=1000000000")
	if err != nil {
		return nil, err
	}
	bare, err := w.startReference(ctx, reference{Kind: bareGRPC, Cert: cert, Key: key})
	if err != nil {
		return nil, err
	}
	m := Measure{What: fmt.Sprintf("router, GetTeamSettings per second, %d callers, TLS and token", b.Sizes.Connections), Unit: "/s", Against: "bare gRPC server", Goal: Goal{AtLeast: 0.9}}
	costs := []shares{{}, {}}
	measure := func(p *process, into *[]float64, cost shares) func() error {
		return func() error {
			var all int
			cpu, err := w.profiled(ctx, "grpc", p, func() (err error) {
				var perSecond float64
				all, perSecond, err = call(ctx, b.Sizes, p.addr, credentials.NewClientTLSFromCert(authority.Pool(), "localhost"))
				*into = append(*into, perSecond)
				return err
			})
			cost.add(cpu, all)
			return err
		}
	}
	err = b.turns(measure(subject, &m.Subject, costs[0]), measure(bare, &m.Reference, costs[1]))
	m.Note = fmt.Sprintf("The router reads Redis, once for all who ask at the same time; the reference answers from memory. CPU per call in ms: %s. Of the reference: %s.", costs[0], costs[1])
	return []Measure{m}, err
}

// connections of gRPC, which the callers share.
const connections = 4

// call calls as fast as the answers come, and answers how many came, altogether and per second.
func call(ctx context.Context, s Sizes, addr string, transport credentials.TransportCredentials) (all int, perSecond float64, err error) {
	var clients []settingsv1.SettingsServiceClient
	for range connections {
		conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(transport))
		if err != nil {
			return 0, 0, fmt.Errorf("connect: %w", err)
		}
		defer func() { _ = conn.Close() }()
		clients = append(clients, settingsv1.NewSettingsServiceClient(conn))
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+adminToken)
	counting, ending := time.Now().Add(s.Warm), time.Now().Add(s.Warm+s.Span)
	var calls, answered atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, s.Connections)
	for n := range s.Connections {
		group.Go(func() {
			request := &settingsv1.GetTeamSettingsRequest{Name: "projects/" + project + "/teamSettings"}
			for {
				if _, err := clients[n%connections].GetTeamSettings(ctx, request); err != nil {
					failures <- fmt.Errorf("call: %w", err)
					return
				}
				calls.Add(1)
				now := time.Now()
				if now.After(ending) {
					return
				}
				if now.After(counting) {
					answered.Add(1)
				}
			}
		})
	}
	group.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	return int(calls.Load()), float64(answered.Load()) / s.Span.Seconds(), err
}

// bare answers the same message always.
type bare struct {
	settingsv1.UnimplementedSettingsServiceServer
	settings *settingsv1.TeamSettings
}

// GetTeamSettings answers what it always answers.
func (b *bare) GetTeamSettings(context.Context, *settingsv1.GetTeamSettingsRequest) (*settingsv1.GetTeamSettingsResponse, error) {
	return &settingsv1.GetTeamSettingsResponse{TeamSettings: b.settings}, nil
}

func (r reference) serveGRPC(ctx context.Context) error {
	transport, err := credentials.NewServerTLSFromFile(r.Cert, r.Key)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	wanted := sha256.Sum256([]byte(adminToken))
	server := grpc.NewServer(grpc.Creds(transport), grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		incoming, _ := metadata.FromIncomingContext(ctx)
		token, _ := strings.CutPrefix(strings.Join(incoming.Get("authorization"), ""), "Bearer ")
		if got := sha256.Sum256([]byte(token)); subtle.ConstantTimeCompare(got[:], wanted[:]) != 1 {
			return nil, status.Error(codes.Unauthenticated, "no token")
		}
		return handle(ctx, request)
	}))
	settingsv1.RegisterSettingsServiceServer(server, &bare{settings: &settingsv1.TeamSettings{
		Name: "projects/" + project + "/teamSettings", Etag: "0123456789abcdef", UpdateTime: timestamppb.Now(),
	}})
	listener, err := net.Listen("tcp", r.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	context.AfterFunc(ctx, server.Stop)
	return server.Serve(listener)
}
