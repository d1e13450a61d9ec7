package api

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/services/router/settings"
)

// guard stands between the wire and the services. A call passes, in this order: the translation of errors (outermost, so that it
// sees all of them), the deadline, the credential, the audit log, then role, rules of the contract, project.
type guard struct {
	tokens  *Tokens
	log     *slog.Logger
	timeout time.Duration
}

func (g *guard) interceptors() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(g.translateUnary, g.limitUnary, g.authenticateUnary, g.auditUnary, g.checkUnary),
		grpc.ChainStreamInterceptor(g.translateStream, g.guardStream),
	}
}

func (g *guard) translateUnary(
	ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (answer any, err error) {
	defer func() { err = g.translate(ctx, info.FullMethod, recover(), err) }()
	return next(ctx, request)
}

func (g *guard) translateStream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() { err = g.translate(stream.Context(), info.FullMethod, recover(), err) }()
	return next(server, stream)
}

// translate turns a panic or an error into what the caller is told, and logs the cause of what is not the caller's doing.
func (g *guard) translate(ctx context.Context, method string, panicked any, err error) error {
	if panicked != nil {
		err = fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
	}
	if err == nil {
		return nil
	}
	told := toStatus(err)
	switch told.Code() {
	case codes.Internal, codes.Unavailable, codes.Unknown:
		g.log.ErrorContext(ctx, "call failed", "method", method, "who", callerOf(ctx).Name, "code", told.Code().String(), "err", err)
	}
	return told.Err()
}

// limitUnary ends a call at the caller's deadline or at ours, whichever comes first.
func (g *guard) limitUnary(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	return next(ctx, request)
}

func (g *guard) authenticateUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := g.authenticate(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return next(ctx, request)
}

// authenticate answers a context that knows the caller. All refusals are the same, whatever is wrong with the credential.
func (g *guard) authenticate(ctx context.Context, method string) (context.Context, error) {
	if access[method].open {
		return ctx, nil
	}
	caller, ok := g.tokens.find(bearer(ctx))
	if !ok {
		return nil, status.Error(codes.Unauthenticated, "a valid token is needed: authorization: Bearer <token>")
	}
	return context.WithValue(ctx, callerKey{}, caller), nil
}

// bearer answers the token of a call. Without one, or with several, it answers "", which nobody has.
func bearer(ctx context.Context) string {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return token
}

// auditUnary writes one line for each attempt to change something, by whoever has a valid token. Contents are not written.
func (g *guard) auditUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rule := access[info.FullMethod]
	answer, err := next(ctx, request)
	if rule.change {
		result := codes.OK
		if err != nil {
			result = toStatus(err).Code()
		}
		g.log.InfoContext(ctx, "settings change", "who", callerOf(ctx).Name, "method", info.FullMethod,
			"resource", fmt.Sprintf("%.200s", rule.resource(request)), "result", result.String())
	}
	return answer, err
}

func (g *guard) checkUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := allowRole(callerOf(ctx), info.FullMethod); err != nil {
		return nil, err
	}
	if err := checkRequest(callerOf(ctx), info.FullMethod, request); err != nil {
		return nil, err
	}
	return next(ctx, request)
}

// checkRequest holds a request against the rules of the contract and the caller's projects.
func checkRequest(caller Caller, method string, request any) error {
	if m, ok := request.(proto.Message); ok {
		if err := settings.Check(m); err != nil {
			return err
		}
	}
	return allowProject(caller, method, request)
}

func (g *guard) guardStream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := g.authenticate(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	if err := allowRole(callerOf(ctx), info.FullMethod); err != nil {
		return err
	}
	return next(server, &guardedStream{ServerStream: stream, ctx: ctx, method: info.FullMethod})
}

// guardedStream holds each request of a stream against the same rules as a single one.
type guardedStream struct {
	grpc.ServerStream
	ctx    context.Context //nolint:containedctx // that is how a stream carries its context
	method string
}

func (s *guardedStream) Context() context.Context { return s.ctx }

func (s *guardedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return checkRequest(callerOf(s.ctx), s.method, m)
}
