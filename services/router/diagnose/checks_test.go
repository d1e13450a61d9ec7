package diagnose

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/examination"
	adminv1 "github.com/slacktalk/slacktalk/proto/slacktalk/admin/v1"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	isGood    = adminv1.Verdict_VERDICT_OK
	isWarning = adminv1.Verdict_VERDICT_WARNING
	isFailed  = adminv1.Verdict_VERDICT_FAILED
	isSkipped = adminv1.Verdict_VERDICT_SKIPPED
)

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// known is a fact that is there.
func known[T any](value T, err error) *fact[T] {
	f := &fact[T]{known: make(chan struct{}), value: value, err: err}
	close(f.known)
	return f
}

// never is a fact that nobody will know.
func never[T any]() *fact[T] { return &fact[T]{known: make(chan struct{})} }

func found(check, subject string, state eventv1.FindingState, values ...string) *eventv1.Finding {
	f := &eventv1.Finding{Check: check, Subject: subject, State: state, Detail: "as it is", Values: map[string]string{}}
	for i := 0; i < len(values); i += 2 {
		f.Values[values[i]] = values[i+1]
	}
	return f
}

const (
	fine    = eventv1.FindingState_FINDING_STATE_OK
	unsure  = eventv1.FindingState_FINDING_STATE_UNKNOWN
	careful = eventv1.FindingState_FINDING_STATE_WARNING
	broken  = eventv1.FindingState_FINDING_STATE_FAILED
)

func configured() *settingsv1.TeamSettings {
	return &settingsv1.TeamSettings{
		UpdateTime: timestamppb.New(now), NotificationsEnabled: true, ThreadRepliesEnabled: true, Workspace: "T0DEMO1", Channel: "C0SUPPORT",
		Admins: []string{"U0ADMIN"}, MentionPolicy: settingsv1.MentionPolicy_MENTION_POLICY_HERE,
	}
}

// healthy is a scene in which nothing is wrong, without a NATS server behind it.
func healthy() *scene {
	x := &scene{Options: Options{Now: func() time.Time { return now }}, project: "demo"}
	stamp := now.Add(-time.Minute).Format(time.RFC3339Nano)
	x.nats = known(struct{}{}, nil)
	x.redis = known(redisState{info: map[string]string{"aof_enabled": "1", "maxmemory_policy": "noeviction"}, timed: true}, nil)
	x.team = known(configured(), nil)
	x.links = known([]*settingsv1.OperatorLink{{Name: "projects/demo/operators/op1", SlackMember: "U0DEMO1"}}, nil)
	x.operators = known([]*eventv1.Operator{{Id: "op1"}}, nil)
	x.karte = known([]replica{{name: "karte-1", timed: true, findings: []*eventv1.Finding{
		found(examination.KarteToken, "", fine), found(examination.KarteScope, "talk.message.get", fine),
		found(examination.KarteHooks, "", fine, examination.ValueGood, stamp), found(examination.KarteHookSignature, "", fine),
		found(examination.Clock, "", fine, examination.ValueOffset, "100ms"),
	}}}, nil)
	x.slack = known([]replica{{name: "slack-1", timed: true, findings: []*eventv1.Finding{
		found(examination.SlackToken, "", fine, examination.ValueTeam, "T0DEMO1"), found(examination.SlackScopes, "", fine),
		found(examination.SlackEvents, "", fine, examination.ValueGood, stamp), found(examination.SlackSignature, "", fine),
	}}}, nil)
	x.workspace = known([]*eventv1.Finding{found(examination.SlackChannel, "C0SUPPORT", fine), found(examination.SlackMember, "U0DEMO1", fine)}, nil)
	x.lastHook, x.lastEvent = known(now, nil), known(now, nil)
	x.streams = known(map[string]*jetstream.StreamInfo{}, nil)
	x.consumers = known(map[string][]*jetstream.ConsumerInfo{}, nil)
	return x
}

// karteSays replaces what ingest-karte's replica says of a check.
func karteSays(f ...*eventv1.Finding) func(*scene) {
	return func(x *scene) { x.karte = known(replaced(x.karte.value, f), nil) }
}

func slackSays(f ...*eventv1.Finding) func(*scene) {
	return func(x *scene) { x.slack = known(replaced(x.slack.value, f), nil) }
}

func replaced(replicas []replica, with []*eventv1.Finding) []replica {
	r := replicas[0]
	r.findings = slices.DeleteFunc(slices.Clone(r.findings), func(old *eventv1.Finding) bool {
		return slices.ContainsFunc(with, func(f *eventv1.Finding) bool { return f.GetCheck() == old.GetCheck() })
	})
	r.findings = append(r.findings, with...)
	return []replica{r}
}

func workspaceSays(f ...*eventv1.Finding) func(*scene) {
	return func(x *scene) { x.workspace = known(f, nil) }
}

func set(change func(*settingsv1.TeamSettings)) func(*scene) {
	return func(x *scene) {
		team := configured()
		change(team)
		x.team = known(team, nil)
	}
}

func at5(minutes int) string {
	return now.Add(-time.Duration(minutes) * time.Minute).Format(time.RFC3339Nano)
}

var errAway = errors.New("connection refused")

func natsAway(x *scene) { x.nats = known(struct{}{}, errAway) }

func redisAway(x *scene) {
	x.redis = known(redisState{}, errAway)
	x.team = known[*settingsv1.TeamSettings](nil, errAway)
	x.links = known[[]*settingsv1.OperatorLink](nil, errAway)
}

func karteAway(x *scene) { x.karte = known[[]replica](nil, bus.ErrNobodyAnswers) }
func slackAway(x *scene) { x.slack = known[[]replica](nil, bus.ErrNobodyAnswers) }

// The table of what each check makes of what it sees. says are words of what was found or of the fix.
func TestChecks(t *testing.T) {
	for name, tt := range map[string]struct {
		look    func(context.Context, *scene) outcome
		change  func(*scene)
		verdict adminv1.Verdict
		says    string
	}{
		"karte runs":                {lookKarteService, nil, isGood, "karte-1"},
		"karte does not run":        {lookKarteService, karteAway, isFailed, "KARTE_PROJECT=demo"},
		"karte, NATS away":          {lookKarteService, natsAway, isSkipped, natsAnswers},
		"slack does not run":        {lookSlackService, slackAway, isFailed, "Start slack-gateway"},
		"slack, NATS away":          {lookSlackService, natsAway, isSkipped, natsAnswers},
		"karte token good":          {lookKarteToken, nil, isGood, ""},
		"karte token refused":       {lookKarteToken, karteSays(found(examination.KarteToken, "", broken, examination.ValueCode, "401")), isFailed, "KARTE_API_TOKEN"},
		"karte redirects":           {lookKarteToken, karteSays(found(examination.KarteToken, "", broken, examination.ValueCode, "302")), isFailed, "KARTE_API_URL"},
		"karte not reached":         {lookKarteToken, karteSays(found(examination.KarteToken, "", broken, examination.ValueCode, examination.CodeUnreachable)), isFailed, "firewalls"},
		"karte has a fault":         {lookKarteToken, karteSays(found(examination.KarteToken, "", unsure)), isWarning, "later"},
		"karte token waits":         {lookKarteToken, karteAway, isSkipped, karteService},
		"karte scope missing":       {lookKarteScopes, karteSays(found(examination.KarteScope, "talk.note.send", broken)), isFailed, "talk.note.send"},
		"karte optional scope":      {lookKarteScopes, karteSays(found(examination.KarteScope, "talk.operator.list", broken, examination.ValueOptional, "true")), isWarning, "talk.operator.list"},
		"karte scopes wait":         {lookKarteScopes, karteSays(found(examination.KarteToken, "", broken)), isSkipped, karteToken},
		"slack token refused":       {lookSlackToken, slackSays(found(examination.SlackToken, "", broken, examination.ValueCode, "invalid_auth")), isFailed, "SLACK_BOT_TOKEN"},
		"slack not installed":       {lookSlackToken, slackSays(found(examination.SlackToken, "", broken, examination.ValueCode, examination.CodeNotInstalled)), isFailed, "/slack/install"},
		"slack token revoked":       {lookSlackToken, slackSays(found(examination.SlackToken, "", broken, examination.ValueCode, "token_revoked")), isFailed, "Install the app"},
		"slack not reached":         {lookSlackToken, slackSays(found(examination.SlackToken, "", broken, examination.ValueCode, examination.CodeUnreachable)), isFailed, "SLACK_API_URL"},
		"slack scopes missing":      {lookSlackScopes, slackSays(found(examination.SlackScopes, "", broken, examination.ValueMissing, "users:read,chat:write")), isFailed, "Add users:read, chat:write under"},
		"slack private scopes":      {lookSlackScopes, slackSays(found(examination.SlackScopes, "", careful, examination.ValueOptional, "groups:read")), isWarning, "Add groups:read under"},
		"slack scopes not told":     {lookSlackScopes, slackSays(found(examination.SlackScopes, "", unsure)), isWarning, "README"},
		"slack scopes wait":         {lookSlackScopes, slackAway, isSkipped, slackService},
		"workspace right":           {lookWorkspace, nil, isGood, "T0DEMO1"},
		"workspace wrong":           {lookWorkspace, set(func(s *settingsv1.TeamSettings) { s.Workspace = "T0WRONG" }), isFailed, "workspace=T0DEMO1"},
		"workspace waits":           {lookWorkspace, redisAway, isSkipped, redisAnswers},
		"channels good":             {lookChannels, nil, isGood, "C0SUPPORT"},
		"not in the channel":        {lookChannels, workspaceSays(found(examination.SlackChannel, "C0SUPPORT", broken, examination.ValueCode, examination.CodeNotIn, examination.ValueName, "support")), isFailed, "/invite and the app's name in channel C0SUPPORT (#support)"},
		"channel archived":          {lookChannels, workspaceSays(found(examination.SlackChannel, "C0SUPPORT", broken, examination.ValueCode, examination.CodeArchived)), isFailed, "Unarchive"},
		"channel unknown":           {lookChannels, workspaceSays(found(examination.SlackChannel, "C0SUPPORT", broken, examination.ValueCode, examination.CodeUnknown)), isFailed, "talkctl settings set channel="},
		"channel not said":          {lookChannels, workspaceSays(found(examination.SlackChannel, "C0SUPPORT", unsure)), isWarning, "again"},
		"channel without the scope": {lookChannels, workspaceSays(found(examination.SlackChannel, "C0SUPPORT", broken, examination.ValueCode, "missing_scope")), isSkipped, slackScopes},
		"gateway hangs":             {lookChannels, func(x *scene) { x.workspace = known[[]*eventv1.Finding](nil, errAway) }, isFailed, "slack-gateway"},
		"settings":                  {lookSettings, nil, isGood, "C0SUPPORT"},
		"no settings":               {lookSettings, set(func(s *settingsv1.TeamSettings) { s.UpdateTime = nil }), isFailed, "talkctl settings set workspace="},
		"no channel":                {lookSettings, set(func(s *settingsv1.TeamSettings) { s.Channel = "" }), isFailed, "talkctl settings set workspace="},
		"settings unreadable":       {lookSettings, func(x *scene) { x.team = known[*settingsv1.TeamSettings](nil, settings.ErrCorrupt) }, isFailed, "talkctl import"},
		"settings wait":             {lookSettings, redisAway, isSkipped, redisAnswers},
		"notifications off":         {lookNotifications, set(func(s *settingsv1.TeamSettings) { s.NotificationsEnabled = false }), isFailed, "notifications_enabled=true"},
		"notifications wait":        {lookNotifications, set(func(s *settingsv1.TeamSettings) { s.UpdateTime = nil }), isSkipped, settingsThere},
		"replies off":               {lookReplies, set(func(s *settingsv1.TeamSettings) { s.ThreadRepliesEnabled = false }), isWarning, "thread_replies_enabled=true"},
		"notes only":                {lookReplies, set(func(s *settingsv1.TeamSettings) { s.NoteOnlyChannels = []string{"C0SUPPORT"} }), isWarning, "note_only_channels"},
		"no targets":                {lookMentions, set(func(s *settingsv1.TeamSettings) { s.MentionPolicy = settingsv1.MentionPolicy_MENTION_POLICY_TARGETS }), isWarning, "mention_targets="},
		"mentions here":             {lookMentions, nil, isGood, "else here"},
		"no admins":                 {lookAdmins, set(func(s *settingsv1.TeamSettings) { s.Admins = nil }), isWarning, "admins=U"},
		"rule without its group": {lookRouting, set(func(s *settingsv1.TeamSettings) {
			s.RoutingRules = []*settingsv1.RoutingRule{{AssigneeGroups: []string{"night"}, Channel: "C0NIGHT"}}
		}), isWarning, "night"},
		"rule never reached": {lookRouting, set(func(s *settingsv1.TeamSettings) {
			s.RoutingRules = []*settingsv1.RoutingRule{{Channel: "C0ALL"}, {PageHost: "shop.example.com", Channel: "C0SHOP"}}
		}), isWarning, "rule 2"},
		"rule in no time zone": {lookRouting, set(func(s *settingsv1.TeamSettings) {
			s.RoutingRules = []*settingsv1.RoutingRule{{Channel: "C0DAY", BusinessHours: &settingsv1.BusinessHours{TimeZone: "Asia/Nowhere"}}}
		}), isWarning, "Asia/Nowhere"},
		"links complete": {lookLinks, nil, isGood, ""},
		"nobody linked":  {lookLinks, func(x *scene) { x.links = known[[]*settingsv1.OperatorLink](nil, nil) }, isWarning, "talkctl operators link"},
		"somebody not linked": {lookLinks, func(x *scene) {
			x.operators = known([]*eventv1.Operator{{Id: "op1"}, {Id: "op2"}, {Id: "bot-1", Bot: true}}, nil)
		}, isWarning, "1 of KARTE's operators is not linked: op2"},
		"linked to nobody":            {lookLinks, func(x *scene) { x.operators = known([]*eventv1.Operator{{Id: "op2"}}, nil) }, isWarning, "talkctl operators unlink"},
		"operators not known":         {lookLinks, func(x *scene) { x.operators = known[[]*eventv1.Operator](nil, errAway) }, isGood, "not known"},
		"links wait":                  {lookLinks, redisAway, isSkipped, redisAnswers},
		"member unknown":              {lookMembers, workspaceSays(found(examination.SlackMember, "U0DEMO1", broken, examination.ValueCode, examination.CodeUnknown)), isFailed, "talkctl operators link op1"},
		"member of another workspace": {lookMembers, workspaceSays(found(examination.SlackMember, "U0DEMO1", broken, examination.ValueCode, examination.CodeOtherTeam)), isFailed, "talkctl operators link op1"},
		"linked guest":                {lookMembers, workspaceSays(found(examination.SlackMember, "U0DEMO1", broken, examination.ValueCode, examination.CodeGuest)), isFailed, "op1"},
		"linked, but left":            {lookMembers, workspaceSays(found(examination.SlackMember, "U0DEMO1", broken, examination.ValueCode, examination.CodeDeactivated)), isWarning, "unlink op1"},
		"admin is a guest":            {lookMembers, workspaceSays(found(examination.SlackMember, "U0ADMIN", broken, examination.ValueCode, examination.CodeGuest)), isWarning, "admins="},
		"hooks arrive":                {lookHooks, nil, isGood, ""},
		"no hook":                     {lookHooks, hooks(found(examination.KarteHooks, "", unsure), time.Time{}), isWarning, "/hooks/karte"},
		"a hook before the start":     {lookHooks, hooks(found(examination.KarteHooks, "", unsure), now.Add(-time.Hour)), isGood, ""},
		"hooks of last week":          {lookHooks, hooks(found(examination.KarteHooks, "", unsure), now.Add(-50*time.Hour)), isWarning, "If there should"},
		"hooks refused":               {lookHooks, karteSays(found(examination.KarteHooks, "", unsure), refusals(examination.Mismatch, 5)), isSkipped, karteHookSecret},
		"wrong client secret":         {lookHookSecret, karteSays(found(examination.KarteHooks, "", unsure), refusals(examination.Mismatch, 5)), isFailed, "KARTE_CLIENT_SECRET"},
		"client secret mended":        {lookHookSecret, karteSays(found(examination.KarteHooks, "", fine, examination.ValueGood, at5(1)), refusals(examination.Mismatch, 5)), isWarning, "not KARTE"},
		"refused long ago":            {lookHookSecret, karteSays(found(examination.KarteHooks, "", fine, examination.ValueGood, at5(70)), refusals(examination.Mismatch, 100)), isGood, ""},
		"stale hooks":                 {lookHookSecret, karteSays(found(examination.KarteHooks, "", unsure), refusals(examination.Stale, 5)), isFailed, "NTP"},
		"unsigned requests":           {lookHookSecret, karteSays(refusals(examination.Missing, 5)), isWarning, "not signed"},
		"unreadable signatures":       {lookHookSecret, karteSays(found(examination.KarteHooks, "", unsure), refusals(examination.Malformed, 5)), isFailed, "proxy"},
		"another project":             {lookProject, karteSays(found(examination.KarteHooks, "", broken, examination.ValueForeign, at5(1), examination.ValueForeignProject, "other")), isFailed, "KARTE_PROJECT=other"},
		"another project, too":        {lookProject, karteSays(found(examination.KarteHooks, "", fine, examination.ValueForeign, at5(5), examination.ValueForeignProject, "other", examination.ValueGood, at5(1))), isWarning, "other"},
		"wrong signing secret":        {lookSigningSecret, slackSays(found(examination.SlackEvents, "", unsure), signatures(examination.SlackSignature, examination.Mismatch, 5)), isFailed, "SLACK_SIGNING_SECRET"},
		"events refused":              {lookEvents, slackSays(found(examination.SlackEvents, "", unsure), signatures(examination.SlackSignature, examination.Mismatch, 5)), isSkipped, slackSecret},
		"no event": {lookEvents, func(x *scene) {
			slackSays(found(examination.SlackEvents, "", unsure))(x)
			x.lastEvent = known(time.Time{}, nil)
		}, isWarning, "/slack/events"},
		"redis":                 {lookRedis, nil, isGood, ""},
		"redis away":            {lookRedis, redisAway, isFailed, "REDIS_URL"},
		"redis replica":         {lookRedis, func(x *scene) { x.redis = known(redisState{info: map[string]string{"role": "slave"}}, nil) }, isFailed, "primary"},
		"persistence waits":     {lookPersistence, redisAway, isSkipped, redisAnswers},
		"nats away":             {lookNATS, natsAway, isFailed, "NATS_URL"},
		"streams wait":          {lookStreams, natsAway, isSkipped, natsAnswers},
		"streams missing":       {lookStreams, nil, isFailed, "TALK is missing"},
		"consumers wait":        {lookConsumers, natsAway, isSkipped, natsAnswers},
		"backlog waits":         {lookBacklog, natsAway, isSkipped, natsAnswers},
		"held waits":            {lookHeld, nil, isSkipped, natsStreams},
		"lanes wait":            {lookLanes, redisAway, isSkipped, redisAnswers},
		"lanes free":            {lookLanes, nil, isGood, "C0SUPPORT"},
		"dead letters wait":     {lookDeadLetters, nil, isSkipped, natsStreams},
		"clocks agree":          {lookClocks, nil, isGood, ""},
		"karte clock off":       {lookClocks, karteSays(found(examination.Clock, "", fine, examination.ValueOffset, "-10m0s")), isFailed, "10m0s behind KARTE's"},
		"clock slightly off":    {lookClocks, karteSays(found(examination.Clock, "", fine, examination.ValueOffset, "7s")), isWarning, "7s ahead of KARTE's"},
		"a replica's clock off": {lookClocks, func(x *scene) { x.karte.value[0].ahead = 2 * time.Minute }, isFailed, "karte-1 is 2m0s ahead of the router's"},
		"redis's clock off":     {lookClocks, func(x *scene) { x.redis.value.ahead = -2 * time.Minute }, isFailed, "Redis"},
		"a test waits":          {lookTestMessage, karteAway, isSkipped, natsStreams},
	} {
		t.Run(name, func(t *testing.T) {
			x := healthy()
			if tt.change != nil {
				tt.change(x)
			}
			o := tt.look(t.Context(), x)
			if o.verdict != tt.verdict || !strings.Contains(o.found+"\n"+o.fix, tt.says) {
				t.Errorf("%v: %s | fix: %s\nwant %v with %q", o.verdict, o.found, o.fix, tt.verdict, tt.says)
			}
			if (o.verdict == isWarning || o.verdict == isFailed) && (o.found == "" || o.fix == "") {
				t.Errorf("without a word on what was found, or on what to do: %v", o)
			}
		})
	}
}

func hooks(f *eventv1.Finding, stored time.Time) func(*scene) {
	return func(x *scene) { karteSays(f)(x); x.lastHook = known(stored, nil) }
}

func refusals(r examination.Reason, minutes int) *eventv1.Finding {
	return signatures(examination.KarteHookSignature, r, minutes)
}

func signatures(check string, r examination.Reason, minutes int) *eventv1.Finding {
	return found(check, "", broken, examination.ValueCount(r), "3", examination.ValueLast(r), at5(minutes), examination.ValueSkew, "10m0s")
}

func TestWhatRedisSaysOfItsPersistence(t *testing.T) {
	for name, tt := range map[string]struct {
		info    string
		verdict adminv1.Verdict
		says    string
	}{
		"says nothing":    {"", isWarning, "+info"},
		"good":            {"aof_enabled:1 maxmemory_policy:noeviction aof_last_write_status:ok rdb_last_bgsave_status:ok", isGood, ""},
		"off":             {"aof_enabled:0 maxmemory_policy:noeviction", isFailed, "appendonly yes"},
		"disk full":       {"aof_enabled:1 aof_last_write_status:err", isFailed, "room"},
		"rewrite failed":  {"aof_enabled:1 aof_last_bgrewrite_status:err", isWarning, "room"},
		"evicts":          {"aof_enabled:1 maxmemory_policy:allkeys-lru maxmemory:100", isFailed, "noeviction"},
		"would evict":     {"aof_enabled:1 maxmemory_policy:allkeys-lru maxmemory:0", isWarning, "noeviction"},
		"several at once": {"aof_enabled:0 maxmemory_policy:allkeys-lru maxmemory:100", isFailed, "noeviction"},
	} {
		info := map[string]string{}
		for _, pair := range strings.Fields(tt.info) {
			key, value, _ := strings.Cut(pair, ":")
			info[key] = value
		}
		if o := persistence(info); o.verdict != tt.verdict || !strings.Contains(o.fix, tt.says) {
			t.Errorf("%s: %v", name, o)
		}
	}
}

func TestStreamsAndConsumersOfACluster(t *testing.T) {
	cluster := func(leader string, peers ...*jetstream.PeerInfo) *jetstream.StreamInfo {
		return &jetstream.StreamInfo{Cluster: &jetstream.ClusterInfo{Leader: leader, Replicas: peers}}
	}
	for name, tt := range map[string]struct {
		info *jetstream.StreamInfo
		want adminv1.Verdict
	}{
		"missing":   {nil, isFailed},
		"alone":     {&jetstream.StreamInfo{}, isGood},
		"no leader": {cluster(""), isFailed},
		"healthy":   {cluster("nats-0", &jetstream.PeerInfo{Name: "nats-1", Current: true}), isGood},
		"behind":    {cluster("nats-0", &jetstream.PeerInfo{Name: "nats-1"}), isWarning},
		"offline":   {cluster("nats-0", &jetstream.PeerInfo{Name: "nats-1", Current: true, Offline: true}), isWarning},
	} {
		if o := streamOutcome(bus.Talk, tt.info); o.verdict != tt.want {
			t.Errorf("%s: %v", name, o)
		}
	}
	consumer := func(name string, pending int) *jetstream.ConsumerInfo {
		return &jetstream.ConsumerInfo{Name: name, Config: jetstream.ConsumerConfig{MaxAckPending: pending}}
	}
	for name, tt := range map[string]struct {
		there []*jetstream.ConsumerInfo
		want  adminv1.Verdict
		says  string
	}{
		"all":     {[]*jetstream.ConsumerInfo{consumer("ingest-karte-2-000", 1), consumer("ingest-karte-2-001", 1)}, isGood, ""},
		"missing": {[]*jetstream.ConsumerInfo{consumer("ingest-karte-2-000", 1)}, isFailed, "Restart ingest-karte"},
		"changed": {[]*jetstream.ConsumerInfo{consumer("ingest-karte-2-000", 1), consumer("ingest-karte-2-001", 100)}, isFailed, "Restart ingest-karte"},
		"none":    {nil, isFailed, "Restart ingest-karte"},
	} {
		if o := partitionsOutcome(bus.Sends, "ingest-karte", 2, tt.there); o.verdict != tt.want || !strings.Contains(o.fix, tt.says) {
			t.Errorf("%s: %v", name, o)
		}
	}
}
