package telemetry

import (
	"context"
	"time"
)

// Origin is what a piece of work comes from: the event that somebody outside caused, and when it reached us.
type Origin struct {
	// Event is the id of the fact.
	Event string
	Began time.Time
}

type originKey struct{}

// WithOrigin answers ctx for work that comes from o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf answers what the work in ctx comes from; the zero Origin when that is not known.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
