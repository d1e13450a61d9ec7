package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/natstest"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// A process died after KARTE took its reply. Whoever goes on cannot look for it at once; that is no reason to send it again.
func TestPromise2AnAttemptThatCannotBeLookedForAtOnceIsNotRepeated(t *testing.T) {
	s := start(t, stack.Options{})
	s.says(kartestandin.Customer{UserID: "member-1"}, "first words")
	thread := s.head("first words")
	if err := s.StopService(stack.IngestKARTE); err != nil {
		t.Fatal(err)
	}
	ts := s.replies(stack.Hanako, thread, "```only once```")
	s.attempted(t)
	s.sentBy(t, stack.Operator, "member-1", "only once")
	s.KARTE.AddFault(kartestandin.Fault{Path: kartestandin.PathMessageGet, Kind: kartestandin.FaultStatus, Status: http.StatusTooManyRequests, RetryAfter: 1, Count: 2})
	if err := s.StartService(stack.IngestKARTE); err != nil {
		t.Fatal(err)
	}
	s.marked(ts, "white_check_mark")
	if got := fromAPI(s.KARTE.Messages("member-1"), kartestandin.KindMessage); !slices.Equal(got, []string{"only once"}) {
		t.Errorf("the customer got %q", got)
	}
}

// attempted writes the checkpoint that a process leaves which dies during its call for the last command to KARTE.
func (s system) attempted(t *testing.T) {
	t.Helper()
	js := natstest.JetStream(t, s.NATSURL)
	consumer, err := js.OrderedConsumer(t.Context(), "SENDS", jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := consumer.Next(jetstream.FetchMaxWait(within))
	if err != nil {
		t.Fatal(err)
	}
	meta, err := m.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	note, err := proto.Marshal(&eventv1.Checkpoint{Sequence: meta.Sequence.Stream, AttemptedAt: timestamppb.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.bucket("CHECKPOINTS").Put(t.Context(), "send."+strings.Split(m.Subject(), ".")[1], note); err != nil {
		t.Fatal(err)
	}
}

// sentBy sends a text through KARTE's API, as the bridge does.
func (s system) sentBy(t *testing.T, operator, customer, text string) {
	t.Helper()
	body := `{"user_id":"` + customer + `","sender_id":"` + operator + `","content":{"text":"` + text + `"}}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.KarteURL+kartestandin.PathSendFromOperator, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer demo-api-token")
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("KARTE answered %s", answer.Status)
	}
}
