package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/retry"
)

// Retention is how long facts and commands are kept, and so how late a repeat is still recognised.
const Retention = 96 * time.Hour

// parkedRetention is longer: a channel that does not take posts keeps them waiting here until somebody mends it.
const parkedRetention = 30 * 24 * time.Hour

// streams is the topology. Every fact and command has a subject of its own that ends in its id, and is published on
// the condition that the subject is empty: as long as a message is kept, its repeat is refused by the stream itself.
func streams() []jetstream.StreamConfig {
	return []jetstream.StreamConfig{
		{Name: Talk, Description: "Facts at the KARTE edge", Subjects: []string{"talk.>"}, MaxAge: Retention},
		{Name: Slack, Description: "Facts at the Slack edge", Subjects: []string{"slack.>"}, MaxAge: Retention},
		{Name: Posts, Description: "Commands to Slack", Subjects: []string{"post.>", "mark.>", "card.>"}, MaxAge: parkedRetention},
		{Name: Sends, Description: "Commands to KARTE", Subjects: []string{"send.>"}, MaxAge: Retention},
		// A held message is gone when it is done: while there are any, each message is preceded by a look for those of its customer.
		{Name: Held, Description: "What waits, per customer", Subjects: []string{"held.>"}, Retention: jetstream.WorkQueuePolicy},
		{Name: Dead, Description: "What could not be done", Subjects: []string{"dead.>"}, MaxAge: 30 * 24 * time.Hour},
		{Name: Audit, Description: "Who did what", Subjects: []string{"audit.>"}, MaxAge: 400 * 24 * time.Hour},
		// What JetStream tells of messages of ours that it has given up by itself, which is nobody's wish: there should never be any.
		{Name: Advisories, Description: "What JetStream itself gave up", Subjects: givenUp(), MaxAge: parkedRetention},
		// A timer is gone when it is due, and what is due when it is done.
		{
			Name: Timers, Description: "What is to be looked at later", Subjects: []string{"timer.>", "due.>"}, Retention: jetstream.WorkQueuePolicy,
			AllowMsgSchedules: true, AllowRollup: true,
		},
	}
}

// givenUp are the subjects of ADVISORIES: those about streams that are consumed.
func givenUp() []string {
	var subjects []string
	for _, stream := range []string{Talk, Slack, Posts, Sends, Held, Timers} {
		subjects = append(subjects, GivenUpFilter(stream))
	}
	return subjects
}

func buckets() []jetstream.KeyValueConfig {
	return []jetstream.KeyValueConfig{
		{Bucket: Conversations, Description: "What router decided about a customer"},
		{Bucket: Threads, Description: "Where a conversation's thread is"},
		{Bucket: Lanes, Description: "The lanes there are"},
		// One about a message that is kept nowhere any more says nothing. Most are of held messages, each of which has its own.
		{Bucket: Checkpoints, Description: "Which message of a lane or partition was last attempted", TTL: parkedRetention + 24*time.Hour},
		// What was used up once, such as the state of an installation under way, has an end of its own.
		{Bucket: Installations, Description: "Installations of the Slack app, tokens encrypted", LimitMarkerTTL: time.Hour},
	}
}

// Ensure creates what is missing of the topology and changes nothing that is there: a stream that lacks subjects, as one of an earlier version may, is waited for. It
// tries until ctx ends.
func (b *Bus) Ensure(ctx context.Context) error {
	for n := uint64(1); ; n++ {
		err := b.create(ctx)
		if err == nil {
			b.lacking.Store(nil)
			return nil
		}
		b.lacking.Store(&err)
		b.log.Warn("topology not ready", "err", err, "attempt", n)
		if !sleep(ctx, min(retry.Backoff(n), 2*time.Second)) {
			return fmt.Errorf("create streams: %w", errors.Join(err, context.Cause(ctx)))
		}
	}
}

func (b *Bus) create(ctx context.Context) error {
	for _, config := range Topology(b.settings.Replicas) {
		_, err := b.js.CreateStream(ctx, config)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			err = b.carries(ctx, config)
		}
		if err != nil {
			return fmt.Errorf("create stream %s: %w", config.Name, err)
		}
	}
	return nil
}

// Topology answers every stream as it should be, those behind the buckets too.
func Topology(replicas int) []jetstream.StreamConfig {
	var all []jetstream.StreamConfig
	for _, config := range streams() {
		config.Storage, config.Replicas = jetstream.FileStorage, replicas
		if config.Discard = jetstream.DiscardNew; config.AllowMsgSchedules {
			config.Discard = jetstream.DiscardOld // which is no limit, for there is none; JetStream schedules nothing with the other one
		}
		if config.Duplicates = 2 * time.Minute; config.Name == Held {
			// Held again under the same id after it was done is not a repeat.
			config.Duplicates = time.Second
		}
		all = append(all, config)
	}
	for _, config := range buckets() {
		all = append(all, behind(config, replicas))
	}
	return all
}

// StreamNames answers the name of every stream, those behind the buckets too.
func StreamNames() []string {
	var names []string
	for _, config := range Topology(1) {
		names = append(names, config.Name)
	}
	return names
}

// behind answers the stream that a bucket is, as the client library makes it.
func behind(bucket jetstream.KeyValueConfig, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: Bucket(bucket.Bucket), Description: bucket.Description, Subjects: []string{"$KV." + bucket.Bucket + ".>"},
		MaxMsgsPerSubject: 1, MaxAge: bucket.TTL, MaxMsgs: -1, MaxBytes: -1, MaxMsgSize: -1, MaxConsumers: -1,
		Storage: jetstream.FileStorage, Replicas: replicas, Discard: jetstream.DiscardNew, Duplicates: 2 * time.Minute,
		AllowRollup: true, DenyDelete: true, AllowDirect: true,
		AllowMsgTTL: bucket.LimitMarkerTTL > 0, SubjectDeleteMarkerTTL: bucket.LimitMarkerTTL,
	}
}

// carries reports what subjects a stream lacks. Services do not add them: whoever may change a stream may also let it forget everything, so that only the user
// "topology" does.
func (b *Bus) carries(ctx context.Context, wanted jetstream.StreamConfig) error {
	there, err := b.look(ctx, wanted.Name)
	if err != nil {
		return err
	}
	var lacking []string
	for _, subject := range wanted.Subjects {
		if !slices.Contains(there.CachedInfo().Config.Subjects, subject) {
			lacking = append(lacking, subject)
		}
	}
	if len(lacking) > 0 {
		return fmt.Errorf("it lacks %s, which `talkctl topology apply` adds", strings.Join(lacking, ", "))
	}
	return nil
}

// sleep waits for d; it answers false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
