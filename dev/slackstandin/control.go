package slackstandin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// control makes a handler of a function from a JSON request to a JSON answer.
func control[In any](do func(context.Context, In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil && !errors.Is(err, io.EOF) {
			controlError(w, fmt.Errorf("read request: %w", err))
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			controlError(w, err)
			return
		}
		if out == nil {
			out = reply{"ok": true}
		}
		writeJSON(w, http.StatusOK, out)
	}
}

func controlError(w http.ResponseWriter, err error) {
	writeJSON(w, http.StatusBadRequest, reply{"ok": false, "error": err.Error()})
}

type place struct {
	Member   string `json:"member"`
	Channel  string `json:"channel"`
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts"`
}

type writeRequest struct {
	place
	WriteOptions
	Text string `json:"text"`
}

func (s *Server) controlRoutes(mux *http.ServeMux) {
	post := func(path string, h http.HandlerFunc) { mux.HandleFunc("POST /_control/"+path, h) }
	post("write", control(func(_ context.Context, in writeRequest) (any, error) {
		ts, err := s.Write(in.Member, in.Channel, in.ThreadTS, in.Text, in.WriteOptions)
		return reply{"ok": true, "ts": ts}, err
	}))
	post("edit", control(func(_ context.Context, in writeRequest) (any, error) {
		return nil, s.Edit(in.Channel, in.TS, in.Text, in.WriteOptions)
	}))
	post("unfurl", control(func(_ context.Context, in struct {
		place
		URL string `json:"url"`
	}) (any, error) {
		return nil, s.Unfurl(in.Channel, in.TS, in.URL)
	}))
	post("delete", control(func(_ context.Context, in struct {
		place
		DeleteOptions
	}) (any, error) {
		return nil, s.Delete(in.Channel, in.TS, in.DeleteOptions)
	}))
	post("react", control(func(_ context.Context, in struct {
		place
		Name   string `json:"name"`
		Remove bool   `json:"remove"`
	}) (any, error) {
		return nil, s.React(in.Member, in.Channel, in.TS, in.Name, !in.Remove)
	}))
	s.interactionRoutes(post)
	s.peopleRoutes(post)
	s.faultRoutes(mux, post)
	s.inspectionRoutes(mux)
}

func (s *Server) interactionRoutes(post func(string, http.HandlerFunc)) {
	post("click", control(func(ctx context.Context, in Click) (any, error) {
		return answered(s.ClickButton(InClient(ctx, in.Client), in))
	}))
	post("command", control(func(ctx context.Context, in struct {
		place
		Command string `json:"command"`
		Text    string `json:"text"`
		Client  string `json:"client"`
	}) (any, error) {
		return answered(s.Command(InClient(ctx, in.Client), in.Member, in.Channel, in.Command, in.Text))
	}))
	post("submit", control(func(ctx context.Context, in struct {
		place
		ViewID string         `json:"view_id"`
		Values map[string]any `json:"values"`
	}) (any, error) {
		return answered(s.SubmitView(ctx, in.Member, in.ViewID, in.Values))
	}))
	post("close-view", control(func(ctx context.Context, in struct {
		place
		ViewID string `json:"view_id"`
		All    bool   `json:"all"`
	}) (any, error) {
		return answered(s.CloseView(ctx, in.Member, in.ViewID, in.All))
	}))
	post("suggest", control(func(ctx context.Context, in Click) (any, error) { return answered(s.Suggest(ctx, in)) }))
	post("shortcut", control(func(ctx context.Context, in struct {
		place
		CallbackID string `json:"callback_id"`
		Client     string `json:"client"`
	}) (any, error) {
		ctx = InClient(ctx, in.Client)
		if in.TS == "" {
			return answered(s.GlobalShortcut(ctx, in.Member, in.CallbackID))
		}
		return answered(s.MessageShortcut(ctx, in.Member, in.Channel, in.TS, in.CallbackID))
	}))
	post("dismiss", control(func(_ context.Context, in place) (any, error) { return nil, s.Dismiss(in.Member, in.Channel, in.TS) }))
	post("home", control(func(_ context.Context, in place) (any, error) { return nil, s.OpenHome(in.Member) }))
	post("event", control(func(_ context.Context, in struct {
		place
		Event map[string]any `json:"event"`
	}) (any, error) {
		if in.Event == nil {
			return nil, errors.New("event is missing")
		}
		return nil, s.EmitEvent(in.Channel, in.Event)
	}))
}

func answered(a Answer, err error) (any, error) {
	return reply{"ok": true, "status": a.Status, "body": string(a.Body)}, err
}

func (s *Server) peopleRoutes(post func(string, http.HandlerFunc)) {
	post("members", control(func(_ context.Context, in Member) (any, error) {
		if in.ID == "" {
			return nil, errors.New("id is missing")
		}
		s.AddMember(in)
		return nil, nil
	}))
	post("channels", control(func(_ context.Context, in Channel) (any, error) {
		if in.ID == "" {
			return nil, errors.New("id is missing")
		}
		s.AddChannel(in)
		return nil, nil
	}))
	post("usergroups", control(func(_ context.Context, in UserGroup) (any, error) {
		s.AddUserGroup(in)
		return nil, nil
	}))
	post("archive", control(func(_ context.Context, in struct {
		place
		Archived bool `json:"archived"`
	}) (any, error) {
		return nil, s.Archive(in.Channel, in.Member, in.Archived)
	}))
	post("join", control(func(_ context.Context, in place) (any, error) { return nil, s.Join(in.Channel, in.Member) }))
	post("leave", control(func(_ context.Context, in place) (any, error) { return nil, s.Leave(in.Channel, in.Member) }))
	post("dm", control(func(_ context.Context, in place) (any, error) {
		id, err := s.OpenDM(in.Member)
		return reply{"ok": true, "channel": id}, err
	}))
	post("bot/invite", control(func(_ context.Context, in place) (any, error) {
		return nil, s.InviteBot(in.Channel, in.Member)
	}))
	post("bot/remove", control(func(_ context.Context, in place) (any, error) { return nil, s.RemoveBot(in.Channel) }))
	post("urls", control(func(_ context.Context, in URLs) (any, error) {
		s.SetURLs(in)
		return nil, nil
	}))
	post("verify", control(func(ctx context.Context, _ struct{}) (any, error) { return nil, s.VerifyURL(ctx) }))
}

func (s *Server) faultRoutes(mux *http.ServeMux, post func(string, http.HandlerFunc)) {
	post("faults", control(func(_ context.Context, in Fault) (any, error) {
		if in.Kind == "" {
			return nil, errors.New("kind is missing")
		}
		s.AddFault(in)
		return nil, nil
	}))
	post("event-faults", control(func(_ context.Context, in EventFault) (any, error) {
		if in.Kind == "" {
			return nil, errors.New("kind is missing")
		}
		s.AddEventFault(in)
		return nil, nil
	}))
	mux.HandleFunc("GET /_control/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, reply{"faults": s.Faults()})
	})
	mux.HandleFunc("DELETE /_control/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		writeJSON(w, http.StatusOK, reply{"ok": true})
	})
}

func (s *Server) inspectionRoutes(mux *http.ServeMux) {
	get := func(path string, show func(*Snapshot, *http.Request) any) {
		mux.HandleFunc("GET /_control/"+path, func(w http.ResponseWriter, r *http.Request) {
			writeJSON(w, http.StatusOK, show(s.Snapshot(), r))
		})
	}
	get("messages", func(v *Snapshot, r *http.Request) any {
		return reply{"messages": append([]*Message{}, v.Channels[r.FormValue("channel")].Messages...)}
	})
	get("thread", func(v *Snapshot, r *http.Request) any {
		thread := v.Channels[r.FormValue("channel")].Thread(r.FormValue("ts"))
		return reply{"messages": append([]*Message{}, thread...)}
	})
	get("ephemerals", func(v *Snapshot, _ *http.Request) any {
		return reply{"ephemerals": append([]Ephemeral{}, v.Ephemerals...)}
	})
	get("calls", func(v *Snapshot, r *http.Request) any {
		if name := r.FormValue("method"); name != "" {
			return reply{"calls": v.Calls[name]}
		}
		return reply{"calls": v.Calls}
	})
	get("undelivered", func(v *Snapshot, _ *http.Request) any {
		return reply{"undelivered": append([]Delivery{}, v.Undelivered...), "pending": v.Pending, "accepted": v.Accepted, "event_faults": v.EventFaults}
	})
	mux.HandleFunc("GET /_control/deliveries", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, reply{"deliveries": append([]Delivery{}, s.Deliveries()...)})
	})
	mux.HandleFunc("GET /_control/state", s.controlState)
}

// controlState answers the whole state; with after it waits for a version later than that, at most wait_ms.
func (s *Server) controlState(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseUint(r.FormValue("after"), 10, 64)
	if err == nil {
		wait, _ := strconv.Atoi(r.FormValue("wait_ms")) // absent is no wait
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(wait)*time.Millisecond)
		defer cancel()
		// When nothing changes in time the state as it is answers the question too.
		_ = s.Await(ctx, func(v *Snapshot) bool { return v.Version > after })
	}
	writeJSON(w, http.StatusOK, s.Snapshot())
}
