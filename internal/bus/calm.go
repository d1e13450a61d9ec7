package bus

import (
	"context"
	"strings"
	"sync"
)

// calm is what a replica knows of the partitions that it serves: of which of them nothing waits in HELD. What waits of a partition was set aside by whoever was
// handed its messages, so that after one look nothing has come to it for as long as the deliveries follow each other here, however many customers they are of.
// Where that is wrong, because an ordered queue is made anew and counts from the start, or because somebody replays a fact, the next scan of HELD tells.
type calm struct {
	mu         sync.Mutex
	partitions map[string]*partition
	// some says that something of the stream waits, as far as was seen last, or that it is not known.
	some bool
}

type partition struct {
	// turn is the delivery that was last handled here.
	turn uint64
	// empty says that nothing of the partition waited then.
	empty bool
}

// turn notes the delivery of m, and answers whether nothing of its partition waits.
func (c *calm) turn(m Message) (empty bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.of(m)
	inARow := m.Turn == p.turn+1 && m.Deliveries == 1
	p.turn, p.empty = m.Turn, p.empty && inARow && !c.some
	return p.empty
}

func (c *calm) of(m Message) *partition {
	name := strings.SplitN(m.Subject, ".", 3)[1]
	if c.partitions == nil {
		c.partitions = map[string]*partition{}
	}
	if c.partitions[name] == nil {
		c.partitions[name] = &partition{}
	}
	return c.partitions[name]
}

// disturbed notes that m is about to be set aside.
func (c *calm) disturbed(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of(m).empty, c.some = false, true
}

// failed notes that m was not done: NATS, killed, may forget that it was handed out, and hand it to another replica as if it were the first.
func (c *calm) failed(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of(m).empty = false
}

// scanned notes whether something of the stream waits, or whether that is not known.
func (c *calm) scanned(some bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.some = some
}

// looked notes what a look at the whole stream has shown before m is handled.
func (c *calm) looked(m Message, some bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of(m).empty, c.some = !some, some
}

func (c *calm) mayBe() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.some
}

// waits reports whether something of m's customer waits in HELD; empty says that it is known of m's partition that nothing does. Where nothing waits at all, which is
// as it should be, one look is enough for the messages that follow. While the number of partitions is being raised, two partitions have messages of one customer.
func (h *Holder) waits(ctx context.Context, lane HeldLane, m Message, empty bool) (bool, error) {
	raised := h.bus.settings.PartitionsBefore > 0
	if empty && !raised {
		return false, nil
	}
	if !raised && h.calm.mayBe() {
		some, err := h.bus.any(ctx, Held, h.filter())
		if err != nil {
			return false, err
		}
		h.calm.looked(m, some)
		if !some {
			return false, nil
		}
	}
	return h.bus.any(ctx, Held, lane.Filter())
}

// filter matches everything that waits of the stream.
func (h *Holder) filter() string { return "held." + h.stream + ".>" }
