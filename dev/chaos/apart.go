package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/slacktalk/slacktalk/dev/slackstandin"
)

// Apart writes on both sides of an installation that somebody else runs beside the stand-ins, such as the trial on a cluster, and judges what arrived.
// The installation is set up already, with the people of the stand-ins; nothing is asked of it but what both outsides show.
func Apart(ctx context.Context, o Options, slackURL, karteURL string) (*Result, error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	s := &system{options: o, slack: &slackControl{control{slackURL}, o.channels()}, karte: &karteControl{control{karteURL}}}
	c := &chaos{system: s, load: newLoad(s), repeats: newRepeater(s)}
	begin := time.Now()
	if err := c.load.run(ctx); err != nil {
		return nil, err
	}
	loaded := time.Since(begin)
	o.Say("all written after %v, waiting for it to arrive", loaded.Round(time.Second))
	v, err := c.arrived(ctx)
	if err != nil {
		return nil, err
	}
	return c.result(v, nil, map[slackstandin.EventFaultKind]int{}, loaded, time.Since(begin)), nil
}

// arrived waits until nothing is missing any more and both outsides are at rest, or the deadline.
func (c *chaos) arrived(ctx context.Context) (*verdict, error) {
	deadline := time.Now().Add(c.options.Settle)
	for rest := 0; ; {
		pending, _, err := c.slack.pending(ctx)
		if err != nil {
			return nil, err
		}
		messages, err := c.slack.messages(ctx)
		if err != nil {
			return nil, err
		}
		snapshot, err := c.karte.snapshot(ctx)
		if err != nil {
			return nil, err
		}
		v := judge(c.load.texts(), messages, snapshot, nil)
		if rest++; pending+snapshot.Waiting > 0 || len(v.ToSlack.Lost)+len(v.ToKARTE.Lost)+len(v.WrongReceipts) > 0 {
			rest = 0
		}
		if rest >= 3*quiet {
			return v, nil
		}
		if time.Now().After(deadline) {
			c.complain(fmt.Sprintf("not at rest %v after the last message", c.options.Settle))
			return v, nil
		}
		if !sleep(ctx, time.Second) {
			return nil, ctx.Err()
		}
	}
}
