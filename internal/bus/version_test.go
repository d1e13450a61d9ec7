package bus_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/retry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// released answers the messages of the contract of each release that is kept.
func released(t *testing.T) map[string]protoreflect.MessageDescriptors {
	t.Helper()
	paths, err := filepath.Glob("../../proto/baseline/*.binpb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no contract of a release: %v", err)
	}
	all := map[string]protoreflect.MessageDescriptors{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var set descriptorpb.FileDescriptorSet
		if err := proto.Unmarshal(content, &set); err != nil {
			t.Fatal(err)
		}
		// What the contracts import is the library's and the same in both.
		files := protoregistry.Files{}
		for _, file := range set.GetFile() {
			d, err := protodesc.FileOptions{AllowUnresolvable: true}.New(file, &files)
			if err != nil {
				t.Fatal(err)
			}
			if err := files.RegisterFile(d); err != nil {
				t.Fatal(err)
			}
			if d.Package() == "slacktalk.event.v1" {
				all[filepath.Base(path)+" "+d.Path()] = d.Messages()
			}
		}
	}
	return all
}

// full answers a message with everything in it; of alternatives the one that n chooses.
func full(d protoreflect.MessageDescriptor, create func(protoreflect.MessageDescriptor) protoreflect.Message, n, depth int) protoreflect.Message {
	m := create(d)
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if one := f.ContainingOneof(); one != nil && !one.IsSynthetic() && one.Fields().Get(n%one.Fields().Len()) != f {
			continue
		}
		value := func() protoreflect.Value {
			if f.Message() != nil {
				return protoreflect.ValueOfMessage(full(f.Message(), create, n, depth-1))
			}
			return scalar(f)
		}
		switch {
		case f.Message() != nil && depth == 0:
		case f.IsMap():
		case f.IsList():
			m.Mutable(f).List().Append(value())
		default:
			m.Set(f, value())
		}
	}
	return m
}

func scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(f.Enum().Values().Get(f.Enum().Values().Len() - 1).Number())
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(7)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(7)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(7)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(7)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("bytes"))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("text of " + string(f.Name()))
	default:
		panic("a kind of field that this test does not know: " + f.Kind().String())
	}
}

// carried answers m after somebody with another contract has read and written it; unread is whether they met something that they have no field for.
func carried(t *testing.T, m protoreflect.Message, other protoreflect.Message) (back proto.Message, unread bool) {
	t.Helper()
	there, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(there, other.Interface()); err != nil {
		t.Fatalf("%s cannot be read: %v", m.Descriptor().FullName(), err)
	}
	again, err := proto.Marshal(other.Interface())
	if err != nil {
		t.Fatal(err)
	}
	result := m.New().Interface()
	if err := proto.Unmarshal(again, result); err != nil {
		t.Fatal(err)
	}
	return result, unknownIn(other)
}

func unknownIn(m protoreflect.Message) bool {
	found := len(m.GetUnknown()) > 0
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				found = found || unknownIn(v.List().Get(i).Message())
			}
		default:
			found = found || unknownIn(v.Message())
		}
		return !found
	})
	return found
}

// What the last release has stored is understood whole, and what this version stores goes through the hands of the last release undamaged: both run side
// by side during an update, and after going back.
func TestTheContractsOfReleasesAndOursCarryEachOthersMessages(t *testing.T) {
	const alternatives, depth = 12, 4
	old := func(d protoreflect.MessageDescriptor) protoreflect.Message { return dynamicpb.NewMessage(d) }
	ours := func(d protoreflect.MessageDescriptor) protoreflect.Message {
		kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
		if err != nil {
			t.Fatalf("%s of a release is gone: %v", d.FullName(), err)
		}
		return kind.New()
	}
	for file, messages := range released(t) {
		for i := range messages.Len() {
			d := messages.Get(i)
			for n := range alternatives {
				before := full(d, old, n, depth)
				if back, unread := carried(t, before, ours(d)); unread || !proto.Equal(back, before.Interface()) {
					t.Errorf("%s: %s of the release is not understood whole (%v): %v", file, d.FullName(), unread, before)
				}
				now := full(ours(d).Descriptor(), func(d protoreflect.MessageDescriptor) protoreflect.Message { return ours(d) }, n, depth)
				if back, _ := carried(t, now, old(d)); !proto.Equal(back, now.Interface()) {
					t.Errorf("%s: %s of ours comes back damaged from the release", file, d.FullName())
				}
			}
		}
	}
}

// ofTheFuture makes f a fact of a kind that comes with the next version.
func ofTheFuture(f *eventv1.TalkFact) *eventv1.TalkFact {
	f.ProtoReflect().SetUnknown([]byte{0xa2, 0x3f, 0x00}) // field 1012, an empty message
	return f
}

// During a rolling update replicas of two versions serve the same queues. What only the next one knows waits for it, with what is behind it, and nothing is dropped.
func TestAFactOfTheNextVersionWaitsForIt(t *testing.T) {
	b, url := ready(t)
	got, turned := newSeen(), make(chan struct{}, 1000)
	version := func(knows bool) func(ctx context.Context, m bus.Message) error {
		return func(_ context.Context, m bus.Message) error {
			f := decode(t, m)
			if bus.Unread(f) && !knows {
				turned <- struct{}{}
				return bus.NotYet(m, "a fact")
			}
			got.add(f.GetCustomer().GetUserId(), f.GetId())
			return nil
		}
	}
	run := func(b *bus.Bus, knows bool) {
		holder := b.NewHolder("talk", version(knows))
		serve(t, holder.Serve)
		serve(t, func(ctx context.Context) error {
			return b.ServePartitions(ctx, "router-talk", bus.Talk, "talk", holder.Handle)
		})
	}
	run(b, false)
	const customer = "member-1"
	publish(t, b, customer, "evt-1")
	got.wait(t, 1)
	subject := bus.TalkSubject(b.Partitions(), "demo", customer, "customer-message", "evt-2")
	future := ofTheFuture(&eventv1.TalkFact{Id: "evt-2", Customer: &eventv1.Customer{UserId: customer}})
	if _, err := b.OnceWithin(t.Context(), 5*time.Second, bus.Talk, subject, future); err != nil {
		t.Fatal(err)
	}
	<-turned
	publish(t, b, customer, "evt-3")
	publish(t, b, "member-2", "other") // is not held up
	got.wait(t, 1)
	run(connect(t, url, 4, 0), true)
	got.wait(t, 2)
	if !slices.Equal(got.got[customer], []string{"evt-1", "evt-2", "evt-3"}) {
		t.Errorf("done %v", got.got)
	}
}

// When no replica of the next version has come, it is for DEAD, from where that version can replay it.
func TestAFactOfAVersionThatDoesNotComeIsGivenUp(t *testing.T) {
	for age, want := range map[time.Duration]bool{time.Minute: false, time.Hour: true} {
		err := bus.NotYet(bus.Message{Subject: "talk.x", StoredAt: time.Now().Add(-age)}, "a fact")
		if _, permanent := retry.Reason(err); permanent != want || (!permanent && retry.Delay(err) == 0) {
			t.Errorf("%v old: %v", age, fmt.Sprint(err))
		}
	}
}
