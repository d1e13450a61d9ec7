package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/retry"
)

// Verdict is what becomes of a difference between the topology and what is there.
type Verdict string

// The verdicts.
const (
	// Create: it is not there.
	Create Verdict = "create"
	// Change: it is there in another way.
	Change Verdict = "change"
	// Keep: what is there holds more than the topology asks for, and less would lose something.
	Keep Verdict = "keep"
	// Refuse: it cannot be changed while it is there; somebody has to decide.
	Refuse Verdict = "refuse"
)

// Difference is one thing in which what is there is not as it should be.
type Difference struct {
	Verdict Verdict
	// Stream, and Consumer where it is about one.
	Stream, Consumer string
	// Field of the configuration, with what it is and what it should be; empty where the whole is missing.
	Field, Is, Should string
}

// String is a line about it.
func (d Difference) String() string {
	where := d.Stream
	if d.Consumer != "" {
		where += " " + d.Consumer
	}
	switch d.Verdict {
	case Create:
		return "create " + where
	case Change:
		return fmt.Sprintf("change %s: %s from %s to %s", where, d.Field, d.Is, d.Should)
	case Keep:
		return fmt.Sprintf("keep   %s: %s is %s, more than %s; to have less, change it yourself", where, d.Field, d.Is, d.Should)
	case Refuse:
	}
	return fmt.Sprintf("refuse %s: %s is %s and would have to be %s, which JetStream changes in no %s that exists", where, d.Field, d.Is, d.Should, kindOf(d))
}

func kindOf(d Difference) string {
	if d.Consumer != "" {
		return "consumer"
	}
	return "stream"
}

// Pending reports whether Apply has something to do about it.
func (d Difference) Pending() bool { return d.Verdict == Create || d.Verdict == Change }

// partitioned are the consumers of partitions, as the services serve them.
var partitioned = []struct{ service, stream, token string }{
	{"router-talk", Talk, "talk"},
	{"router-slack", Slack, "slack"},
	{"ingest-karte", Sends, "send"},
}

// Diff answers in what the streams, buckets and partitions' consumers are not as they should be. Consumers of lanes and of what is held come and go
// with their queues, and each service brings those up to date that it serves.
func (b *Bus) Diff(ctx context.Context) ([]Difference, error) {
	var all []Difference
	for _, should := range Topology(b.settings.Replicas) {
		found, _, err := b.diffStream(ctx, should)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	for _, q := range b.partitionQueues() {
		found, _, err := b.diffConsumer(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (b *Bus) partitionQueues() []Queue {
	var all []Queue
	for _, p := range partitioned {
		all = append(all, b.queues(b.settings.Partitions, p.service, p.stream, p.token, nil)...)
	}
	return all
}

func (b *Bus) diffStream(ctx context.Context, should jetstream.StreamConfig) ([]Difference, jetstream.StreamConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := b.js.Stream(ctx, should.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return []Difference{{Verdict: Create, Stream: should.Name}}, should, nil
	}
	if err != nil {
		return nil, should, fmt.Errorf("look at stream %s: %w", should.Name, err)
	}
	is := handle.CachedInfo().Config
	return mend(&is, &should, Difference{Stream: should.Name}), is, nil
}

func (b *Bus) diffConsumer(ctx context.Context, q Queue) ([]Difference, jetstream.ConsumerConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	should := b.consumer(q)
	at := Difference{Stream: q.Stream, Consumer: q.Durable}
	handle, err := b.js.Consumer(ctx, q.Stream, q.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		at.Verdict = Create
		return []Difference{at}, should, nil
	}
	if err != nil {
		return nil, should, fmt.Errorf("look at consumer %s: %w", q.Durable, err)
	}
	is := handle.CachedInfo().Config
	return mend(&is, &should, at), is, nil
}

// fixed fields cannot be changed, or not without handing out again what is done.
var fixed = []string{"Storage", "Retention", "AckPolicy", "FilterSubject"}

// set fields hold nothing that less of would lose: they become what they should be either way.
var set = []string{"Duplicates", "Description", "Discard", "AckWait", "MaxAckPending", "MaxDeliver", "MaxRequestExpires", "InactiveThreshold"}

// mend makes *is what *should says, as far as that loses nothing, and answers the differences. What should does not say (the zero value, or -1 for
// no limit) is the administrator's own.
func mend[C any](is, should *C, at Difference) []Difference {
	var found []Difference
	to, from := reflect.ValueOf(is).Elem(), reflect.ValueOf(should).Elem()
	for i := range from.NumField() {
		field, wanted, name := to.Field(i), from.Field(i), from.Type().Field(i).Name
		if unsaid(name, wanted) || reflect.DeepEqual(field.Interface(), wanted.Interface()) {
			continue
		}
		d := at
		d.Field, d.Is, d.Should = name, fmt.Sprint(field.Interface()), fmt.Sprint(wanted.Interface())
		switch next, verdict := merge(name, field, wanted); verdict {
		case "":
			continue
		case Change:
			d.Should = fmt.Sprint(next.Interface())
			field.Set(next)
			d.Verdict = Change
		default:
			d.Verdict = verdict
		}
		found = append(found, d)
	}
	return found
}

// unsaid reports that the topology leaves a field to others.
func unsaid(name string, wanted reflect.Value) bool {
	if slices.Contains(fixed, name) {
		return false // the zero value is one of the kinds
	}
	return wanted.IsZero() || wanted.CanInt() && wanted.Int() == -1
}

// merge answers what a field should become; no verdict where it already holds all that it should.
func merge(name string, is, should reflect.Value) (reflect.Value, Verdict) {
	switch {
	case slices.Contains(fixed, name):
		return is, Refuse
	case slices.Contains(set, name):
		return should, Change
	case should.Kind() == reflect.Bool: // features are turned on, never off
		return should, Change
	case should.CanInt():
		// 0 or less is no limit.
		if is.Int() <= 0 || is.Int() > should.Int() {
			return is, Keep
		}
		return should, Change
	case should.Type() == reflect.TypeFor[[]string]():
		return union(is, should)
	}
	return should, Change
}

// union adds the subjects that are missing: taking one away would stop what is published there.
func union(is, should reflect.Value) (reflect.Value, Verdict) {
	all := slices.Clone(is.Interface().([]string))          //nolint:forcetypeassert // its caller has looked
	for _, subject := range should.Interface().([]string) { //nolint:forcetypeassert // its caller has looked
		if !slices.Contains(all, subject) {
			all = append(all, subject)
		}
	}
	if len(all) == is.Len() {
		return is, Keep
	}
	return reflect.ValueOf(all), Change
}

// ErrRefused is answered by Apply when something is there in a way that cannot be changed.
var ErrRefused = errors.New("something is there that cannot be changed")

// Apply makes the topology what it should be: creates what is missing, changes what loses nothing by it, deletes and shrinks nothing. It may be run
// at any time, by several at once, with versions that differ: each looks again after it has changed something, and adds what it misses. It tries
// until ctx ends; done is told what was done.
func (b *Bus) Apply(ctx context.Context, done func(Difference)) error {
	for n := uint64(1); ; n++ {
		differences, err := b.Diff(ctx)
		if err == nil && !slices.ContainsFunc(differences, Difference.Pending) {
			if slices.ContainsFunc(differences, func(d Difference) bool { return d.Verdict == Refuse }) {
				return ErrRefused
			}
			return nil
		}
		if err == nil {
			err = b.apply(ctx, done)
		}
		if err == nil {
			continue
		}
		b.log.Warn("topology not applied", "err", err, "attempt", n)
		if !sleep(ctx, min(retry.Backoff(n), 2*time.Second)) {
			return fmt.Errorf("apply the topology: %w", cmp.Or(err, context.Cause(ctx)))
		}
	}
}

func (b *Bus) apply(ctx context.Context, done func(Difference)) error {
	for _, should := range Topology(b.settings.Replicas) {
		if err := b.applyStream(ctx, should, done); err != nil {
			return err
		}
	}
	for _, q := range b.partitionQueues() {
		if err := b.applyConsumer(ctx, q, done); err != nil {
			return err
		}
	}
	return nil
}

// applyStream looks again, so that what is written is as little older as can be than what is there.
func (b *Bus) applyStream(ctx context.Context, should jetstream.StreamConfig, done func(Difference)) error {
	found, config, err := b.diffStream(ctx, should)
	if err != nil || !slices.ContainsFunc(found, Difference.Pending) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*callTimeout)
	defer cancel()
	if found[0].Verdict == Create {
		_, err = b.js.CreateStream(ctx, config)
	} else {
		_, err = b.js.UpdateStream(ctx, config)
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil // somebody else was faster: it is looked at again
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", should.Name, err)
	}
	tellAll(found, done)
	return nil
}

func (b *Bus) applyConsumer(ctx context.Context, q Queue, done func(Difference)) error {
	found, config, err := b.diffConsumer(ctx, q)
	if err != nil || !slices.ContainsFunc(found, Difference.Pending) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*callTimeout)
	defer cancel()
	if _, err := b.js.CreateOrUpdateConsumer(ctx, q.Stream, config); err != nil {
		return fmt.Errorf("consumer %s: %w", q.Durable, err)
	}
	tellAll(found, done)
	return nil
}

func tellAll(found []Difference, done func(Difference)) {
	for _, d := range found {
		if d.Pending() {
			done(d)
		}
	}
}
