package fields

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

var descriptor = (*settingsv1.TeamSettings)(nil).ProtoReflect().Descriptor()

func none(string) ([]byte, error) { return nil, errors.New("no such file") }

func TestSet(t *testing.T) {
	file := func(path string) ([]byte, error) { return []byte("- channel: C0FILE # " + path + "\n"), nil }
	for _, tt := range []struct {
		name, value string
		want        *settingsv1.TeamSettings // nil: refused
	}{
		{"channel", "C0SUPPORT", &settingsv1.TeamSettings{Channel: "C0SUPPORT"}},
		{"channel", "", &settingsv1.TeamSettings{}},
		{"notificationsEnabled", "on", &settingsv1.TeamSettings{NotificationsEnabled: true}},
		{"notifications_enabled", "FALSE", &settingsv1.TeamSettings{}},
		{"notifications_enabled", "2", nil},
		{"mention_policy", "here", &settingsv1.TeamSettings{MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_HERE}},
		{"mention_policy", "mention_policy_channel", &settingsv1.TeamSettings{MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_CHANNEL}},
		{"mention_policy", "3", nil},
		{"admins", "U0DEMO1, U0DEMO2", &settingsv1.TeamSettings{Admins: []string{"U0DEMO1", "U0DEMO2"}}},
		{"admins", `["U0DEMO1","U0DEMO2"]`, &settingsv1.TeamSettings{Admins: []string{"U0DEMO1", "U0DEMO2"}}},
		{"admins", "", &settingsv1.TeamSettings{}},
		{"routing_rules", `[{"channel":"C0SHOP"}]`, &settingsv1.TeamSettings{RoutingRules: []*settingsv1.RoutingRule{{Channel: "C0SHOP"}}}},
		{"routing_rules", "- {page_host: shop.example.com, channel: C0SHOP}", &settingsv1.TeamSettings{RoutingRules: []*settingsv1.RoutingRule{{PageHost: "shop.example.com", Channel: "C0SHOP"}}}},
		{"routing_rules", "@rules.yaml", &settingsv1.TeamSettings{RoutingRules: []*settingsv1.RoutingRule{{Channel: "C0FILE"}}}},
		{"routing_rules", "", &settingsv1.TeamSettings{}},
		{"routing_rules", "x: [", nil},
		{"routing_rules", `{"channel":"C0SHOP"}`, nil},
		{"mention_quiet_period", "10m", &settingsv1.TeamSettings{MentionQuietPeriod: durationpb.New(10 * time.Minute)}},
		{"mention_quiet_period", "", &settingsv1.TeamSettings{}},
		{"mention_quiet_period", "soon", nil},
		{"mention_directly", "true", &settingsv1.TeamSettings{MentionDirectly: true}},
		{"unanswered", "{remind_after: 600s, escalate_after: 1800s, escalation_targets: [S0LEADS]}", &settingsv1.TeamSettings{Unanswered: &settingsv1.UnansweredPolicy{
			RemindAfter: durationpb.New(10 * time.Minute), EscalateAfter: durationpb.New(30 * time.Minute), EscalationTargets: []string{"S0LEADS"},
		}}},
		{"unanswered", "", &settingsv1.TeamSettings{}},
		{"unanswered", "10m", nil},
	} {
		field, err := Find(descriptor, tt.name)
		if err != nil {
			t.Fatal(err)
		}
		got := &settingsv1.TeamSettings{Channel: "", Admins: []string{}}
		err = Set(got, field, tt.value, file)
		if (err == nil) != (tt.want != nil) || (err == nil && !proto.Equal(got, tt.want)) {
			t.Errorf("%s=%s: %v, %v", tt.name, tt.value, got, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), tt.name+": ") {
			t.Errorf("%s=%s: the error does not name the field: %v", tt.name, tt.value, err)
		}
	}
	field, _ := Find(descriptor, "channel")
	if err := Set(&settingsv1.TeamSettings{}, field, "@missing", none); err == nil {
		t.Error("a file that cannot be read is taken")
	}
}

func TestNamesOfTheServerAreNotOffered(t *testing.T) {
	for _, name := range []string{"name", "etag", "update_time", "updateTime", "", "Channel"} {
		if _, err := Find(descriptor, name); err == nil || !strings.Contains(err.Error(), "mention_targets") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if n := len(Settable(descriptor)); n != descriptor.Fields().Len()-3 {
		t.Errorf("%d fields can be set", n)
	}
}

func TestShow(t *testing.T) {
	at := func(when time.Time) string { return fmt.Sprint(when.Unix()) }
	m := &settingsv1.TeamSettings{MentionPolicy: 99, UpdateTime: &timestamppb.Timestamp{Seconds: 7}, OperatorGroups: []*settingsv1.OperatorGroup{{Name: "夜 間", Operators: []string{"a", "b"}}}}
	for name, want := range map[string]string{
		"mention_policy": "99", "update_time": "7", "operator_groups": `1. name="夜 間" operators=(a, b)`, "channel": Nothing, "notifications_enabled": "false", "routing_rules": Nothing, "admins": Nothing,
	} {
		if got := Show(m.ProtoReflect(), descriptor.Fields().ByTextName(name), at); got != want {
			t.Errorf("%s is shown as %q, want %q", name, got, want)
		}
	}
}

// What `settings get` writes is what `settings set --file` reads.
func TestADocumentIsReadAsItWasWritten(t *testing.T) {
	ids := rapid.SliceOfN(rapid.StringMatching(`[UWS][A-Z0-9]{2,10}`), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		want := &settingsv1.TeamSettings{
			Name: "projects/demo/teamSettings", Etag: rapid.String().Draw(t, "etag"), Channel: rapid.String().Draw(t, "channel"), NotificationsEnabled: rapid.Bool().Draw(t, "on"),
			MentionPolicy: settingsv1.MentionPolicy(rapid.Int32Range(0, 4).Draw(t, "policy")), Admins: ids.Draw(t, "admins"),
			// What is absent is not written, and stays as it is when the document is read.
			MentionQuietPeriod: durationpb.New(time.Minute), Unanswered: &settingsv1.UnansweredPolicy{},
			RoutingRules: []*settingsv1.RoutingRule{{DisplayName: rapid.String().Draw(t, "rule"), BusinessHours: &settingsv1.BusinessHours{TimeZone: "Asia/Tokyo", Outside: rapid.Bool().Draw(t, "outside")}}},
		}
		raw, err := protojson.MarshalOptions{EmitDefaultValues: true, UseProtoNames: rapid.Bool().Draw(t, "names")}.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got := &settingsv1.TeamSettings{}
		named, err := Document(raw, got)
		if err != nil || !proto.Equal(got, want) || len(named) != len(Settable(descriptor)) {
			t.Fatalf("%s is read as %v with %d fields: %v", raw, got, len(named), err)
		}
	})
}

func FuzzDocument(f *testing.F) {
	for _, seed := range []string{"", "language: ja", "{}", "[]", "a: &a [*a]", "admins: [1]", "routing_rules:\n- channel: C0SHOP\n", "name: x\nname: y"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := &settingsv1.TeamSettings{}
		named, err := Document(raw, m)
		if err != nil {
			return
		}
		known := map[string]bool{}
		for _, field := range named {
			known[string(field.Name())] = true
		}
		for _, field := range Settable(descriptor) {
			if m.ProtoReflect().Has(field) && !known[string(field.Name())] {
				t.Errorf("%q sets %s without naming it", raw, field.Name())
			}
		}
	})
}
