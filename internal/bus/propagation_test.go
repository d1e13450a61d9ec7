package bus_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// about is what a handler knows of the message that it works on.
type about struct {
	trace  trace.TraceID
	origin telemetry.Origin
	held   bool
}

// What a message comes from is stored with it: whoever gets it knows of it, after it was set aside as well, with recording and without, and so does what it causes.
func TestWhatAMessageComesFromStaysWithIt(t *testing.T) {
	for name, settings := range map[string]telemetry.Settings{
		"recorded": {Endpoint: "http://127.0.0.1:1", Protocol: "http/protobuf", Exporter: "otlp"}, "not recorded": {},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := ready(t)
			tracing, err := telemetry.Start(settings, "test", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { tracing.Stop(context.Background()) })
			b.TraceWith(tracing)
			began := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
			ctx, span := tracing.Root(telemetry.WithOrigin(t.Context(), telemetry.Origin{Event: "hook-1", Began: began}), "KARTE hook")
			defer span.End()
			want := trace.SpanContextFromContext(ctx).TraceID()

			met := make(chan about, 10)
			holder := b.NewHolder("talk", func(ctx context.Context, m bus.Message) error {
				met <- about{trace.SpanContextFromContext(ctx).TraceID(), telemetry.OriginOf(ctx), m.Held}
				if !m.Held {
					return errors.New("not now")
				}
				return nil
			})
			serve(t, func(ctx context.Context) error {
				return b.ServePartitions(ctx, "router-talk", bus.Talk, "talk", holder.Handle)
			})
			serve(t, holder.Serve)
			if _, err := b.Once(ctx, bus.Talk, bus.TalkSubject(b.Partitions(), "demo", "c1", "customer-message", "hook-1"), &eventv1.TalkFact{Id: "hook-1"}); err != nil {
				t.Fatal(err)
			}
			for _, held := range []bool{false, true} {
				select {
				case got := <-met:
					if got.trace != want || got.origin.Event != "hook-1" || !got.origin.Began.Equal(began) || got.held != held {
						t.Errorf("got %v, want the trace %v and held %v", got, want, held)
					}
				case <-time.After(20 * time.Second):
					t.Fatal("it did not come")
				}
			}
		})
	}
}
