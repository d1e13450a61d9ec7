// Package rights says what each NATS user may do, stream by stream: the server's configuration and the documentation are written from it.
package rights

import (
	"github.com/slacktalk/slacktalk/internal/bus"
)

// User is one NATS user. What is not in here it may not do.
type User struct {
	Name string
	// Does is what it is for.
	Does string
	// Publishes are subjects of messages, and, behind "$KV.", keys of buckets.
	Publishes []string
	// Creates is whether it may create every stream and bucket: whoever starts first makes what is missing.
	Creates bool
	// Changes are streams whose configuration it may change. No service has any: it could let a stream forget everything.
	Changes []string
	// Reads are streams whose single messages it may get.
	Reads []string
	// Keys are keys of buckets that it may get, by bucket.
	Keys []Part
	// Consumes are what it is handed and acknowledges; Scans what it reads through; Prepares the consumers that it makes for others.
	Consumes, Scans, Prepares []Part
	// Follows are scans that it also ends itself.
	Follows []Part
	// Watches are buckets that it reads and watches as a whole.
	Watches []string
	// Lists are streams whose consumers it may list.
	Lists []string
	// Removes are streams of which it may remove single messages, Purges buckets of which single keys.
	Removes, Purges []string
	// Listens are subjects that it subscribes to besides its own inbox.
	Listens []string
	// GivenUp are its consumers of which it is told, from ADVISORIES, what JetStream itself gave up.
	GivenUp []GivenUp
	// Answers is whether it may answer whoever asks it: once each, soon.
	Answers bool
	// Saves is whether it may take and bring back snapshots of every stream.
	Saves bool
}

// Part is a part of a stream or bucket: what matches one of the filters.
type Part struct {
	Of      string
	Filters []string
}

// GivenUp are the consumers of a stream whose names begin so.
type GivenUp struct{ Of, Consumers string }

// Users answers all users.
func Users() []User {
	return []User{ingestKARTE(), router(), slackGateway(), topology(), backup()}
}

func ingestKARTE() User {
	return User{
		Name: "ingest-karte", Does: "writes facts from KARTE, carries out commands to KARTE, answers what KARTE knows",
		Publishes: []string{"talk.>", "held.send.>", "dead.send.>", "dead.sends.>", "$KV.CHECKPOINTS.send.>"},
		Creates:   true,
		Reads:     []string{bus.Talk, bus.Sends, bus.Held, bus.Dead, bus.Bucket(bus.Checkpoints)},
		Keys:      []Part{{bus.Checkpoints, []string{"send.>"}}},
		Consumes:  []Part{{bus.Sends, []string{"send.>"}}, {bus.Held, []string{"held.send.>"}}},
		Removes:   []string{bus.Held},
		Listens:   []string{"wake.>", "ask.karte.>"}, GivenUp: []GivenUp{{bus.Sends, "ingest-karte-"}, {bus.Held, "held-send-"}},
		Answers: true,
	}
}

func router() User {
	return User{
		Name: "router", Does: "reads the facts of both edges, writes the commands to both; erases customers, replays and discards dead letters",
		Publishes: []string{
			"post.>", "mark.>", "card.>", "send.>", "timer.>", "held.talk.>", "held.slack.>", "held.due.>", "dead.talk.>", "dead.slack.>", "dead.timers.>",
			"$KV.CONVERSATIONS.>", "$KV.LANES.>", "ask.slack.>", "ask.karte.>", "audit.>",
		},
		Creates: true,
		Reads: []string{
			bus.Talk, bus.Slack, bus.Posts, bus.Sends, bus.Held, bus.Dead, bus.Audit, bus.Timers, bus.Bucket(bus.Conversations), bus.Bucket(bus.Threads),
		},
		Consumes: []Part{
			{bus.Talk, []string{"talk.>"}}, {bus.Slack, []string{"slack.>"}}, {bus.Timers, []string{"due.>"}},
			{bus.Held, []string{"held.talk.>", "held.slack.>", "held.due.>"}},
		},
		// Commands to Slack are looked through by the hundred thousand, and the index in Redis is built from the buckets.
		Scans: []Part{
			{bus.Posts, []string{"post.>", "mark.>", "card.>"}},
			{bus.Bucket(bus.Conversations), []string{"$KV.CONVERSATIONS.>"}}, {bus.Bucket(bus.Threads), []string{"$KV.THREADS.>"}},
		},
		Follows: []Part{{bus.Audit, []string{"audit.>"}}},
		Watches: []string{bus.Conversations, bus.Lanes, bus.Threads},
		Lists:   []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends},
		Removes: []string{bus.Talk, bus.Slack, bus.Posts, bus.Sends, bus.Held, bus.Dead, bus.Timers},
		Purges:  []string{bus.Conversations, bus.Threads},
		Listens: []string{"wake.>"}, GivenUp: []GivenUp{
			{bus.Talk, "router-talk-"}, {bus.Slack, "router-slack-"}, {bus.Timers, "router-timers-"},
			{bus.Held, "held-talk-"}, {bus.Held, "held-due-"}, {bus.Held, "held-slack-"},
		},
	}
}

func slackGateway() User {
	return User{
		Name: "slack-gateway", Does: "writes facts from Slack, carries out commands to Slack or gives them to another lane, answers who is who there",
		Publishes: []string{
			"slack.>", "post.>", "card.>", "dead.post.>", "dead.posts.>", "$KV.THREADS.>", "$KV.CHECKPOINTS.lane.>", "$KV.INSTALLATIONS.>", "wake.>",
		},
		Creates: true,
		Reads: []string{
			bus.Slack, bus.Posts, bus.Dead, bus.Bucket(bus.Threads), bus.Bucket(bus.Checkpoints), bus.Bucket(bus.Installations),
		},
		Keys:     []Part{{bus.Checkpoints, []string{"lane.>"}}},
		Consumes: []Part{{bus.Posts, []string{"post.>", "mark.>", "card.>"}}},
		Watches:  []string{bus.Threads, bus.Lanes, bus.Installations},
		Listens:  []string{"ask.slack.>", "wake.>"}, GivenUp: []GivenUp{{bus.Posts, "lane-"}},
		Answers: true,
	}
}

func topology() User {
	return User{
		Name: "topology", Does: "`talkctl topology apply`: makes and changes streams, buckets and the consumers of partitions; reads and writes no message, and removes nothing",
		Creates: true, Changes: bus.StreamNames(),
		Prepares: []Part{{bus.Talk, []string{"talk.>"}}, {bus.Slack, []string{"slack.>"}}, {bus.Sends, []string{"send.>"}}},
	}
}

func backup() User {
	return User{
		Name: "backup", Does: "`talkctl topology save` and `restore`: whoever has this password has every message; no pod has it",
		Saves: true,
	}
}
