package examination

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Reason says why a request was refused.
type Reason string

// The reasons.
const (
	// Missing: it carried no signature, so it came from somewhere else.
	Missing Reason = "missing"
	// Malformed: a signature or time that cannot be read.
	Malformed Reason = "malformed"
	// Mismatch: signed with another secret.
	Mismatch Reason = "mismatch"
	// Stale: its time is too far from ours, either way.
	Stale Reason = "stale"
	// Replayed: the same request was taken before.
	Replayed Reason = "replayed"
)

// ValueLast names when the last request was refused for the reason.
func ValueLast(r Reason) string { return string(r) + "_last" }

// ValueCount names how many requests were refused for the reason.
func ValueCount(r Reason) string { return string(r) + "_count" }

type refusal struct {
	count int
	last  time.Time
}

// Journal is what one replica remembers, in memory only, of the signed requests that it was sent. Its methods may be called at the same time.
type Journal struct {
	now func() time.Time

	mu             sync.Mutex
	since          time.Time
	good           time.Time
	refused        map[Reason]refusal
	skew           time.Duration
	foreign        time.Time
	foreignProject string
}

// New makes an empty journal.
func New(now func() time.Time) *Journal {
	return &Journal{now: now, since: now(), refused: map[Reason]refusal{}}
}

// Good notes that a request from outside was taken.
func (j *Journal) Good() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.good = j.now()
}

// Refused notes that a request was refused; stamp is the Unix time that it carried, as far as it can be read.
func (j *Journal) Refused(r Reason, stamp string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.now()
	j.refused[r] = refusal{j.refused[r].count + 1, now}
	if seconds, err := strconv.ParseInt(stamp, 10, 64); err == nil && r == Stale {
		j.skew = now.Sub(time.Unix(seconds, 0)).Round(time.Second)
	}
}

// Foreign notes that a good request was about another project.
func (j *Journal) Foreign(project string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.foreign, j.foreignProject = j.now(), project
}

// Delivery answers a finding about what arrives: the last good request.
func (j *Journal) Delivery(check string) *eventv1.Finding {
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.finding(check)
	f.State, f.Detail = eventv1.FindingState_FINDING_STATE_UNKNOWN, "nothing arrived since this replica started"
	if !j.good.IsZero() {
		f.State, f.Detail = eventv1.FindingState_FINDING_STATE_OK, "the last good one arrived at "+stamp(j.good)
	}
	if !j.foreign.IsZero() {
		f.Values[ValueForeign], f.Values[ValueForeignProject] = stamp(j.foreign), j.foreignProject
		f.Detail += "; the last one of another project at " + stamp(j.foreign)
		if j.foreign.After(j.good) {
			f.State = eventv1.FindingState_FINDING_STATE_FAILED
		}
	}
	return f
}

// Signatures answers a finding about what was refused. What fails is that nothing good came after a wrong signature.
func (j *Journal) Signatures(check string) *eventv1.Finding {
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.finding(check)
	f.State, f.Detail = eventv1.FindingState_FINDING_STATE_OK, "nothing was refused since this replica started"
	if j.good.IsZero() {
		f.State = eventv1.FindingState_FINDING_STATE_UNKNOWN
	}
	if len(j.refused) == 0 {
		return f
	}
	f.State = eventv1.FindingState_FINDING_STATE_WARNING
	var said []string
	for _, reason := range slices.Sorted(maps.Keys(j.refused)) {
		r := j.refused[reason]
		f.Values[ValueCount(reason)], f.Values[ValueLast(reason)] = strconv.Itoa(r.count), stamp(r.last)
		said = append(said, fmt.Sprintf("%d %s, the last at %s", r.count, reason, stamp(r.last)))
		if (reason == Mismatch || reason == Stale) && r.last.After(j.good) {
			f.State = eventv1.FindingState_FINDING_STATE_FAILED
		}
	}
	if j.refused[Stale].count > 0 {
		f.Values[ValueSkew] = j.skew.String()
	}
	f.Detail = "refused: " + strings.Join(said, "; ")
	return f
}

func (j *Journal) finding(check string) *eventv1.Finding {
	f := &eventv1.Finding{Check: check, Values: map[string]string{ValueSince: stamp(j.since)}}
	if !j.good.IsZero() {
		f.Values[ValueGood] = stamp(j.good)
	}
	return f
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
