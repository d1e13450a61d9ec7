package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/retry"
)

// scan is how often a replica looks for customers whose messages another replica has set aside.
const scan = time.Second

// ErrStay is wrapped by errors after which a message must stay where it is: whether it was attempted before could not be read, and only its own
// queue's checkpoint can tell.
var ErrStay = errors.New("earlier attempts are not known")

// Holder sets the messages of a customer aside when one of them cannot be done now, so that the other customers of the
// partition go on. While a customer has any message in HELD, the later ones queue up behind it there, which keeps their order.
type Holder struct {
	bus    *Bus
	stream string // first token of the stream's subjects
	handle Handler
	kick   chan HeldLane
	calm   calm
	// Idle reports whether a message asks nothing of anybody, so that it is done whatever waits. May be nil.
	Idle func(m Message) bool
	// OnHeld is called when a message is set aside, with the error that did it; nil when it only queues up. It may be called again for
	// the same message. May be nil.
	OnHeld func(ctx context.Context, m Message, err error)
	// SetAside is called before a message is set aside, and keeps it where it is by an error: somebody else may be at it. attempted says that an earlier
	// attempt may have had its effect. May be nil, where it does no harm to do a message twice.
	SetAside func(ctx context.Context, m Message, err error) (attempted bool, _ error)
}

// NewHolder makes a holder for the messages of the stream whose subjects begin with token.
func (b *Bus) NewHolder(token string, handle Handler) *Holder {
	return &Holder{bus: b, stream: token, handle: handle, kick: make(chan HeldLane, 256)}
}

// Handle carries out m, or sets it aside. It is the Handler of the partitions.
func (h *Holder) Handle(ctx context.Context, m Message) (err error) {
	lane, ok := HeldLaneOf(m.Subject)
	if !ok {
		return retry.Malformed(fmt.Errorf("no customer in subject %s", m.Subject))
	}
	empty := h.calm.turn(m)
	defer func() {
		if err != nil {
			h.calm.failed(m)
		}
	}()
	if h.Idle != nil && h.Idle(m) {
		return nil
	}
	waiting, err := h.waits(ctx, lane, m, empty)
	if err != nil {
		return fmt.Errorf("look for held messages: %w", err)
	}
	if waiting {
		return h.hold(ctx, lane, m, nil)
	}
	err = h.handle(ctx, m)
	if _, permanent := retry.Reason(err); err == nil || permanent || ctx.Err() != nil || errors.Is(err, ErrStay) {
		return err
	}
	if errors.Is(err, ErrConflict) {
		// Another replica has taken the message over, being told that this one died. Set aside from here it would be done once more.
		return err
	}
	return h.hold(ctx, lane, m, err)
}

func (h *Holder) hold(ctx context.Context, lane HeldLane, m Message, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, 4*callTimeout) // what it asks of JetStream, one after the other
	defer cancel()
	origin, attempted := originOf(m), false
	if h.SetAside != nil {
		var err error
		if attempted, err = h.SetAside(ctx, m, cause); err != nil {
			return fmt.Errorf("hold: %w", err)
		}
	}
	if attempted || errors.Is(cause, retry.ErrUnknown) {
		origin.Set(headerAttempted, "true")
	}
	if delay := retry.Delay(cause); delay > 0 {
		origin.Set(headerNotBefore, time.Now().Add(delay).UTC().Format(time.RFC3339Nano))
		origin.Set(headerDelay, delay.String())
	}
	h.calm.disturbed(m)
	if h.OnHeld != nil {
		// Said first: once it is stored, another replica may be done with it before we get to say so.
		h.OnHeld(ctx, m, cause)
	}
	_, err := h.bus.once(ctx, Held, lane.Subject(m.Subject), m.Data, origin)
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	h.bus.metrics.handled.WithLabelValues(m.Stream, "held").Inc()
	if cause != nil {
		h.bus.log.InfoContext(ctx, "held", "subject", m.Subject, "err", cause)
	}
	select {
	case h.kick <- lane:
	default: // the next scan finds it
	}
	return nil
}

// originOf answers the headers that tell where a held message came from.
func originOf(m Message) nats.Header {
	return nats.Header{headerStream: {m.Stream}, headerSubject: {m.Subject}, headerSequence: {strconv.FormatUint(m.Sequence, 10)}}
}

// comesFrom makes a message of HELD again what it was where it came from.
func (m *Message) comesFrom(headers nats.Header) {
	m.Held, m.Stream, m.Subject = true, headers.Get(headerStream), headers.Get(headerSubject)
	m.Attempted = headers.Get(headerAttempted) != ""
	if sequence, err := strconv.ParseUint(headers.Get(headerSequence), 10, 64); err == nil && sequence > 0 {
		m.Sequence = sequence
	}
	m.Letter, _ = strconv.ParseUint(headers.Get(headerLetter), 10, 64)
}

// Serve works on what is held until ctx ends.
func (h *Holder) Serve(ctx context.Context) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	var mu sync.Mutex
	running := map[HeldLane]bool{}
	begin := func(lane HeldLane) {
		mu.Lock()
		defer mu.Unlock()
		if running[lane] {
			return
		}
		running[lane] = true
		serving.Go(func() {
			defer func() { mu.Lock(); delete(running, lane); mu.Unlock() }()
			_ = h.bus.Serve(ctx, h.queue(lane))
		})
	}
	ticker := time.NewTicker(scan)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case lane := <-h.kick:
			begin(lane)
		case <-ticker.C:
			lanes, err := h.waiting(ctx)
			if err != nil {
				h.bus.log.Debug("held messages not listed", "err", err)
			}
			h.calm.scanned(len(lanes) > 0 || err != nil)
			for _, lane := range lanes {
				begin(lane)
			}
		}
	}
}

func (h *Holder) queue(lane HeldLane) Queue {
	return Queue{
		Stream: Held, Durable: "held-" + lane.Stream + "-" + lane.A + "-" + lane.B, Filter: lane.Filter(), Handle: h.handle,
		Forget: time.Minute, Idle: 10 * time.Second,
	}
}

func (h *Holder) waiting(ctx context.Context) ([]HeldLane, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := h.bus.stream(ctx, Held)
	if err != nil {
		return nil, err
	}
	info, err := handle.Info(ctx, jetstream.WithSubjectFilter(h.filter()))
	if err != nil {
		return nil, err
	}
	var lanes []HeldLane
	for subject := range info.State.Subjects {
		if lane, ok := parseHeld(subject); ok {
			lanes = append(lanes, lane)
		}
	}
	return lanes, nil
}
