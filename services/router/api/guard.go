package api

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

// Recorder stores audit entries.
type Recorder interface {
	// Record stores one entry, also if ctx has ended. It gives up rather than keep a caller waiting.
	Record(ctx context.Context, entry *eventv1.AuditEntry)
}

// guard stands between the wire and the services. A call passes, in this order: the translation of errors (outermost, so that it
// sees all of them), the deadline, the credential and the rates, the audit, then role, rules of the contract, project.
type guard struct {
	tokens   *Tokens
	calls    *limiters // by the caller's name
	guesses  *guesses
	streams  *openStreams
	recorder Recorder
	log      *slog.Logger
	timeout  time.Duration
	people   People
	store    *settings.Store
	// long has a place for each long call that may be under way.
	long chan struct{}
	// served holds the methods of the server.
	served map[string]bool
}

func newGuard(o Options) *guard {
	return &guard{
		long: make(chan struct{}, longAtOnce), tokens: o.Tokens, calls: newLimiters(o.Rate), guesses: newGuesses(o.Guesses), recorder: o.Recorder, log: o.Logger, timeout: o.Timeout, people: o.People, store: o.Store,
		streams: &openStreams{most: cmp.Or(o.Streams, defaultStreams), held: map[streamHolder]int{}}, served: map[string]bool{},
	}
}

func (g *guard) interceptors() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(g.translateUnary, g.limitUnary, g.authenticateUnary, g.auditUnary, g.checkUnary, g.queueUnary),
		grpc.ChainStreamInterceptor(g.translateStream, g.guardStream),
		// What is not served passes the guard, too, so that its refusal is like all others. The guard itself answers it.
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return errUnknownMethod }),
	}
}

var errUnknownMethod = refusal(codes.Unimplemented, "METHOD_UNKNOWN", "this server does not have this method")

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
		err = fromPanic(panicked)
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

// longTimeout bounds calls that may read much of a stream.
const longTimeout = 5 * time.Minute

// longAtOnce is how many of them a replica works on.
const longAtOnce = 2

// limitUnary ends a call at the caller's deadline or at ours, whichever comes first.
func (g *guard) limitUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	timeout := g.timeout
	if access[info.FullMethod].long {
		timeout = longTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return next(ctx, request)
}

// queueUnary keeps long calls from taking the server away from the others. It comes after the caller is known to be allowed.
func (g *guard) queueUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if !access[info.FullMethod].long {
		return next(ctx, request)
	}
	waiting := time.NewTimer(g.timeout)
	defer waiting.Stop()
	select {
	case g.long <- struct{}{}:
		defer func() { <-g.long }()
		return next(ctx, request)
	case <-waiting.C:
		return nil, refusal(codes.ResourceExhausted, "TOO_MANY_LONG_CALLS", "too many calls of this kind are under way; try again later", &errdetails.RetryInfo{RetryDelay: durationpb.New(g.timeout)})
	case <-ctx.Done():
		return nil, ctx.Err()
	}
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
	if wait := g.guesses.try(addressOf(ctx), caller.Name); wait > 0 {
		return nil, tooOften(wait)
	}
	if !ok {
		return nil, refusal(codes.Unauthenticated, "TOKEN_INVALID", "a valid token is needed: authorization: Bearer <token>")
	}
	if wait := g.calls.take(caller.Name); wait > 0 {
		return nil, tooOften(wait)
	}
	caller, err := onBehalf(ctx, caller)
	if err != nil {
		return nil, err
	}
	link(ctx)
	return context.WithValue(ctx, callerKey{}, caller), nil
}

// tooOften refuses a call and tells when it may be tried again.
func tooOften(wait time.Duration) error {
	return refusal(codes.ResourceExhausted, "RATE_EXCEEDED", "too many calls; try again later", &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
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

// auditUnary records each attempt to change something, by whoever has a valid token.
func (g *guard) auditUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answer any, err error) {
	if access[info.FullMethod].change {
		defer func() { err = g.record(ctx, info.FullMethod, request, recover(), err) }()
	}
	return next(ctx, request)
}

// record makes a call's log line and its audit entry, without the contents of either side, and answers the call's error. An attempt upon a project
// that the caller may not use is only logged: entries are shown to that project's admins, who are not to learn of other projects' tokens, and
// nobody is to fill up the stream in the name of projects that are not theirs.
func (g *guard) record(ctx context.Context, method string, request, panicked any, err error) error {
	if panicked != nil {
		err = fromPanic(panicked)
	}
	result := codes.OK
	if err != nil {
		result = toStatus(err).Code()
	}
	caller := callerOf(ctx)
	entry := &eventv1.AuditEntry{
		Time: timestamppb.Now(), Actor: caller.actor(), Action: path.Base(method),
		Resource: fmt.Sprintf("%.200s", strings.ToValidUTF8(access[method].resource(request), "")), Result: codeName(result),
	}
	g.log.InfoContext(ctx, "change", "who", entry.GetActor(), "token", caller.Name, "method", method, "resource", entry.GetResource(), "result", entry.GetResult())
	project, ok := projectOf(entry.GetResource())
	if entry.Project = project; ok && caller.mayUse(project) && caller.recorded(method, err) && g.recorder != nil {
		g.recorder.Record(ctx, entry)
	}
	return err
}

func fromPanic(panicked any) error { return fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()) }

func (g *guard) checkUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	caller := callerOf(ctx)
	if caller.member.id != "" {
		if err := g.allowMember(ctx, caller, info.FullMethod, request); err != nil {
			return nil, err
		}
		return next(ctx, request)
	}
	if err := allowRole(caller, info.FullMethod); err != nil {
		return nil, err
	}
	if err := checkRequest(caller, info.FullMethod, request); err != nil {
		return nil, err
	}
	return next(ctx, request)
}

// checkRequest holds a request against the rules of the contract and the caller's projects.
func checkRequest(caller Caller, method string, request any) error {
	if err := checkContract(request); err != nil {
		return err
	}
	return allowProject(caller, method, request)
}

func checkContract(request any) error {
	if m, ok := request.(proto.Message); ok {
		return settings.Check(m)
	}
	return nil
}

func (g *guard) guardStream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	ctx, err := g.authenticate(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	if !g.served[info.FullMethod] {
		return errUnknownMethod
	}
	leave, err := g.streams.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	guarded := &guardedStream{ServerStream: stream, ctx: ctx, method: info.FullMethod}
	if access[info.FullMethod].change {
		// Its first request says what it is about, and is read before its role is looked at.
		defer func() { err = g.record(ctx, info.FullMethod, guarded.first, recover(), err) }()
	} else if err := allowRole(callerOf(ctx), info.FullMethod); err != nil {
		return err
	}
	return keepVigil(guarded, g.tokens, info.FullMethod, func(stream grpc.ServerStream) error { return next(server, stream) })
}

// guardedStream holds each request of a stream against the same rules as a single one.
type guardedStream struct {
	grpc.ServerStream
	ctx    context.Context //nolint:containedctx // that is how a stream carries its context
	method string
	// first is the first request, nil before it has come.
	first any
}

func (s *guardedStream) Context() context.Context { return s.ctx }

func (s *guardedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	if s.first == nil {
		s.first = m
	}
	if err := allowRole(callerOf(s.ctx), s.method); err != nil {
		return err
	}
	return checkRequest(callerOf(s.ctx), s.method, m)
}
