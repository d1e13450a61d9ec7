package api

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// vigil is a stream whose caller is looked at again and again: a single call is over before a token is taken back, a stream is not.
type vigil struct {
	grpc.ServerStream
	ctx    context.Context //nolint:containedctx // that is how a stream carries its context
	end    context.CancelFunc
	tokens *Tokens
	method string

	mu      sync.Mutex
	timer   *time.Timer
	request any // the latest, which has passed the guard
	refused error
}

// keepVigil lets serve have a stream as long as its caller may. When that is over, the stream's context ends, and the caller is told why.
func keepVigil(stream grpc.ServerStream, tokens *Tokens, method string, serve func(grpc.ServerStream) error) error {
	if access[method].open {
		return serve(stream)
	}
	v := &vigil{ServerStream: stream, tokens: tokens, method: method}
	v.ctx, v.end = context.WithCancel(stream.Context())
	defer v.end()
	v.mu.Lock()
	v.timer = time.AfterFunc(recheck, v.look)
	v.mu.Unlock()
	err := serve(v)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.timer.Stop()
	if v.refused != nil {
		return v.refused
	}
	return err
}

func (v *vigil) Context() context.Context { return v.ctx }

func (v *vigil) RecvMsg(m any) error {
	if err := v.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.request = m
	return v.refused
}

func (v *vigil) look() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ctx.Err() != nil {
		return
	}
	if v.refused = v.check(); v.refused != nil {
		v.end()
		return
	}
	v.timer.Reset(recheck)
}

// check answers why the caller may not have the stream any more.
func (v *vigil) check() error {
	caller, ok := v.tokens.find(bearer(v.ctx))
	if !ok {
		return refusal(codes.Unauthenticated, "TOKEN_INVALID", "the token of this stream is not valid any more")
	}
	if err := allowRole(caller, v.method); err != nil || v.request == nil {
		return err
	}
	return allowProject(caller, v.method, v.request)
}
