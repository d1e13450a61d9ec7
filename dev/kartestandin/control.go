package kartestandin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// longPoll bounds how long a caller of the control API waits for a change.
const longPoll = 30 * time.Second

// controlRoutes adds the control API, which doc.go describes.
func (s *Server) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /_control/snapshot", control(s.controlSnapshot))
	mux.HandleFunc("GET /_control/messages", control(func(r *http.Request, _ struct{}) (any, error) {
		return append([]Message{}, s.Messages(r.URL.Query().Get("customer"))...), nil
	}))
	mux.HandleFunc("GET /_control/hooks", control(func(*http.Request, struct{}) (any, error) { return s.Hooks(), nil }))
	mux.HandleFunc("POST /_control/customer-writes", control(s.controlCustomerWrites))
	mux.HandleFunc("POST /_control/operator-writes", control(s.controlOperatorWrites))
	mux.HandleFunc("POST /_control/assign", control(s.controlAssign))
	mux.HandleFunc("POST /_control/deliver", control(s.controlDeliver))
	mux.HandleFunc("GET /_control/knobs", control(func(*http.Request, struct{}) (any, error) { return s.Knobs(), nil }))
	mux.HandleFunc("POST /_control/redeliver", control(func(_ *http.Request, in struct{ ID string }) (any, error) {
		return success{}, s.Redeliver(in.ID)
	}))
	mux.HandleFunc("GET /_control/faults", control(func(*http.Request, struct{}) (any, error) { return s.Faults(), nil }))
	mux.HandleFunc("DELETE /_control/faults", order(func(struct{}) { s.ClearFaults() }))
	mux.HandleFunc("POST /_control/faults", order(s.AddFault))
	mux.HandleFunc("POST /_control/hook-faults", order(s.AddHookFault))
	mux.HandleFunc("PUT /_control/knobs", order(s.SetKnobs))
	mux.HandleFunc("PUT /_control/operators", order(s.SetOperators))
	mux.HandleFunc("PUT /_control/hook-url", order(func(in struct{ URL string }) { s.SetHookURL(in.URL) }))
	mux.HandleFunc("PUT /_control/credentials", order(func(in credentials) {
		s.SetCredentials(in.ClientSecret, in.APIToken)
	}))
}

type credentials struct {
	ClientSecret string `json:"client_secret"`
	APIToken     string `json:"api_token"`
}

// control serves a function from a JSON body, empty for none, to a JSON answer.
func control[In any](do func(*http.Request, In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if r.ContentLength != 0 {
			dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&in); err != nil {
				writeError(w, http.StatusBadRequest, fmt.Sprintf("read body: %v", err))
				return
			}
		}
		out, err := do(r, in)
		switch {
		case errors.Is(err, ErrNoHook):
			writeError(w, http.StatusNotFound, err.Error())
		case err != nil:
			writeError(w, http.StatusBadRequest, err.Error())
		default:
			writeJSON(w, http.StatusOK, out)
		}
	}
}

// order serves a function that cannot fail and has nothing to say.
func order[In any](do func(In)) http.HandlerFunc {
	return control(func(_ *http.Request, in In) (any, error) {
		do(in)
		return success{}, nil
	})
}

func (s *Server) controlSnapshot(r *http.Request, _ struct{}) (any, error) {
	after := r.URL.Query().Get("after")
	if after == "" {
		return s.Snapshot(), nil
	}
	version, err := strconv.ParseUint(after, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read after: %w", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), longPoll)
	defer cancel()
	var last *Snapshot
	_ = s.Await(ctx, func(now *Snapshot) bool { // too late: the state as it was all the time
		last = now
		return now.Version > version
	})
	return last, nil
}

type writing struct {
	Customer Customer `json:"customer"`
	Text     string   `json:"text"`
	Write    Write    `json:"write"`
}

func (s *Server) controlCustomerWrites(r *http.Request, in writing) (any, error) {
	return s.CustomerWrites(r.Context(), in.Customer, in.Text, in.Write)
}

type operatorWriting struct {
	Customer Customer `json:"customer"`
	Operator string   `json:"operator"`
	Text     string   `json:"text"`
	Note     bool     `json:"note"`
	Write    Write    `json:"write"`
}

func (s *Server) controlOperatorWrites(r *http.Request, in operatorWriting) (any, error) {
	if in.Note {
		return s.OperatorNotes(r.Context(), in.Customer, in.Operator, in.Text, in.Write)
	}
	return s.OperatorWrites(r.Context(), in.Customer, in.Operator, in.Text, in.Write)
}

type assignment struct {
	Customer Customer `json:"customer"`
	Operator string   `json:"operator"`
	Write    Write    `json:"write"`
}

func (s *Server) controlAssign(r *http.Request, in assignment) (any, error) {
	return s.Assign(r.Context(), in.Customer, in.Operator, in.Write)
}

type directDelivery struct {
	Body    json.RawMessage `json:"body"`
	Headers http.Header     `json:"headers"`
}

func (s *Server) controlDeliver(r *http.Request, in directDelivery) (any, error) {
	status, err := s.Deliver(r.Context(), in.Body, in.Headers)
	return map[string]int{"status": status}, err
}
