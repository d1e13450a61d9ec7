package slackstandin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
)

// mostViews is how many modals may lie on each other.
const mostViews = 3

// SubmitView sends the view_submission of a modal with what the member filled in (block_id → action_id → value
// object) and returns the app's answer. The modal closes, which shows the one under it, unless the answer has a
// response_action.
func (s *Server) SubmitView(ctx context.Context, member, viewID string, values map[string]any) (Answer, error) {
	v, answer, err := s.submitted(ctx, member, viewID, values)
	if err != nil || answer.Status != http.StatusOK {
		return answer, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.touch()
	if err := s.afterSubmission(v, answer.Body); err != nil {
		return answer, fmt.Errorf("submit view %s: %w", viewID, err)
	}
	return answer, nil
}

// SubmitViewUnheard is SubmitView of which Slack gets no answer within its three seconds: the modal stays open, and the member may submit it again.
func (s *Server) SubmitViewUnheard(ctx context.Context, member, viewID string, values map[string]any) error {
	_, _, err := s.submitted(ctx, member, viewID, values)
	return err
}

func (s *Server) submitted(ctx context.Context, member, viewID string, values map[string]any) (*View, Answer, error) {
	s.mu.Lock()
	v := s.views[viewID]
	payload, err := s.payload("view_submission", member)
	target := s.urls.Interactions
	s.mu.Unlock()
	if v == nil || v.User != member {
		err = cmp.Or(err, error(apiError("view_not_found")))
	}
	if err != nil {
		return nil, Answer{}, fmt.Errorf("submit view %s: %w", viewID, err)
	}
	view := maps.Clone(v.Body)
	view["state"] = map[string]any{"values": values}
	payload["view"], payload["response_urls"] = view, []any{}
	answer, err := s.interact(ctx, target, payload)
	return v, answer, err
}

// afterSubmission does what the app's answer says. The lock is held.
func (s *Server) afterSubmission(v *View, answer []byte) error {
	var then struct {
		Action string          `json:"response_action"`
		View   json.RawMessage `json:"view"`
	}
	_ = json.Unmarshal(answer, &then) // an empty answer closes the modal
	switch then.Action {
	case "errors":
	case "update", "push":
		body, err := s.viewBody(string(then.View))
		if err != nil {
			return err
		}
		if then.Action == "push" {
			_, err = s.pushView(v, body)
			return err
		}
		s.storeView(v, body)
	case "clear":
		s.closeAll(v)
	default:
		delete(s.views, v.ID)
	}
	return nil
}

// CloseView closes a modal as a member does, and all that are under it where all is true; the app is told of those
// that want it (notify_on_close).
func (s *Server) CloseView(ctx context.Context, member, viewID string, all bool) (Answer, error) {
	s.mu.Lock()
	v := s.views[viewID]
	payload, err := s.payload("view_closed", member)
	target := s.urls.Interactions
	if v == nil || v.User != member || v.home() {
		err = cmp.Or(err, error(apiError("view_not_found")))
	}
	if err != nil {
		s.mu.Unlock()
		return Answer{}, fmt.Errorf("close view %s: %w", viewID, err)
	}
	if delete(s.views, viewID); all {
		s.closeAll(v)
	}
	s.touch()
	s.mu.Unlock()
	if v.Body["notify_on_close"] != true {
		return Answer{Status: http.StatusOK}, nil
	}
	delete(payload, "trigger_id")
	payload["view"], payload["is_cleared"] = v.Body, all
	return s.interact(ctx, target, payload)
}

// closeAll closes every modal that a view lies on or under. The lock is held.
func (s *Server) closeAll(v *View) {
	root := v.Body["root_view_id"]
	maps.DeleteFunc(s.views, func(_ string, other *View) bool { return other.Body["root_view_id"] == root })
}

func (v *View) home() bool { return v.Body["type"] == "home" }

// pushView lays a new modal on a modal. The lock is held.
func (s *Server) pushView(under *View, body map[string]any) (reply, error) {
	depth := 0
	for _, v := range s.views {
		if v.Body["root_view_id"] == under.Body["root_view_id"] {
			depth++
		}
	}
	if depth >= mostViews {
		return nil, apiError("push_limit_reached")
	}
	pushed := View{ID: s.viewID(), User: under.User, Client: under.Client, previous: under.ID}
	pushed.root, _ = under.Body["root_view_id"].(string)
	return s.storeView(&pushed, body), nil
}

func (s *Server) viewID() string { return fmt.Sprintf("V%08d", s.nextSerial()) }

// viewsPush lays a modal on the one whose button gave the trigger.
func (s *Server) viewsPush(a args) (reply, error) {
	t, err := s.trigger(a["trigger_id"])
	if err != nil {
		return nil, err
	}
	under := s.views[t.view]
	if under == nil || under.home() {
		return nil, apiError("not_found")
	}
	body, err := s.viewBody(a["view"])
	if err != nil {
		return nil, err
	}
	t.used = true
	return s.pushView(under, body)
}
