// Package bus is how the services speak over JetStream: subjects, topology, publishing once, and the one policy of
// acknowledging what was consumed.
package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/telemetry"
)

// Settings of the connection, the same in every service.
type Settings struct {
	// URL of the NATS servers, with user and password where no credentials file is used.
	URL secret.String `env:"NATS_URL,required,notEmpty"`
	// Creds is the path of a NATS credentials file.
	Creds string `env:"NATS_CREDS"`
	// CA is the path of the certificate authority of the servers, when it is not a public one.
	CA string `env:"NATS_CA"`
	// Named keeps to the servers of URL: what a cluster tells of its other servers leads nowhere for somebody outside, who comes through a forwarded port.
	Named bool `env:"-"`
	// Replicas of every stream and bucket that this service has to create.
	Replicas int `env:"STREAM_REPLICAS" envDefault:"1"`
	// Partitions is the number of ordered queues per stream.
	Partitions Partitions `env:"PARTITIONS" envDefault:"32"`
	// PartitionsBefore is the former number while it is being raised; 0 when it is not.
	PartitionsBefore Partitions `env:"PARTITIONS_BEFORE" envDefault:"0"`
}

// Validate reports numbers out of range.
func (s Settings) Validate() error {
	if s.Partitions < 1 || s.Partitions > 1024 {
		return errors.New("PARTITIONS must be 1 to 1024")
	}
	if s.PartitionsBefore < 0 || s.PartitionsBefore > 1024 || s.PartitionsBefore == s.Partitions {
		return errors.New("PARTITIONS_BEFORE must be 0 to 1024 and another number than PARTITIONS")
	}
	if s.Replicas < 1 || s.Replicas > 5 {
		return errors.New("STREAM_REPLICAS must be 1 to 5")
	}
	return nil
}

// Bus is a connection to NATS.
type Bus struct {
	conn     *nats.Conn
	js       jetstream.JetStream
	leaders  nats.JetStreamContext // the former API, which can ask a stream's leader where js asks any replica
	settings Settings
	log      *slog.Logger
	metrics  *metrics
	tracing  *telemetry.Tracing
	handles  sync.Map // stream or bucket name → its handle
	// ackWait is the constant of that name; tests shorten it.
	ackWait time.Duration
	// lacking is why the topology is not as it should be, while Ensure waits for that and the service does nothing.
	lacking atomic.Pointer[error]
	// asking holds, for each stream, a place for each consumer that is being asked for: a stream without a leader makes no other one wait.
	asking map[string]chan struct{}
}

// Connect opens the connection. It does not wait for the servers: while they are away everything fails with an error
// that may be tried again, and Check says so. NATS's own errors are logged.
func Connect(s Settings, service string, log *slog.Logger, registry prometheus.Registerer) (*Bus, error) {
	who := credentials{s.URL}
	servers, err := who.servers()
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	options := []nats.Option{
		nats.Name(service),
		nats.ReconnectErrHandler(failures(log, who.who)),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		// A password that is being changed is refused for a while, too.
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		// A publish while disconnected fails at once instead of being kept in memory, where a crash would lose it.
		nats.ReconnectBufSize(-1),
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DrainTimeout(5 * time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("nats connection lost", "err", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { log.Info("nats connected", "server", c.ConnectedServerName()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("nats error", "err", err) }),
	}
	if s.Creds != "" {
		options = append(options, nats.UserCredentials(s.Creds))
	} else {
		options = append(options, who.options()...)
	}
	if s.Named {
		options = append(options, nats.IgnoreDiscoveredServers())
	}
	if s.CA != "" {
		options = append(options, nats.RootCAs(s.CA))
	}
	conn, err := nats.Connect(servers, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", who.who(err))
	}
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(callTimeout))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	leaders, err := conn.JetStream(nats.MaxWait(callTimeout))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	b := &Bus{conn: conn, js: js, leaders: leaders, settings: s, log: log, metrics: newMetrics(registry), ackWait: ackWait, asking: map[string]chan struct{}{}}
	for _, stream := range streams() {
		b.asking[stream.Name] = make(chan struct{}, askedAtOnce)
	}
	b.lacking.Store(&errNotLooked)
	return b, nil
}

var (
	errAway = errors.New("no server answers")
	// errNotLooked is what Check says before Ensure has looked once, so that a service is not ready first and then is not.
	errNotLooked = errors.New("whether all streams are there is not known yet")
)

// callTimeout bounds one call to JetStream.
const callTimeout = 2 * time.Second

// Partitions answers the number of partitions in force.
func (b *Bus) Partitions() Partitions { return b.settings.Partitions }

// Conn is the connection itself, for request and reply.
func (b *Bus) Conn() *nats.Conn { return b.conn }

// Close sends what is still buffered and closes.
func (b *Bus) Close() {
	if b.conn.IsConnected() {
		_ = b.conn.FlushTimeout(callTimeout)
	}
	b.conn.Close()
}

// Connected tells whether there is a connection now, and why there is none.
func (b *Bus) Connected() error {
	if !b.conn.IsConnected() {
		return fmt.Errorf("NATS is %s: %w", b.conn.Status(), credentials{b.settings.URL}.who(cmp.Or(b.conn.LastError(), errAway)))
	}
	return nil
}

// Check tells whether the streams can be reached now, and carry what this version writes: a service is ready then, whose Ensure has been.
func (b *Bus) Check(streams ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := b.Connected(); err != nil {
			return err
		}
		if lacking := b.lacking.Load(); lacking != nil {
			return *lacking
		}
		there := Topology(b.settings.Replicas)
		for _, name := range streams {
			i := slices.IndexFunc(there, func(c jetstream.StreamConfig) bool { return c.Name == name })
			if i < 0 {
				return fmt.Errorf("stream %s: there is to be none of this name", name)
			}
			config := there[i]
			if err := b.carries(ctx, config); err != nil {
				return fmt.Errorf("stream %s: %w", config.Name, err)
			}
		}
		return nil
	}
}
