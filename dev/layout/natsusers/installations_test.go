package natsusers

import (
	"context"
	"testing"
	"time"

	"github.com/slacktalk/slacktalk/internal/bus"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestTheGatewayMayKeepInstallations(t *testing.T) {
	s := start(t)
	b := connect(t, s, "slack-gateway")
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	records := bus.NewRecords[*eventv1.InstallationRecord](b, bus.Installations)
	revision, err := records.Write(t.Context(), "i.-.T0DEMO1", &eventv1.InstallationRecord{Team: "T0DEMO1"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := records.Write(t.Context(), "i.-.T0DEMO1", &eventv1.InstallationRecord{Team: "T0DEMO1", Name: "demo"}, revision); err != nil {
		t.Error(err)
	}
	got := &eventv1.InstallationRecord{}
	if _, err := records.Read(t.Context(), "i.-.T0DEMO1", got); err != nil || got.GetName() != "demo" {
		t.Errorf("%v, %v", got, err)
	}
	for n, want := range []bool{true, false} {
		if first, err := b.UseUp(t.Context(), bus.Installations, "used.x", time.Minute); err != nil || first != want {
			t.Errorf("use %d: %v, %v", n, first, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	told := ""
	bus.Watch(ctx, b, bus.Installations, "i.", func(_ string, r *eventv1.InstallationRecord, _ uint64) { told = r.GetName() }, cancel)
	if told != "demo" {
		t.Error("the installation is not told")
	}
}
