package bus

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
)

// The streams.
const (
	Talk  = "TALK"
	Slack = "SLACK"
	Posts = "POSTS"
	Sends = "SENDS"
	// Held holds, per customer, what could not be done at the first attempt, so that nobody else waits for it.
	Held = "HELD"
	Dead = "DEAD"
	// Audit holds who did what.
	Audit = "AUDIT"
	// Timers holds what is to be looked at later, and what has become due.
	Timers = "TIMERS"
	// Advisories holds what JetStream tells of messages that it has given up by itself.
	Advisories = "ADVISORIES"
)

// The key-value buckets.
const (
	Conversations = "CONVERSATIONS"
	Threads       = "THREADS"
	Lanes         = "LANES"
	Checkpoints   = "CHECKPOINTS"
	// Installations holds the installations of the Slack app, their tokens encrypted.
	Installations = "INSTALLATIONS"
)

// Bucket answers the stream behind a bucket.
func Bucket(name string) string { return "KV_" + name }

// A subject comes only from the functions below. To add one, touch: this file, the topology, and the permissions of
// the NATS users in rights.

var lower = base32.StdEncoding.WithPadding(base32.NoPadding)

// Token answers a short hash of s that is safe in a subject: ids may hold any character and are personal data.
func Token(s string) string {
	sum := sha256.Sum256([]byte(s))
	return strings.ToLower(lower.EncodeToString(sum[:10]))
}

var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// ProjectToken answers the project itself where a subject can hold it, else its hash.
func ProjectToken(project string) string {
	if plain.MatchString(project) {
		return project
	}
	return "x-" + Token(project)
}

// Partitions is how many ordered queues a stream's customers are spread over, 1 to 1,024.
//
// The number is part of the token, so raising it leaves what is already stored in the queues it was stored in: the
// consumers of the former number go on, and those of the new one start when the former are empty (PARTITIONS_BEFORE).
type Partitions int

// Of answers the partition token of a customer, thread or conversation.
func (p Partitions) Of(key string) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(key))
	return p.token(int(hash.Sum32() % uint32(p))) //nolint:gosec // p is at most 1,024
}

// Tokens answers all of them.
func (p Partitions) Tokens() []string {
	tokens := make([]string, p)
	for i := range tokens {
		tokens[i] = p.token(i)
	}
	return tokens
}

func (p Partitions) token(i int) string { return fmt.Sprintf("%d-%03d", int(p), i) }

// TalkSubject: talk.{partition}.{project}.{customer}.{kind}.{id}.
func TalkSubject(p Partitions, project, customer, kind, id string) string {
	key := Token(customer)
	return fmt.Sprintf("talk.%s.%s.%s.%s.%s", p.Of(project+key), ProjectToken(project), key, kind, Token(id))
}

// TalkBeside answers the subject of another fact about the same customer, or of the same commands; ok is false when subject is none of TALK.
func TalkBeside(subject, kind, id string) (beside string, ok bool) {
	parts := strings.Split(subject, ".")
	if len(parts) != 6 || parts[0] != "talk" {
		return "", false
	}
	return strings.Join(append(parts[:4], kind, Token(id)), "."), true
}

// TalkFilter matches what is told about one customer, or of commands about one conversation, in whichever partition.
func TalkFilter(project, customer string) string {
	return fmt.Sprintf("talk.*.%s.%s.*.*", ProjectToken(project), Token(customer))
}

// SlackSubject: slack.{partition}.{team}.{channel}.{thread}.{kind}.{id}. The thread's dot becomes a dash; a fact about a
// whole channel has the thread "-".
func SlackSubject(p Partitions, team, channel, thread, kind, id string) string {
	token := "-"
	if thread != "" {
		token = ThreadToken(thread)
	}
	return fmt.Sprintf("slack.%s.%s.%s.%s.%s.%s", p.Of(team+channel+thread), team, channel, token, kind, Token(id))
}

// SlackKindFilter matches the facts of one kind.
func SlackKindFilter(kind string) string { return "slack.*.*.*.*." + kind + ".*" }

// anyPartition matches a message in whichever partition it was stored.
func anyPartition(subject string) string {
	parts := strings.Split(subject, ".")
	switch parts[0] {
	case "talk", "slack", "send":
		parts[1] = "*"
	}
	return strings.Join(parts, ".")
}

// ThreadToken makes a Slack ts fit for a subject or key.
func ThreadToken(ts string) string { return strings.ReplaceAll(ts, ".", "-") }

// Lane is the ordered queue of one Slack channel: posts are paced, marks (reactions and private notices) are not held up by them, and neither are
// the cards on the heads of its threads, of which only the last state counts.
type Lane struct {
	Kind    string
	Team    string
	Channel string
}

// The kinds of lanes.
const (
	PostLane = "post"
	MarkLane = "mark"
	CardLane = "card"
)

// LaneKinds answers all kinds.
func LaneKinds() []string { return []string{PostLane, MarkLane, CardLane} }

// Subject: {kind}.{team}.{channel}.{id}.
func (l Lane) Subject(id string) string { return l.prefix() + "." + Token(id) }

// Filter matches the whole lane.
func (l Lane) Filter() string { return l.prefix() + ".*" }

// Key is the lane's key in LANES, and in CHECKPOINTS behind "lane.".
func (l Lane) Key() string { return l.prefix() }

func (l Lane) prefix() string { return l.Kind + "." + l.Team + "." + l.Channel }

// ParseLane is the reverse of Lane.Key.
func ParseLane(key string) (Lane, bool) {
	parts := strings.Split(key, ".")
	if len(parts) != 3 || !slices.Contains(LaneKinds(), parts[0]) {
		return Lane{}, false
	}
	return Lane{Kind: parts[0], Team: parts[1], Channel: parts[2]}, true
}

// SendSubject: send.{partition}.{project}.{conversation}.{id}.
func SendSubject(p Partitions, project, conversation, id string) string {
	return fmt.Sprintf("send.%s.%s.%s.%s", p.Of(project+conversation), ProjectToken(project), conversation, Token(id))
}

// SendFilter matches the commands to one customer, in whichever partition.
func SendFilter(project, conversation string) string {
	return fmt.Sprintf("send.*.%s.%s.*", ProjectToken(project), conversation)
}

// TimerSubject: timer.{project}.{conversation}.
func TimerSubject(project, conversation string) string {
	return "timer." + ProjectToken(project) + "." + conversation
}

// dueSubject: due.{partition}.{project}.{conversation}.
func dueSubject(project, conversation string) string {
	return fmt.Sprintf("due.%s.%s.%s", timerPartitions.Of(project+conversation), ProjectToken(project), conversation)
}

// DueFilter matches what has become due about a conversation.
func DueFilter(project, conversation string) string {
	return "due.*." + ProjectToken(project) + "." + conversation
}

// HeldLane names the queue of one customer's held messages of a stream: held.{stream}.{a}.{b}.
type HeldLane struct{ Stream, A, B string }

// HeldLaneOf answers the customer's queue for a message of TALK, SLACK, SENDS or TIMERS: the tokens of project and customer, or
// of channel and thread.
func HeldLaneOf(subject string) (HeldLane, bool) {
	parts := strings.Split(subject, ".")
	switch {
	case len(parts) == 6 && parts[0] == "talk", len(parts) == 5 && parts[0] == "send", len(parts) == 4 && parts[0] == "due":
		return HeldLane{parts[0], parts[2], parts[3]}, true
	case len(parts) == 7 && parts[0] == "slack":
		return HeldLane{parts[0], parts[2] + "-" + parts[3], parts[4]}, true
	}
	return HeldLane{}, false
}

// Subject: held.{stream}.{a}.{b}.{id}.
func (h HeldLane) Subject(id string) string { return h.prefix() + "." + Token(id) }

// Filter matches the whole queue.
func (h HeldLane) Filter() string { return h.prefix() + ".*" }

func (h HeldLane) prefix() string { return "held." + h.Stream + "." + h.A + "." + h.B }

func parseHeld(subject string) (HeldLane, bool) {
	parts := strings.Split(subject, ".")
	if len(parts) != 5 || parts[0] != "held" {
		return HeldLane{}, false
	}
	return HeldLane{parts[1], parts[2], parts[3]}, true
}

// DeadSubject: dead.{stream}.{reason}.{id}.
func DeadSubject(stream, reason, id string) string {
	return fmt.Sprintf("dead.%s.%s.%s", strings.ToLower(stream), reason, Token(id))
}

// AuditSubject: audit.{project}.{id}.
func AuditSubject(project, id string) string {
	return "audit." + ProjectToken(project) + "." + Token(id)
}

// AuditFilter matches the entries of one project.
func AuditFilter(project string) string { return "audit." + ProjectToken(project) + ".*" }

// ConversationKey is a conversation's key in THREADS.
func ConversationKey(project, conversation string) string {
	return "c." + ProjectToken(project) + "." + conversation
}

// ThreadKey is a thread's key in THREADS, the reverse of ConversationKey.
func ThreadKey(team, channel, ts string) string {
	return "t." + team + "." + channel + "." + ThreadToken(ts)
}

// channelPrefix stands before the keys of channels in THREADS.
const channelPrefix = "n."

// channelKey is where THREADS says what id a channel got after this one.
func channelKey(team, channel string) string { return channelPrefix + team + "." + channel }
