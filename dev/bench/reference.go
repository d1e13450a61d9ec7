package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// The references: what a program costs that does nothing but the way itself, without a promise being kept.
const (
	// signedOnly is (a): net/http and the signature.
	signedOnly = "a"
	// published is (b): the same and one synchronous publish.
	published = "b"
	// straight is (c): HTTP, Redis GET, a post to the stand-in; no broker.
	straight = "c"
	// twoHops is (d): two hops over JetStream in between, each of 32 partitions with MaxAckPending 1.
	twoHops = "d"
	// bareGRPC is a gRPC server with TLS and a token.
	bareGRPC = "grpc"
)

// referenceEnv names what the program itself is to be instead.
const referenceEnv = "BENCH_REFERENCE"

// reference is what a reference needs to know.
type reference struct {
	Kind, Addr, NATS, Redis, Slack, KARTE string
	Cert, Key                             string
}

// Reference runs as a reference if the environment says so; ok is false otherwise.
func Reference(ctx context.Context) (ok bool, err error) {
	text := os.Getenv(referenceEnv)
	if text == "" {
		return false, nil
	}
	var r reference
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return true, fmt.Errorf("read what to be: %w", err)
	}
	if r.Kind == bareGRPC {
		return true, r.serveGRPC(ctx)
	}
	s := &straightLine{reference: r, client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	return true, s.run(ctx)
}

// startReference starts the program itself as a reference.
func (w *world) startReference(ctx context.Context, r reference) (*process, error) {
	var err error
	if r.Addr, err = freeAddr(); err != nil {
		return nil, err
	}
	r.NATS, r.Redis, r.Slack, r.KARTE = w.natsURL, w.redisAddr, w.slackURL, w.karteURL
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("start reference: %w", err)
	}
	p, err := w.launch("reference-"+r.Kind, w.self, []string{referenceEnv + "=" + string(text)})
	if err != nil {
		return nil, err
	}
	p.addr = r.Addr
	return p, p.await(ctx, 10*time.Millisecond, func() error {
		c, err := dial(ctx, r.Addr)
		if err == nil {
			err = c.conn.Close()
		}
		return err
	})
}

// straightLine is (a) to (d).
type straightLine struct {
	reference
	client *http.Client
	js     jetstream.JetStream
	redis  *redis.Client
}

// hops are the streams of (b) and (d).
const (
	firstHop   = "REFERENCE1"
	secondHop  = "REFERENCE2"
	partitions = 32
)

func (s *straightLine) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if s.Kind != signedOnly {
		conn, err := nats.Connect(s.NATS)
		if err != nil {
			return fmt.Errorf("connect to NATS: %w", err)
		}
		defer conn.Close()
		if s.js, err = jetstream.New(conn); err != nil {
			return fmt.Errorf("use JetStream: %w", err)
		}
		for _, hop := range []string{firstHop, secondHop} {
			if _, err := s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: hop, Subjects: []string{hop + ".>"}, MaxAge: time.Hour}); err != nil {
				return fmt.Errorf("create stream: %w", err)
			}
		}
		s.redis = redis.NewClient(&redis.Options{Addr: s.Redis})
		defer func() { _ = s.redis.Close() }()
	}
	if s.Kind == twoHops {
		if err := s.serveHops(ctx, group); err != nil {
			return err
		}
	}
	mux := http.NewServeMux()
	for _, f := range []form{karteForm, slackForm} {
		mux.HandleFunc("POST "+f.path, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(s.take(r, f)) })
	}
	server := &http.Server{Addr: s.Addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	group.Go(func() error { return server.ListenAndServe() })
	group.Go(func() error { <-ctx.Done(); return server.Close() })
	if err := group.Wait(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// take is the way in.
func (s *straightLine) take(r *http.Request, f form) int {
	body, err := io.ReadAll(r.Body)
	if err != nil || !f.verify(r.Header, body) {
		return http.StatusUnauthorized
	}
	switch s.Kind {
	case published:
		_, err = s.js.Publish(r.Context(), firstHop+".all", body)
	case straight, twoHops:
		var m *message
		if m, err = f.read(body); err == nil && m != nil {
			err = s.forward(r.Context(), m)
		}
	}
	if err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func (s *straightLine) forward(ctx context.Context, m *message) error {
	if s.Kind == straight {
		if err := s.lookUp(ctx, m); err != nil {
			return err
		}
		return s.deliver(ctx, m)
	}
	return s.hop(ctx, firstHop, m)
}

// message is what the references carry.
type message struct {
	ToSlack bool
	// Key is whose it is: the customer, or the channel and thread.
	Key, Text string
	// To is what Redis says: the channel and thread, or the customer.
	To string
}

// read answers what a request tells, nil when it is nobody's message.
func (f form) read(body []byte) (*message, error) {
	var in struct {
		Data struct {
			UserID  string `json:"user_id"`
			Content struct{ Text string }
		}
		Event struct {
			Type, Subtype, Text, Channel string
			ClientMsgID                  string `json:"client_msg_id"`
			ThreadTS                     string `json:"thread_ts"`
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if f.name == karteForm.name {
		return &message{ToSlack: true, Key: in.Data.UserID, Text: in.Data.Content.Text}, nil
	}
	if e := in.Event; e.Type == "message" && e.Subtype == "" && e.ClientMsgID != "" {
		return &message{Key: e.Channel + " " + e.ThreadTS, Text: strings.Trim(e.Text, "`")}, nil
	}
	return nil, nil
}

func referenceKey(key string) string { return "reference:" + key }

func (s *straightLine) lookUp(ctx context.Context, m *message) (err error) {
	m.To, err = s.redis.Get(ctx, referenceKey(m.Key)).Result()
	return err
}

func (s *straightLine) hop(ctx context.Context, hop string, m *message) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, m.Key)
	_, err = s.js.Publish(ctx, fmt.Sprintf("%s.%d", hop, hash.Sum32()%partitions), data)
	return err
}

// serveHops works on both hops.
func (s *straightLine) serveHops(ctx context.Context, group *errgroup.Group) error {
	for hop, handle := range map[string]func(context.Context, *message) error{
		firstHop: func(ctx context.Context, m *message) error {
			if err := s.lookUp(ctx, m); err != nil {
				return err
			}
			return s.hop(ctx, secondHop, m)
		},
		secondHop: s.deliver,
	} {
		for p := range partitions {
			consumer, err := s.js.CreateOrUpdateConsumer(ctx, hop, jetstream.ConsumerConfig{
				Durable: fmt.Sprintf("%s-%d", hop, p), FilterSubject: fmt.Sprintf("%s.%d", hop, p), AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1,
			})
			if err != nil {
				return fmt.Errorf("create consumer: %w", err)
			}
			messages, err := consumer.Messages()
			if err != nil {
				return fmt.Errorf("pull: %w", err)
			}
			context.AfterFunc(ctx, messages.Stop)
			group.Go(func() error { return consume(ctx, messages, handle) })
		}
	}
	return nil
}

func consume(ctx context.Context, messages jetstream.MessagesContext, handle func(context.Context, *message) error) error {
	for {
		raw, err := messages.Next()
		if err != nil {
			return nil //nolint:nilerr // it was stopped
		}
		var m message
		if err := json.Unmarshal(raw.Data(), &m); err != nil {
			return err
		}
		if err := handle(ctx, &m); err != nil && ctx.Err() == nil {
			return err
		}
		_ = raw.Ack()
	}
}

// deliver posts as our services' posts look on the wire, so that the stand-in has as much to do.
func (s *straightLine) deliver(ctx context.Context, m *message) error {
	url, token, body := s.KARTE+"/v2/talk/message/sendFromOperator", karteToken, any(map[string]any{"user_id": m.To, "sender_id": operator, "content": map[string]string{"text": m.Text}})
	if m.ToSlack {
		channel, thread, _ := strings.Cut(m.To, " ")
		url, token, body = s.Slack+"/api/chat.postMessage", botToken, slackPost(channel, thread, m.Text)
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || m.ToSlack && !bytes.Contains(answer, []byte(`"ok":true`))) {
		err = fmt.Errorf("%s: %s", response.Status, answer)
	}
	return err
}

func slackPost(channel, thread, text string) map[string]any {
	return map[string]any{
		"channel": channel, "thread_ts": thread, "text": text, "unfurl_links": false,
		"blocks": []any{map[string]any{"type": "rich_text", "elements": []any{
			map[string]any{"type": "rich_text_section", "elements": []any{map[string]any{"type": "text", "text": text}}},
		}}},
		"metadata": map[string]any{"event_type": "reference", "event_payload": map[string]any{"marks": "reference"}},
	}
}
