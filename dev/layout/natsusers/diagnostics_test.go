package natsusers

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestTheRouterMayExamineEverything(t *testing.T) {
	s := start(t)
	ingest, router, gateway := connect(t, s, "ingest-karte"), connect(t, s, "router"), connect(t, s, "slack-gateway")
	if err := router.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	listen := func(b *bus.Bus, subject string) {
		background(t, func(ctx context.Context) error {
			return bus.Answer(ctx, b, subject, "", time.Second, func(context.Context, *eventv1.ExaminationRequest) proto.Message {
				return &eventv1.ExaminationResponse{Replica: "demo"}
			})
		})
	}
	asked := map[string]string{ // what is asked, by what is listened on
		bus.AskKarteSubject("demo", bus.AskExamination):  bus.AskKarteSubject("demo", bus.AskExamination),
		bus.AskKarteSubject("demo", bus.AskTestMessage):  bus.AskKarteSubject("demo", bus.AskTestMessage),
		bus.AskSlackSubject("*", bus.AskExamination):     bus.AskSlackSubject("-", bus.AskExamination),
		bus.AskSlackSubject("T0DEMO1", bus.AskWorkspace): bus.AskSlackSubject("T0DEMO1", bus.AskWorkspace),
	}
	for listened := range asked {
		service := ingest
		if strings.HasPrefix(listened, "ask.slack.") {
			service = gateway
		}
		listen(service, listened)
	}
	for _, subject := range asked {
		ask(t, router, subject)
	}
	js, err := jetstream.New(router.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AccountInfo(t.Context()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends} {
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		list := stream.ListConsumers(t.Context())
		for range list.Info() { // only whether it may be asked matters
		}
		if err := list.Err(); err != nil {
			t.Errorf("consumers of %s: %v", name, err)
		}
		if _, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// ask asks until somebody answers: those who listen need a moment to begin.
func ask(t *testing.T, b *bus.Bus, subject string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		answers, err := bus.AskAll(ctx, b, subject, &eventv1.ExaminationRequest{}, 10*time.Millisecond, func() *eventv1.ExaminationResponse { return &eventv1.ExaminationResponse{} })
		cancel()
		if err == nil && len(answers) == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v %v", subject, answers, err)
		}
	}
}
