package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"

	"github.com/slacktalk/slacktalk/internal/bus"
)

// atOnce is how many copies are on their way together.
const atOnce = 1000

// copies writes n copies, in the form in which the services write the original.
func (t *talk) copies(ctx context.Context, p *pattern, n int) error {
	for begin := 0; begin < n; begin += atOnce {
		pipe := t.store.Pipeline()
		var acks []jetstream.PubAckFuture
		for i := begin; i < min(begin+atOnce, n); i++ {
			as, id := p.names(i)
			for subject, record := range p.records {
				ack, err := t.js.PublishMsgAsync(&nats.Msg{Subject: as.Replace(subject), Data: []byte(as.Replace(string(record.Data))), Header: record.Header})
				if err != nil {
					return fmt.Errorf("copy %s: %w", subject, err)
				}
				acks = append(acks, ack)
			}
			p.copyRedis(ctx, pipe, as, id)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("write to Redis: %w", err)
		}
		for _, ack := range acks {
			select {
			case <-ack.Ok():
			case err := <-ack.Err():
				return fmt.Errorf("copy %s: %w", ack.Msg().Subject, err)
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// names answers what turns the original into copy i, and the copy's id. Every name is as long as the original's, so that a record stays one when they are replaced in its bytes.
func (p *pattern) names(i int) (*strings.Replacer, string) {
	user, ts := fmt.Sprintf("c%0*d", len(p.user)-1, i), fmt.Sprintf("17%08d.%06d", i/1000, i%1000)
	id := bus.Token(project + "\x00member\x00" + user)
	return strings.NewReplacer(p.id, id, p.user, user, p.ts, ts, bus.ThreadToken(p.ts), bus.ThreadToken(ts)), id
}

// copyRedis adds what Redis holds of a copy.
func (p *pattern) copyRedis(ctx context.Context, pipe redis.Pipeliner, as *strings.Replacer, id string) {
	for key, value := range p.strings {
		pipe.Set(ctx, as.Replace(key), as.Replace(value), p.expiry[key])
	}
	for key, fields := range p.fields {
		var pairs []string
		for field, value := range fields {
			pairs = append(pairs, as.Replace(field), value)
		}
		pipe.HSet(ctx, as.Replace(key), pairs)
	}
	for key, score := range p.sets {
		pipe.ZAdd(ctx, key, redis.Z{Score: score, Member: id})
	}
}

// rebuild empties Redis, and measures how long it takes until the conversations are listed again.
func (t *talk) rebuild(ctx context.Context, n int) (Measure, error) {
	m := Measure{What: number(float64(n)) + " conversations, the index made again after Redis was emptied", Unit: "conversations/s"}
	if err := t.store.FlushAll(ctx).Err(); err != nil {
		return m, fmt.Errorf("empty Redis: %w", err)
	}
	conn, err := grpc.NewClient(t.services[router].addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return m, fmt.Errorf("connect to the router: %w", err)
	}
	defer func() { _ = conn.Close() }()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+adminToken)
	var took float64
	cpu, err := t.profiled(ctx, "rebuild", t.services[router], func() error {
		begun := time.Now()
		page, err := adminv1.NewConversationServiceClient(conn).ListConversations(ctx, &adminv1.ListConversationsRequest{Parent: "projects/" + project, PageSize: 1})
		if took = time.Since(begun).Seconds(); err == nil && len(page.GetConversations()) == 0 {
			err = fmt.Errorf("%w: conversations", errLost)
		}
		return err
	})
	if err != nil {
		return m, fmt.Errorf("list the conversations: %w", err)
	}
	m.Subject = []float64{float64(n) / took}
	m.Note = fmt.Sprintf("%.0f s. CPU of everything in s: router %.1f, nats %.1f, redis %.1f.", took, cpu[router].Seconds(), cpu["nats"].Seconds(), cpu["redis"].Seconds())
	return m, nil
}
