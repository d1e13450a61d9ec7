package edge

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// The kinds of frames in Socket Mode that carry what would be a request.
const (
	FrameEvent       = "events_api"
	FrameInteraction = "interactive"
	FrameCommand     = "slash_commands"
)

// Frame takes what arrived in Socket Mode, where nothing is signed, exactly as it takes a request. acknowledge is false when Slack is to send it again:
// JetStream has not stored it. answer is what the acknowledgement carries, nil for nothing.
func (e *Edge) Frame(ctx context.Context, kind string, payload []byte) (answer any, acknowledge bool) {
	ctx, span := e.Tracing.Root(ctx, "Slack "+kind)
	a := e.frame(ctx, kind, payload)
	ended(span, a)
	e.requests.WithLabelValues("socket", a.result).Inc()
	e.Journal.Good()
	if a.status == http.StatusServiceUnavailable {
		return nil, false
	}
	if a.status != http.StatusOK {
		// Sent again it would be the same.
		e.Log.WarnContext(ctx, "a frame cannot be taken", "kind", kind, "result", a.result)
		return nil, true
	}
	return a.body, true
}

func (e *Edge) frame(ctx context.Context, kind string, payload []byte) answer {
	received := e.Now()
	switch kind {
	case FrameEvent:
		return e.event(ctx, payload, received)
	case FrameInteraction:
		return e.interaction(ctx, []byte(url.Values{"payload": {string(payload)}}.Encode()), received)
	case FrameCommand:
		fields := map[string]any{}
		if err := json.Unmarshal(payload, &fields); err != nil {
			return refuse(http.StatusBadRequest, "malformed")
		}
		form := url.Values{}
		for name, value := range fields {
			if text, ok := value.(string); ok {
				form.Set(name, text)
			}
		}
		return e.command(ctx, []byte(form.Encode()), received)
	}
	return answer{http.StatusOK, "ignored", nil}
}
