package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// chunk is how much of a stream is sent at once, below every max_payload.
	chunk = 128 << 10
	// chunkTime is how long the next chunk, or its acknowledgement, may take.
	chunkTime = 30 * time.Second
)

// Snapshot is what a stream was when its content was written away; Restore needs it.
type Snapshot struct {
	Config jetstream.StreamConfig `json:"config"`
	State  json.RawMessage        `json:"state"`
}

// answered is what JetStream answers to a request about a snapshot.
type answered struct {
	Snapshot
	DeliverSubject string              `json:"deliver_subject"`
	Error          *jetstream.APIError `json:"error"`
}

// Save writes a stream, its messages and its consumers with how far they are, into content, in the form in which JetStream keeps them. Messages
// may be stored and handled meanwhile; the copy is of one moment of this stream.
func (b *Bus) Save(ctx context.Context, stream string, content io.Writer) (Snapshot, error) {
	inbox := nats.NewInbox()
	chunks, err := b.conn.SubscribeSync(inbox)
	if err != nil {
		return Snapshot{}, fmt.Errorf("save %s: %w", stream, err)
	}
	defer func() { _ = chunks.Unsubscribe() }()
	answer, err := b.request(ctx, "$JS.API.STREAM.SNAPSHOT."+stream, map[string]any{"deliver_subject": inbox, "chunk_size": chunk})
	if err != nil {
		return Snapshot{}, fmt.Errorf("save %s: %w", stream, err)
	}
	for {
		next, cancel := context.WithTimeout(ctx, chunkTime)
		m, err := chunks.NextMsgWithContext(next)
		cancel()
		if err != nil {
			return Snapshot{}, fmt.Errorf("save %s: %w", stream, err)
		}
		if len(m.Data) == 0 {
			if status := m.Header.Get("Status"); status != "" && status != "204" {
				return Snapshot{}, fmt.Errorf("save %s: %s %s", stream, status, m.Header.Get("Description"))
			}
			return answer.Snapshot, nil
		}
		if _, err := content.Write(m.Data); err != nil {
			return Snapshot{}, fmt.Errorf("save %s: %w", stream, err)
		}
		// The server sends on when it hears that this much has arrived; it does not ask about what is less than a chunk.
		if m.Reply == "" {
			continue
		}
		if err := m.Respond(nil); err != nil {
			return Snapshot{}, fmt.Errorf("save %s: %w", stream, err)
		}
	}
}

// Load makes a stream again as it was saved. It must not be there: nothing is overwritten.
func (b *Bus) Load(ctx context.Context, saved Snapshot, content io.Reader) error {
	stream := saved.Config.Name
	answer, err := b.request(ctx, "$JS.API.STREAM.RESTORE."+stream, saved)
	if err != nil {
		return fmt.Errorf("load %s: %w", stream, err)
	}
	buffer := make([]byte, chunk)
	for {
		n, err := io.ReadFull(content, buffer)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return fmt.Errorf("load %s: %w", stream, err)
		}
		// An empty one is the last one, and answered when the stream is there.
		if err := b.give(ctx, answer.DeliverSubject, buffer[:n]); err != nil {
			return fmt.Errorf("load %s: %w", stream, err)
		}
		if n == 0 {
			return nil
		}
	}
}

func (b *Bus) give(ctx context.Context, subject string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, chunkTime)
	defer cancel()
	m, err := b.conn.RequestWithContext(ctx, subject, data)
	if err != nil {
		return err
	}
	var answer answered
	if len(m.Data) > 0 && json.Unmarshal(m.Data, &answer) == nil && answer.Error != nil {
		return answer.Error
	}
	return nil
}

func (b *Bus) request(ctx context.Context, subject string, body any) (answer answered, err error) {
	data, err := json.Marshal(body)
	if err != nil {
		return answer, err
	}
	ctx, cancel := context.WithTimeout(ctx, chunkTime)
	defer cancel()
	m, err := b.conn.RequestWithContext(ctx, subject, data)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return answer, err
	}
	if answer.Error != nil {
		return answer, answer.Error
	}
	return answer, nil
}
