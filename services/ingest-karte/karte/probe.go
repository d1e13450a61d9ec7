package karte

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Use is something that the app has to be allowed to do at KARTE, with a call that tells whether it is and changes nothing: its body lacks
// what is required, so at most KARTE refuses it.
type Use struct {
	// Scope is the name of the permission; those of notes and operators are not documented and follow the others.
	Scope string
	// For says what cannot be done without it.
	For string
	// Optional ones are not needed for messages to flow.
	Optional bool
	path     string
}

// Uses are all of them. The first answers without a fault when the token is accepted.
func Uses() []Use {
	return []Use{
		{Scope: "talk.operator.list", For: "showing which operators there are", Optional: true, path: pathOperators},
		{Scope: "talk.message.sendFromOperator", For: "sending replies to customers", path: pathSend},
		{Scope: "talk.message.get", For: "hooks of messages, and looking up what became of a lost answer", path: pathHistory},
		{Scope: "talk.note.send", For: "keeping notes", path: pathNote},
	}
}

// Probe is what KARTE answered.
type Probe struct {
	Status int
	// Said are KARTE's own words, without the token.
	Said           string
	Header         http.Header
	Sent, Received time.Time
}

// Probe tries a use. An error means that KARTE was not reached.
func (c *Client) Probe(ctx context.Context, use Use) (Probe, error) {
	probe := Probe{Sent: time.Now()}
	response, err := c.post(ctx, use.path, []byte("{}"))
	if err != nil {
		return Probe{}, fmt.Errorf("KARTE %s: %w", use.path, err)
	}
	defer func() { _ = response.Body.Close() }()
	probe.Received = time.Now()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return Probe{}, fmt.Errorf("KARTE %s: read the answer: %w", use.path, err)
	}
	probe.Status, probe.Header, probe.Said = response.StatusCode, response.Header, cmp.Or(c.explanation(body), unexplained)
	return probe, nil
}
