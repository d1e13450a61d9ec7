package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slacktalk/slacktalk/internal/bus"
	"github.com/slacktalk/slacktalk/internal/examination"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
)

const (
	// slow is for how long a message may wait in its queue before it is worth a look.
	slow = time.Minute
	// natsLimit is for several calls, one after the other.
	natsLimit = 10 * time.Second
)

// partitioned are the streams with a consumer per partition, and what those are named after.
var partitioned = map[string]string{bus.Talk: "router-talk", bus.Slack: "router-slack", bus.Sends: "ingest-karte"}

func (x *scene) beginNATS(ctx context.Context) {
	x.streams = find(ctx, x, natsLimit, "NATS", x.askStreams)
	x.consumers = find(ctx, x, natsLimit, "NATS", x.askConsumers)
	x.lastHook = find(ctx, x, natsLimit, "NATS", func(ctx context.Context) (time.Time, error) {
		return x.last(ctx, bus.Talk, "talk.*."+bus.ProjectToken(x.project)+".*.", "customer-message", "operator-message", "assigned")
	})
	x.lastEvent = find(ctx, x, natsLimit+storageLimit, "NATS", func(ctx context.Context) (time.Time, error) {
		team, err := x.team.get(ctx)
		if err != nil || team.GetWorkspace() == "" {
			return time.Time{}, err
		}
		return x.last(ctx, bus.Slack, "slack.*."+team.GetWorkspace()+"."+team.GetChannel()+".*.", "reply-written", "reply-edited", "reply-deleted")
	})
}

// askStreams answers what is known of each stream; those that are not there are absent.
func (x *scene) askStreams(ctx context.Context) (map[string]*jetstream.StreamInfo, error) {
	if _, err := x.nats.get(ctx); err != nil {
		return nil, err
	}
	infos := map[string]*jetstream.StreamInfo{}
	for _, name := range bus.StreamNames() {
		stream, err := x.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", name, err)
		}
		infos[name] = stream.CachedInfo()
		if said := infos[name].TimeStamp; !said.IsZero() {
			x.natsAhead, x.natsTimed = x.Now().Sub(said), true
		}
	}
	return infos, nil
}

// askConsumers answers the consumers of the streams that have queues.
func (x *scene) askConsumers(ctx context.Context) (map[string][]*jetstream.ConsumerInfo, error) {
	there, err := x.streams.get(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string][]*jetstream.ConsumerInfo{}
	for _, name := range []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends} {
		if there[name] == nil {
			continue
		}
		stream, err := x.js.Stream(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", name, err)
		}
		list := stream.ListConsumers(ctx)
		for info := range list.Info() {
			all[name] = append(all[name], info)
		}
		if err := list.Err(); err != nil {
			return nil, fmt.Errorf("consumers of %s: %w", name, err)
		}
	}
	return all, nil
}

// last answers when the last fact of the kinds was stored that does not come from a test message; zero when there is none.
func (x *scene) last(ctx context.Context, name, prefix string, kinds ...string) (time.Time, error) {
	there, err := x.streams.get(ctx)
	if err != nil || there[name] == nil {
		return time.Time{}, err
	}
	stream, err := x.js.Stream(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	var last time.Time
	for _, kind := range kinds {
		raw, err := stream.GetLastMsgForSubject(ctx, prefix+kind+".*")
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return time.Time{}, err
		}
		var fact eventv1.TalkFact
		if name == bus.Talk && bus.Decode(bus.Message{Subject: raw.Subject, Data: raw.Data}, &fact) == nil &&
			strings.HasPrefix(fact.GetCustomer().GetUserId(), examination.TestCustomer) {
			continue
		}
		last = latest(last, raw.Time)
	}
	return last, nil
}

func lookNATS(ctx context.Context, x *scene) outcome {
	if _, err := x.nats.get(ctx); err != nil {
		return failure(fmt.Sprintf("NATS does not answer: %v", err), "Start NATS with JetStream on, and see that NATS_URL of the router has its address, user and password.")
	}
	return ok("connected, JetStream answers")
}

func lookStreams(ctx context.Context, x *scene) outcome {
	if _, err := x.nats.get(ctx); err != nil {
		return waits(natsAnswers)
	}
	there, err := x.streams.get(ctx)
	if err != nil {
		return failure(fmt.Sprintf("they cannot be looked at: %v", err), "Look at the log of NATS; with replicas, most of its servers must be up.")
	}
	var all problems
	for _, name := range bus.StreamNames() {
		all.add(streamOutcome(name, there[name]))
	}
	return all.or(ok("all %d", len(there)))
}

func streamOutcome(name string, info *jetstream.StreamInfo) outcome {
	if info == nil {
		return failure(name+" is missing", "Restart one of the services: each makes what is missing when it starts. Whoever removed it has removed what was in it.")
	}
	if info.Cluster == nil {
		return ok("")
	}
	if info.Cluster.Leader == "" {
		return failure(name+" has no leader", "Start the NATS servers that are down: most of the replicas must be up.")
	}
	for _, peer := range info.Cluster.Replicas {
		if peer.Offline || !peer.Current {
			return warning(fmt.Sprintf("the replica of %s on %s is behind or down", name, peer.Name), "Look at the NATS server "+peer.Name+".")
		}
	}
	return ok("")
}

func lookConsumers(ctx context.Context, x *scene) outcome {
	consumers, no := x.queues(ctx)
	if no != nil {
		return *no
	}
	there, err := x.streams.get(ctx)
	if err != nil {
		return waits(natsStreams)
	}
	var all problems
	for _, stream := range []string{bus.Talk, bus.Slack, bus.Sends} {
		if there[stream] == nil {
			all.add(waits(natsStreams))
			continue
		}
		all.add(partitionsOutcome(stream, partitioned[stream], x.Bus.Partitions(), consumers[stream]))
	}
	return all.or(ok("%d partitions of three streams, %d lanes", x.Bus.Partitions(), len(consumers[bus.Posts])))
}

// partitionsOutcome looks whether each partition has its consumer; they are made by whoever serves them, when it starts.
func partitionsOutcome(stream, named string, partitions bus.Partitions, consumers []*jetstream.ConsumerInfo) outcome {
	there := map[string]*jetstream.ConsumerInfo{}
	for _, info := range consumers {
		there[info.Name] = info
	}
	var missing, other []string
	for _, token := range partitions.Tokens() {
		info := there[named+"-"+token]
		switch {
		case info == nil:
			missing = append(missing, named+"-"+token)
		case info.Config.MaxAckPending != 1:
			other = append(other, info.Name)
		}
	}
	service := "the router"
	if stream == bus.Sends {
		service = "ingest-karte"
	}
	switch {
	case len(missing) > 0:
		return failure(fmt.Sprintf("%s lacks %d of %d consumers: %s", stream, len(missing), partitions, some(missing)),
			fmt.Sprintf("Restart %s: it makes them when it starts. PARTITIONS must be the same in every service; while it is being raised, the new ones come when the former are empty.", service))
	case len(other) > 0:
		return failure(fmt.Sprintf("consumers of %s were changed and may lose the order: %s", stream, some(other)), fmt.Sprintf("Restart %s: it sets them right when it starts.", service))
	}
	return ok("")
}

// queues answers the consumers, or why they cannot be looked at.
func (x *scene) queues(ctx context.Context) (map[string][]*jetstream.ConsumerInfo, *outcome) {
	if _, err := x.nats.get(ctx); err != nil {
		o := waits(natsAnswers)
		return nil, &o
	}
	consumers, err := x.consumers.get(ctx)
	if err != nil {
		o := waits(natsStreams)
		return nil, &o
	}
	return consumers, nil
}

func lookBacklog(ctx context.Context, x *scene) outcome {
	consumers, no := x.queues(ctx)
	if no != nil {
		return *no
	}
	var all problems
	var total uint64
	for _, stream := range []string{bus.Talk, bus.Slack, bus.Sends} {
		waiting := behind(consumers[stream])
		for _, info := range waiting {
			total += info.NumPending + uint64(info.NumAckPending) //nolint:gosec // it is a count
		}
		if len(waiting) == 0 {
			continue
		}
		oldest, err := x.oldest(ctx, stream, waiting)
		if err != nil || oldest.IsZero() || x.Now().Sub(oldest) < slow {
			continue
		}
		all.add(warning(fmt.Sprintf("messages wait in %s since %s", stream, clock(oldest)),
			"Look at the checks that failed above, and at slacktalk_messages_handled_total of whoever reads it; more replicas carry more."))
	}
	return all.or(ok("%s", counted(total, "message is on its way", "messages are on their way")))
}

// behind answers the consumers that have something to do.
func behind(consumers []*jetstream.ConsumerInfo) []*jetstream.ConsumerInfo {
	return slices.DeleteFunc(slices.Clone(consumers), func(c *jetstream.ConsumerInfo) bool { return c.NumPending == 0 && c.NumAckPending == 0 })
}

// oldest answers when the oldest message was stored that a consumer is not done with; only a few are looked at.
func (x *scene) oldest(ctx context.Context, name string, consumers []*jetstream.ConsumerInfo) (time.Time, error) {
	stream, err := x.js.Stream(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	slices.SortFunc(consumers, func(a, b *jetstream.ConsumerInfo) int { return int(a.AckFloor.Stream) - int(b.AckFloor.Stream) }) //nolint:gosec // sequences are small
	var oldest time.Time
	for _, info := range consumers[:min(len(consumers), 5)] {
		raw, err := stream.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(info.Config.FilterSubject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return time.Time{}, err
		}
		if oldest.IsZero() || raw.Time.Before(oldest) {
			oldest = raw.Time
		}
	}
	return oldest, nil
}

func lookHeld(ctx context.Context, x *scene) outcome {
	if _, err := x.nats.get(ctx); err != nil {
		return waits(natsAnswers)
	}
	there, err := x.streams.get(ctx)
	if err != nil || there[bus.Held] == nil {
		return waits(natsStreams)
	}
	stream, err := x.js.Stream(ctx, bus.Held)
	if err != nil {
		return waits(natsStreams)
	}
	var all problems
	team, _ := x.team.get(ctx) // without settings, what came from Slack cannot be told from that of others
	for _, of := range heldOf(x.project, team) {
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(of.filter))
		if err != nil {
			return failure(fmt.Sprintf("they cannot be looked at: %v", err), "Look at the log of NATS.")
		}
		if n := len(info.State.Subjects); n > 0 {
			all.add(warning(fmt.Sprintf("%s that wait: %d", of.what, n), of.fix))
		}
	}
	return all.or(ok("nothing"))
}

type heldKind struct{ filter, what, fix string }

// heldOf names what a project may have in HELD.
func heldOf(project string, team *settingsv1.TeamSettings) []heldKind {
	token := bus.ProjectToken(project)
	kinds := []heldKind{
		{"held.talk." + token + ".>", "facts from KARTE", "They go on by themselves when what failed above is mended: settings, Redis."},
		{"held.send." + token + ".>", "replies to customers", "They go on by themselves when KARTE takes them: see " + karteToken + " and " + karteScopes + "."},
	}
	for _, channel := range channels(team) {
		kinds = append(kinds, heldKind{"held.slack." + team.GetWorkspace() + "-" + channel + ".>", "replies in " + channel, "They go on by themselves when slack-gateway says who wrote them, and Redis answers."})
	}
	return kinds
}

func lookLanes(ctx context.Context, x *scene) outcome {
	consumers, no := x.queues(ctx)
	if no != nil {
		return *no
	}
	team, no := x.set(ctx)
	if no != nil {
		return *no
	}
	var all problems
	for _, channel := range laneChannels(team, consumers[bus.Posts]) {
		for _, kind := range bus.LaneKinds() {
			lane := bus.Lane{Kind: kind, Team: team.GetWorkspace(), Channel: channel}
			all.add(x.lane(ctx, lane, consumers[bus.Posts]))
		}
	}
	return all.or(ok("%s", strings.Join(channels(team), ", ")))
}

// laneChannels answers the channels of the settings, and all others of the workspace that have a queue: conversations stay where they were opened, and can
// be moved to any channel.
func laneChannels(team *settingsv1.TeamSettings, consumers []*jetstream.ConsumerInfo) []string {
	all := slices.Clone(channels(team))
	for _, c := range consumers {
		parts := strings.Split(c.Config.FilterSubject, ".")
		if len(parts) == 4 && parts[0] == bus.PostLane && parts[1] == team.GetWorkspace() && !slices.Contains(all, parts[2]) {
			all = append(all, parts[2])
		}
	}
	return all
}

func (x *scene) lane(ctx context.Context, lane bus.Lane, consumers []*jetstream.ConsumerInfo) outcome {
	waiting := behind(slices.DeleteFunc(slices.Clone(consumers), func(c *jetstream.ConsumerInfo) bool { return c.Config.FilterSubject != lane.Filter() }))
	if len(waiting) == 0 {
		return ok("")
	}
	oldest, err := x.oldest(ctx, bus.Posts, waiting)
	if err != nil || oldest.IsZero() || x.Now().Sub(oldest) < slow {
		return ok("")
	}
	n := waiting[0].NumPending + uint64(waiting[0].NumAckPending) //nolint:gosec // it is a count
	found := fmt.Sprintf("%s for %s since %s", counted(n, "command waits", "commands wait"), lane.Channel, clock(oldest))
	var fact eventv1.SlackFact
	// The partition is not known here: any.
	subject := fmt.Sprintf("slack.*.%s.%s.-.lane-parked.*", lane.Team, lane.Channel)
	if there, err := x.Bus.Find(ctx, bus.Slack, subject, &fact); err == nil && there && fact.GetReceivedAt().AsTime().After(oldest) {
		found += ": " + fact.GetLaneParked().GetDetail()
	}
	return warning(found, "They go out by themselves when the channel takes posts: see "+slackChannels+" and "+slackScopes+" above, and invite the app to "+lane.Channel+" if it is in none of the settings; talkctl conversations relink moves a conversation. If all of that is fine, it is Slack's limit of about one post a second and channel.")
}
