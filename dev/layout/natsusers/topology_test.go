package natsusers

import (
	"bytes"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
)

// The Job of the manifests: it makes everything and changes everything, with the rights that it has.
func TestTopologyMayApply(t *testing.T) {
	s := start(t)
	b := connect(t, s, "topology")
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	former := bus.Topology(1)
	for _, config := range former {
		config.Description = "as a former version described it"
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	changed := 0
	if err := b.Apply(t.Context(), func(bus.Difference) { changed++ }); err != nil {
		t.Fatal(err)
	}
	if left, err := b.Diff(t.Context()); err != nil || len(left) > 0 || changed < len(former) {
		t.Errorf("%d changed, left: %v, %v", changed, left, err)
	}
}

func TestBackupMaySaveAndRestore(t *testing.T) {
	from, to := start(t), start(t)
	if err := connect(t, from, "router").Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := publish(t.Context(), connect(t, from, "ingest-karte"), bus.Talk, bus.TalkSubject(2, "demo", "member-1", "customer-message", "evt-1")); err != nil {
		t.Fatal(err)
	}
	saving, restoring := connect(t, from, "backup"), connect(t, to, "backup")
	for _, stream := range bus.Topology(1) {
		var content bytes.Buffer
		saved, err := saving.Save(t.Context(), stream.Name, &content)
		if err != nil {
			t.Fatal(err)
		}
		if err := restoring.Load(t.Context(), saved, &content); err != nil {
			t.Fatal(err)
		}
	}
	duplicate, err := connect(t, to, "ingest-karte").OnceWithin(t.Context(), 5*time.Second, bus.Talk, bus.TalkSubject(2, "demo", "member-1", "customer-message", "evt-1"), page())
	if err != nil || !duplicate {
		t.Errorf("what was saved is stored again: %v, %v", duplicate, err)
	}
}

func TestTopologyAndBackupMayDoNothingElse(t *testing.T) {
	s := start(t)
	for user, subjects := range map[string][]string{
		"topology": {
			"talk.2-000.demo.c1.customer-message.x", "post.T0DEMO1.C0SUPPORT.x", "$KV.THREADS.demo.c1", "$JS.API.STREAM.DELETE.TALK", "$JS.API.STREAM.PURGE.TALK", "$JS.API.STREAM.MSG.GET.TALK",
			"$JS.API.STREAM.MSG.DELETE.TALK", "$JS.API.CONSUMER.MSG.NEXT.TALK.x", "$JS.API.CONSUMER.DELETE.TALK.x", "$JS.API.STREAM.SNAPSHOT.TALK", "$JS.API.STREAM.CREATE.SPY", "$JS.API.STREAM.UPDATE.SPY",
		},
		"backup": {"talk.2-000.demo.c1.customer-message.x", "$JS.API.STREAM.DELETE.TALK", "$JS.API.STREAM.UPDATE.TALK", "$JS.API.STREAM.PURGE.TALK", "$JS.API.CONSUMER.MSG.NEXT.TALK.x"},
	} {
		for _, subject := range subjects {
			if !refused(t, url(s, user), "publish", subject) {
				t.Errorf("%s may publish %s", user, subject)
			}
		}
		if !refused(t, url(s, user), "subscribe", ">") || !refused(t, url(s, user), "subscribe", "talk.>") {
			t.Errorf("%s may listen", user)
		}
	}
}
