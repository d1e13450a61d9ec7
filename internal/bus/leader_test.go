package bus_test

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Any replica of a bucket answers a direct get, however far it lags behind. What a checkpoint of before says of a message may be that it is done.
func TestPromise1RecordsAreReadFromTheLeader(t *testing.T) {
	b, url := ready(t)
	spy, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer spy.Close()
	direct, err := spy.SubscribeSync("$JS.API.DIRECT.GET.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := spy.Flush(); err != nil {
		t.Fatal(err)
	}
	checkpoint := b.NewCheckpoint("send.4-000")
	for sequence := range uint64(3) {
		if last, err := checkpoint.Last(t.Context()); err != nil || last.GetSequence() != sequence {
			t.Fatalf("%v %v, want %d", last, err, sequence)
		}
		if err := checkpoint.Note(t.Context(), &eventv1.Checkpoint{Sequence: sequence + 1}); err != nil {
			t.Fatal(err)
		}
	}
	var record eventv1.ThreadRecord
	if revision, err := bus.NewRecords[*eventv1.ThreadRecord](b, bus.Threads).Read(t.Context(), "c.demo.nobody", &record); err != nil || revision != 0 {
		t.Errorf("%d %v", revision, err)
	}
	if err := spy.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, _, err := direct.Pending(); err != nil || n > 0 {
		m, _ := direct.NextMsg(1)
		t.Errorf("%d reads that any replica may answer, such as %v: %v", n, m, err)
	}
}

// A record that was deleted through NATS's own tools is not there, and can be written again.
func TestADeletedRecordIsNotThere(t *testing.T) {
	b, _ := ready(t)
	records := bus.NewRecords[*eventv1.ThreadRecord](b, bus.Threads)
	if _, err := records.Write(t.Context(), "c.demo.c1", &eventv1.ThreadRecord{Ts: "1.1"}, 0); err != nil {
		t.Fatal(err)
	}
	js, err := b.Conn().JetStream()
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := js.KeyValue(bus.Threads)
	if err != nil {
		t.Fatal(err)
	}
	if err := bucket.Delete("c.demo.c1"); err != nil {
		t.Fatal(err)
	}
	record := eventv1.ThreadRecord{Ts: "9.9"}
	if revision, err := records.Read(t.Context(), "c.demo.c1", &record); err != nil || revision != 0 || record.GetTs() != "" {
		t.Errorf("%v %d %v", &record, revision, err)
	}
	if _, err := records.Write(t.Context(), "c.demo.c1", &eventv1.ThreadRecord{Ts: "2.2"}, 0); err != nil {
		t.Error(err)
	}
}
