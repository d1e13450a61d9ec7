package kartestandin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Paths of the REST API. Those under /v2beta are rebuilt from the names of generated client methods.
const (
	PathSendFromOperator = "/v2/talk/message/sendFromOperator"
	PathSendFromUser     = "/v2/talk/message/sendFromUser"
	PathMessageGet       = "/v2/talk/message/get"
	PathNoteSend         = "/v2beta/talk/note/send"
	PathAssign           = "/v2/talk/assignee/assign"
	PathAssigneeGet      = "/v2beta/talk/assignee/get"
	PathStatusChange     = "/v2beta/talk/status/change"
	PathOperatorList     = "/v2beta/talk/operator/list"
	PathOperatorGet      = "/v2beta/talk/operator/get"
)

// endpoint is one call of the API. Its handler runs under the lock of the server and returns what to answer.
type endpoint struct {
	scope  string // some of them guessed: not all scope names are documented
	handle func(*Server, *request) (any, error)
}

var endpoints = map[string]endpoint{
	PathSendFromOperator: {"talk.message.sendFromOperator", (*Server).sendFromOperator},
	PathSendFromUser:     {"talk.message.sendFromUser", (*Server).sendFromUser},
	PathMessageGet:       {"talk.message.get", (*Server).messageGet},
	PathNoteSend:         {"talk.note.send", (*Server).noteSend},
	PathAssign:           {"talk.assignee.assign", (*Server).assigneeAssign},
	PathAssigneeGet:      {"talk.assignee.get", (*Server).assigneeGet},
	PathStatusChange:     {"talk.status.change", (*Server).statusChange},
	PathOperatorList:     {"talk.operator.list", (*Server).operatorList},
	PathOperatorGet:      {"talk.operator.get", (*Server).operatorGet},
}

// statusError is an answer that is not 200, in KARTE's form {"error": message}.
type statusError struct {
	status  int
	message string
}

func (e *statusError) Error() string { return e.message }

func badRequest(format string, args ...any) error {
	return &statusError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// maxBody is far above anything a bridge sends.
const maxBody = 4 << 20

// ServeHTTP serves the REST API, and the control API under /_control/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	for path, e := range endpoints {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.serveAPI(w, r, path, e) })
	}
	s.controlRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "not found")
	})
	return mux
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, path string, e endpoint) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeError(w, http.StatusRequestEntityTooLarge, "request entity too large")
		return
	}
	q, parseErr := parseRequest(r, body)
	s.mu.Lock()
	s.calls[path]++
	fault := s.takeFault(path, q.customer())
	s.touch()
	s.mu.Unlock()
	if s.failBefore(w, r, fault) {
		return
	}
	answer, err := s.call(r, e, q, parseErr)
	s.cfg.Logger.Debug("karte api call", "path", path, "err", err)
	if s.failAfter(w, r, fault) {
		return
	}
	var failed *statusError
	switch {
	case errors.As(err, &failed) && failed.status == http.StatusLengthRequired:
		writeLengthRequired(w)
	case errors.As(err, &failed):
		writeError(w, failed.status, failed.message)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// call checks in the order of the way in: the front end, the token, the scope, the body.
func (s *Server) call(r *http.Request, e endpoint, q *request, parseErr error) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed *statusError
	switch {
	case r.Method != http.MethodPost:
		return nil, &statusError{http.StatusMethodNotAllowed, "method not allowed"}
	case errors.As(parseErr, &failed) && failed.status == http.StatusLengthRequired:
		return nil, parseErr
	case r.Header.Get("Authorization") != "Bearer "+s.cfg.APIToken:
		return nil, &statusError{http.StatusUnauthorized, "invalid access token"}
	case slices.Contains(s.cfg.Knobs.DeniedScopes, e.scope):
		return nil, &statusError{http.StatusForbidden, "the app lacks the scope " + e.scope}
	case parseErr != nil:
		return nil, parseErr
	}
	answer, err := e.handle(s, q)
	s.touch()
	return answer, err
}

// request is the body of a call.
type request struct{ fields map[string]any }

// parseRequest returns a request without fields beside any error.
func parseRequest(r *http.Request, body []byte) (*request, error) {
	q := &request{}
	if len(body) == 0 {
		return q, &statusError{http.StatusLengthRequired, "length required"}
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" || !json.Valid(body) {
		at, _ := utf8.DecodeRune(body)
		return q, badRequest("Unexpected token %c in JSON at position 0", at)
	}
	if json.Unmarshal(body, &q.fields) != nil || q.fields == nil {
		return q, badRequest("should be object. path: ")
	}
	return q, nil
}

func (q *request) customer() string {
	id, _ := q.fields["user_id"].(string)
	return id
}

// text returns a required string that is not empty, at a path of member names.
func (q *request) text(path ...string) (string, error) {
	var value any = q.fields
	where := ""
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return "", badRequest("should be object. path: %s", where)
		}
		where = strings.TrimPrefix(where+"."+name, ".")
		if value, ok = object[name]; !ok {
			return "", badRequest("should have required property '%s'. path: %s", name, where)
		}
	}
	s, ok := value.(string)
	if !ok {
		return "", badRequest("should be string. path: %s", where)
	}
	if s == "" {
		return "", badRequest("should NOT be shorter than 1 characters. path: %s", where)
	}
	return s, nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // else the caller has gone
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}

// writeLengthRequired answers as KARTE's front end does a POST without a body: in HTML.
func writeLengthRequired(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusLengthRequired)
	_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Error 411 (Length Required)!!1</title></html>\n")
}
