package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/slacktalk/slacktalk/dev/kartestandin"
	"github.com/slacktalk/slacktalk/dev/slackstandin"
	"github.com/slacktalk/slacktalk/dev/stack"
	"github.com/slacktalk/slacktalk/internal/eventually"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const (
	good    = adminv1.Verdict_VERDICT_OK
	warns   = adminv1.Verdict_VERDICT_WARNING
	fails   = adminv1.Verdict_VERDICT_FAILED
	skipped = adminv1.Verdict_VERDICT_SKIPPED
)

// patient is a system with a doctor. Its Redis is its own, because it is broken, too.
type patient struct {
	system
	doctor adminv1.DiagnosticsServiceClient
	redis  *redis.Client
}

// keeps starts a Redis server that keeps its data, where there is one.
func keeps(t *testing.T) (url string) {
	t.Helper()
	if realRedis == "" {
		return ""
	}
	port := port(t)
	command := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "yes", "--dir", t.TempDir(), "--loglevel", "warning")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port})
	defer func() { _ = client.Close() }()
	eventually.Holds(t, within, "redis-server answers", func() bool { return client.Ping(t.Context()).Err() == nil })
	return "redis://127.0.0.1:" + port
}

func admit(t *testing.T, o stack.Options) patient {
	t.Helper()
	o.RedisURL = keeps(t)
	p := patient{system: start(t, o)}
	conn, err := grpc.NewClient(p.RouterAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	options, err := redis.ParseURL(p.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	p.redis = redis.NewClient(options)
	t.Cleanup(func() { _ = p.redis.Close() })
	p.doctor = adminv1.NewDiagnosticsServiceClient(conn)
	return p
}

// examine answers the results by check, and fails when a check was not announced, or the run took too long.
func (p patient) examine(t *testing.T, sendTest bool) map[string]*adminv1.CheckResult {
	t.Helper()
	began := time.Now()
	stream, err := p.doctor.RunDiagnostics(stack.Admin(t.Context()), &adminv1.RunDiagnosticsRequest{Parent: "projects/" + stack.Project, SendTest: sendTest})
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]*adminv1.CheckResult{}
	var announced *adminv1.CheckStarted
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if s := answer.GetStarted(); s != nil {
			announced = s
			continue
		}
		r := answer.GetResult()
		if announced.GetCheck() != r.GetCheck() || results[r.GetCheck()] != nil {
			t.Errorf("%s was not announced, or comes twice", r.GetCheck())
		}
		results[r.GetCheck()] = r
	}
	if int(announced.GetTotal()) != len(results) {
		t.Errorf("%d checks, %d were announced", len(results), announced.GetTotal())
	}
	if took := time.Since(began); took > within {
		t.Errorf("it took %v", took)
	}
	return results
}

func told(results map[string]*adminv1.CheckResult) string {
	var out strings.Builder
	for _, r := range results {
		if r.GetVerdict() != good {
			fmt.Fprintf(&out, "%s %s: %s | fix: %s\n", strings.TrimPrefix(r.GetVerdict().String(), "VERDICT_"), r.GetCheck(), r.GetFound(), r.GetFix())
		}
	}
	return out.String()
}

// illness is something that is wrong, and what the doctor has to say about it.
type illness struct {
	name string
	// infect makes it so; heal takes it back.
	infect, heal func(t *testing.T, p patient)
	check        string
	verdict      adminv1.Verdict
	// found and fix are words that must be said.
	found, fix string
	// passes says that it is soon over by itself, so that it has to be made anew for a doctor who was too late.
	passes bool
}

func (p patient) set(t *testing.T, team *settingsv1.TeamSettings, fields ...string) {
	t.Helper()
	team.Name = "projects/" + stack.Project + "/teamSettings"
	_, err := p.Settings.UpdateTeamSettings(stack.Admin(t.Context()), &settingsv1.UpdateTeamSettingsRequest{TeamSettings: team, UpdateMask: &fieldmaskpb.FieldMask{Paths: fields}})
	if err != nil {
		t.Fatal(err)
	}
}

func (p patient) link(t *testing.T, member string) {
	t.Helper()
	_, err := p.Settings.SetOperatorLink(stack.Admin(t.Context()), &settingsv1.SetOperatorLinkRequest{OperatorLink: &settingsv1.OperatorLink{
		Name: "projects/" + stack.Project + "/operators/" + stack.Operator, SlackMember: member,
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func healed(t *testing.T, p patient) {
	t.Helper()
	if err := p.Configure(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refusedHook waits until a hook was refused; it is accepted later, when the secret is right again.
func refusedHook(t *testing.T, p patient) {
	t.Helper()
	if _, err := p.KARTE.CustomerWrites(t.Context(), kartestandin.Customer{UserID: "member-doctor"}, "refused", kartestandin.Write{}); err != nil {
		t.Fatal(err)
	}
}

// arriving asks again until the illness's check says something else than that all is well: what was refused takes a moment to arrive.
func (p patient) arriving(t *testing.T, i illness) map[string]*adminv1.CheckResult {
	t.Helper()
	for deadline := time.Now().Add(within); ; {
		results := p.examine(t, false)
		if v := results[i.check].GetVerdict(); v == fails || v == warns || time.Now().After(deadline) {
			return results
		}
		if i.passes {
			i.infect(t, p)
		}
	}
}

func illnesses() []illness {
	settle := func(change func(*testing.T, patient)) (func(*testing.T, patient), func(*testing.T, patient)) {
		return change, healed
	}
	all := []illness{
		{name: "KARTE token wrong", check: "karte-token", verdict: fails, found: "401", fix: "KARTE_API_TOKEN",
			infect: func(_ *testing.T, p patient) { p.KARTE.SetCredentials("", "another-token") },
			heal:   func(_ *testing.T, p patient) { p.KARTE.SetCredentials("", "demo-api-token") }},
		{name: "KARTE scope missing", check: "karte-scopes", verdict: fails, found: "talk.message.sendFromOperator", fix: "talk.message.sendFromOperator",
			infect: func(_ *testing.T, p patient) {
				p.KARTE.SetKnobs(kartestandin.Knobs{DeniedScopes: []string{"talk.message.sendFromOperator"}})
			},
			heal: func(_ *testing.T, p patient) { p.KARTE.SetKnobs(kartestandin.Knobs{ListNotes: true}) }},
		{name: "KARTE away", check: "karte-token", verdict: fails, found: "not reached", fix: "KARTE_API_URL",
			infect: func(_ *testing.T, p patient) { p.KARTE.AddFault(kartestandin.Fault{Kind: kartestandin.FaultHang}) },
			heal:   func(_ *testing.T, p patient) { p.KARTE.ClearFaults() }},
		{name: "Slack token revoked", check: "slack-token", verdict: fails, found: "invalid_auth", fix: "SLACK_BOT_TOKEN",
			infect: func(_ *testing.T, p patient) { p.Slack.SetCredentials("xoxb-another", "") },
			heal:   func(_ *testing.T, p patient) { p.Slack.SetCredentials("xoxb-demo-not-a-real-token", "") }},
		{name: "Slack token wrong from the start", check: "slack-token", verdict: fails, found: "invalid_auth", fix: "SLACK_BOT_TOKEN",
			infect: func(t *testing.T, p patient) {
				must(t, p.StopService(stack.SlackGateway))
				p.Slack.SetCredentials("xoxb-another", "")
				must(t, p.StartService(stack.SlackGateway))
			},
			heal: func(t *testing.T, p patient) {
				p.Slack.SetCredentials("xoxb-demo-not-a-real-token", "")
				must(t, p.AwaitReady(t.Context()))
			}},
		{name: "scope missing", check: "slack-scopes", verdict: fails, found: "users:read", fix: "users:read",
			infect: func(_ *testing.T, p patient) { p.Slack.SetScopes(without(slackstandin.AllScopes(), "users:read")...) },
			heal:   func(_ *testing.T, p patient) { p.Slack.SetScopes(slackstandin.AllScopes()...) }},
		{name: "bot not in the channel", check: "slack-channels", verdict: fails, found: "not in C0SUPPORT", fix: "/invite",
			infect: func(t *testing.T, p patient) { must(t, p.Slack.RemoveBot(stack.Channel)) },
			heal:   func(t *testing.T, p patient) { must(t, p.Slack.InviteBot(stack.Channel, stack.AdminID)) }},
		{name: "channel archived", check: "slack-channels", verdict: fails, found: "archived", fix: "Unarchive",
			infect: func(t *testing.T, p patient) { must(t, p.Slack.Archive(stack.Channel, stack.AdminID, true)) },
			heal:   func(t *testing.T, p patient) { must(t, p.Slack.Archive(stack.Channel, stack.AdminID, false)) }},
		{name: "hooks signed with another secret", check: "karte-hook-secret", verdict: fails, found: "another secret", fix: "KARTE_CLIENT_SECRET",
			infect: func(t *testing.T, p patient) { p.KARTE.SetCredentials("another-secret", ""); refusedHook(t, p) },
			heal: func(t *testing.T, p patient) {
				p.KARTE.SetCredentials("demo-client-secret", "")
				p.says(kartestandin.Customer{UserID: "member-doctor"}, "good again")
			}},
		{name: "events signed with another secret", check: "slack-signing-secret", verdict: fails, found: "another secret", fix: "SLACK_SIGNING_SECRET",
			infect: func(t *testing.T, p patient) {
				p.Slack.SetCredentials("", "another-secret")
				_, err := p.Slack.Write(stack.Taro, stack.Channel, "", "refused", slackstandin.WriteOptions{})
				must(t, err)
			},
			heal: func(t *testing.T, p patient) {
				p.Slack.SetCredentials("", "demo-signing-secret")
				_, err := p.Slack.Write(stack.Taro, stack.Channel, "", "good again", slackstandin.WriteOptions{})
				must(t, err)
				p.slack("the event is accepted", func(now *slackstandin.Snapshot) bool { return now.Pending == 0 })
			}},
		{name: "clock ten minutes off", check: "clocks", verdict: fails, found: "10m", fix: "NTP",
			infect: func(_ *testing.T, p patient) { p.Slack.SetDateSkew(10 * time.Minute) },
			heal:   func(_ *testing.T, p patient) { p.Slack.SetDateSkew(0) }},
		{name: "ingest-karte does not run", check: "karte-service", verdict: fails, found: "no ingest-karte", fix: "KARTE_PROJECT=" + stack.Project,
			infect: func(t *testing.T, p patient) { must(t, p.StopService(stack.IngestKARTE)) },
			heal: func(t *testing.T, p patient) {
				must(t, p.StartService(stack.IngestKARTE))
				must(t, p.AwaitReady(t.Context()))
			}},
		{name: "slack-gateway does not run", check: "slack-service", verdict: fails, found: "no slack-gateway", fix: "Start slack-gateway",
			infect: func(t *testing.T, p patient) { must(t, p.StopService(stack.SlackGateway)) },
			heal: func(t *testing.T, p patient) {
				must(t, p.StartService(stack.SlackGateway))
				must(t, p.AwaitReady(t.Context()))
			}},
		{name: "dead letters", check: "dead-letters", verdict: warns, found: "given up", fix: "talkctl dead list", infect: buries, heal: func(*testing.T, patient) {}},
		{name: "a stream is missing", check: "nats-streams", verdict: fails, found: "AUDIT is missing", fix: "Restart",
			infect: func(t *testing.T, p patient) {
				p.jetstream(t, func(js jetstream.JetStream) error { return js.DeleteStream(t.Context(), "AUDIT") })
			},
			heal: func(t *testing.T, p patient) {
				must(t, p.StopService(stack.IngestKARTE))
				must(t, p.StartService(stack.IngestKARTE))
				must(t, p.AwaitReady(t.Context()))
			}},
	}
	add := func(i illness, change func(*testing.T, patient)) {
		i.infect, i.heal = settle(change)
		all = append(all, i)
	}
	add(illness{name: "wrong workspace", check: "slack-workspace", verdict: fails, found: "T0WRONG", fix: "workspace=" + stack.Team},
		func(t *testing.T, p patient) { p.set(t, &settingsv1.TeamSettings{Workspace: "T0WRONG"}, "workspace") })
	add(illness{name: "no such channel", check: "slack-channels", verdict: fails, found: "C0NOWHERE", fix: "talkctl settings set channel="},
		func(t *testing.T, p patient) { p.set(t, &settingsv1.TeamSettings{Channel: "C0NOWHERE"}, "channel") })
	add(illness{name: "notifications off", check: "notifications", verdict: fails, found: "nothing", fix: "talkctl settings set notifications_enabled=true"},
		func(t *testing.T, p patient) { p.set(t, &settingsv1.TeamSettings{}, "notifications_enabled") })
	add(illness{name: "replies off", check: "replies", verdict: warns, found: "replies", fix: "talkctl settings set thread_replies_enabled=true"},
		func(t *testing.T, p patient) { p.set(t, &settingsv1.TeamSettings{}, "thread_replies_enabled") })
	add(illness{name: "no mention targets", check: "mentions", verdict: warns, found: "targets", fix: "mention_targets="},
		func(t *testing.T, p patient) {
			p.set(t, &settingsv1.TeamSettings{MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_TARGETS}, "mention_policy")
		})
	add(illness{name: "no admins", check: "admins", verdict: warns, found: "nobody", fix: "talkctl settings set admins="},
		func(t *testing.T, p patient) { p.set(t, &settingsv1.TeamSettings{}, "admins") })
	add(illness{name: "unknown member linked", check: "slack-members", verdict: fails, found: "U0NOBODY", fix: "talkctl operators link " + stack.Operator},
		func(t *testing.T, p patient) { p.link(t, "U0NOBODY") })
	add(illness{name: "member of another workspace linked", check: "slack-members", verdict: fails, found: "another workspace", fix: "talkctl operators link " + stack.Operator},
		func(t *testing.T, p patient) { p.link(t, stack.Partner) })
	add(illness{name: "guest linked", check: "slack-members", verdict: fails, found: "guest", fix: "talkctl operators link " + stack.Operator},
		func(t *testing.T, p patient) { p.link(t, stack.Guest) })
	return all
}

func without(all []string, one string) (rest []string) {
	for _, s := range all {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}

func (p patient) jetstream(t *testing.T, do func(jetstream.JetStream) error) {
	t.Helper()
	conn, err := nats.Connect(p.NATSURL)
	must(t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	must(t, err)
	must(t, do(js))
}

// buries puts a command that nobody understands where ingest-karte gives it up.
func buries(t *testing.T, p patient) {
	t.Helper()
	p.jetstream(t, func(js jetstream.JetStream) error {
		_, err := js.Publish(t.Context(), "talk.32-000."+stack.Project+".demo.customer-message.broken", []byte("\xff"))
		if err != nil {
			return err
		}
		eventually.Holds(t, within, "a dead letter", func() bool {
			var stream jetstream.Stream
			stream, err = js.Stream(t.Context(), "DEAD")
			return err != nil || stream.CachedInfo().State.Msgs > 0
		})
		return err
	})
}

// blames checks that the doctor names the illness, and blames nothing else.
func (i illness) blames(t *testing.T, results map[string]*adminv1.CheckResult) {
	t.Helper()
	r := results[i.check]
	if r.GetVerdict() != i.verdict || !strings.Contains(r.GetFound(), i.found) || !strings.Contains(r.GetFix(), i.fix) {
		t.Errorf("%s: want %v with %q and the fix %q; the doctor says\n%s", i.check, i.verdict, i.found, i.fix, told(results))
	}
	for id, r := range results {
		if r.GetVerdict() == fails && id != i.check {
			t.Errorf("%s is blamed for it: %s", id, r.GetFound())
		}
		if r.GetVerdict() != good && r.GetVerdict() != skipped && r.GetFix() == "" {
			t.Errorf("%s has no fix", id)
		}
	}
}

func TestTheDoctorNamesWhatIsWrong(t *testing.T) {
	p := admit(t, stack.Options{})
	p.says(kartestandin.Customer{UserID: "member-doctor"}, "good morning")
	p.head("good morning")
	for id, r := range p.examine(t, false) {
		if r.GetVerdict() == fails || r.GetVerdict() == skipped {
			t.Errorf("a healthy system: %s is %v: %s", id, r.GetVerdict(), r.GetFound())
		}
	}
	for _, i := range append(illnesses(), redisIllnesses(p)...) {
		t.Run(i.name, func(t *testing.T) {
			i.infect(t, p)
			defer i.heal(t, p)
			i.blames(t, p.arriving(t, i))
		})
	}
	for id, r := range p.examine(t, false) {
		if r.GetVerdict() == fails {
			t.Errorf("healed: %s: %s", id, r.GetFound())
		}
	}
}

// redisIllnesses need a real Redis: the in-process one keeps nothing and says nothing of itself.
func redisIllnesses(p patient) []illness {
	if realRedis == "" {
		return nil
	}
	config := func(name, value string) func(*testing.T, patient) {
		return func(t *testing.T, p patient) {
			t.Helper()
			must(t, p.redis.ConfigSet(t.Context(), name, value).Err())
		}
	}
	return []illness{
		{name: "Redis keeps nothing", check: "redis-persistence", verdict: fails, found: "append-only file is off", fix: "appendonly yes",
			infect: config("appendonly", "no"), heal: config("appendonly", "yes")},
		{name: "Redis evicts", check: "redis-persistence", verdict: warns, found: "allkeys-lru", fix: "noeviction",
			infect: config("maxmemory-policy", "allkeys-lru"), heal: config("maxmemory-policy", "noeviction")},
		{name: "Redis hangs", check: "redis", verdict: fails, found: "Redis", fix: "REDIS_URL", passes: true,
			infect: func(t *testing.T, p patient) {
				must(t, p.redis.Do(t.Context(), "CLIENT", "PAUSE", "7000", "ALL").Err())
			},
			heal: func(t *testing.T, p patient) {
				eventually.Holds(t, within, "Redis answers again", func() bool { return p.redis.Ping(t.Context()).Err() == nil })
			}},
	}
}

func TestTheDoctorFindsAProjectWithoutSettings(t *testing.T) {
	p := admit(t, stack.Options{Unconfigured: true})
	illness{check: "settings", verdict: fails, found: stack.Project, fix: "talkctl settings set workspace="}.blames(t, p.examine(t, false))
}

func TestATestMessageGoesAllTheWay(t *testing.T) {
	p := admit(t, stack.Options{})
	r := p.examine(t, true)["test-message"]
	if r.GetVerdict() != good || !strings.Contains(r.GetFound(), "https://") || !strings.Contains(r.GetFound(), "erased") {
		t.Fatalf("%v", r)
	}
	p.head("テストメッセージ")
	if got := len(p.KARTE.Messages("")); got != 0 {
		t.Errorf("KARTE has %d messages of it", got)
	}
	results := p.examine(t, false)
	if v := results["karte-hooks"].GetVerdict(); v != warns {
		t.Errorf("a test message counts as a hook: %v", results["karte-hooks"])
	}
	// Nothing of it is sent where it cannot arrive.
	p.set(t, &settingsv1.TeamSettings{}, "notifications_enabled")
	if r := p.examine(t, true)["test-message"]; r.GetVerdict() != skipped || !strings.Contains(r.GetFound(), "notifications") {
		t.Errorf("%v", r)
	}
}

func TestAnExaminationCanBeCancelled(t *testing.T) {
	p := admit(t, stack.Options{})
	p.KARTE.AddFault(kartestandin.Fault{Kind: kartestandin.FaultHang})
	ctx, cancel := context.WithCancel(stack.Admin(t.Context()))
	stream, err := p.doctor.RunDiagnostics(ctx, &adminv1.RunDiagnosticsRequest{Parent: "projects/" + stack.Project})
	must(t, err)
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	for err == nil {
		_, err = stream.Recv()
	}
	if ctx.Err() == nil || errors.Is(err, io.EOF) {
		t.Errorf("it went on to its end: %v", err)
	}
}
