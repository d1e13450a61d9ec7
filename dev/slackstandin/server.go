package slackstandin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// apiError is the error name of an answer with ok:false.
type apiError string

func (e apiError) Error() string { return string(e) }

// detailedError is an apiError with more fields in the answer.
type detailedError struct {
	apiError
	fields reply
}

// reply is what a method answers besides ok.
type reply map[string]any

// args are the arguments of a call; values that are not strings are kept as their JSON.
type args map[string]string

func (a args) yes(name string) bool { return a[name] == "true" || a[name] == "1" }

// method is one Web API method; it runs under the lock of the server.
type method func(*Server, args) (reply, error)

var methods = map[string]method{
	"auth.test":             (*Server).authTest,
	"bots.info":             (*Server).botsInfo,
	"chat.delete":           (*Server).chatDelete,
	"chat.getPermalink":     (*Server).chatGetPermalink,
	"chat.postEphemeral":    (*Server).chatPostEphemeral,
	"chat.postMessage":      (*Server).chatPostMessage,
	"chat.update":           (*Server).chatUpdate,
	"conversations.history": (*Server).conversationsHistory,
	"conversations.info":    (*Server).conversationsInfo,
	"conversations.join":    (*Server).conversationsJoin,
	"conversations.list":    (*Server).conversationsList,
	"conversations.members": (*Server).conversationsMembers,
	"conversations.open":    (*Server).conversationsOpen,
	"conversations.replies": (*Server).conversationsReplies,
	"emoji.list":            (*Server).emojiList,
	"reactions.add":         (*Server).reactionsAdd,
	"reactions.remove":      (*Server).reactionsRemove,
	"team.info":             (*Server).teamInfo,
	"usergroups.list":       (*Server).usergroupsList,
	"users.info":            (*Server).usersInfo,
	"users.list":            (*Server).usersList,
	"users.lookupByEmail":   (*Server).usersLookupByEmail,
	"views.open":            (*Server).viewsOpen,
	"views.publish":         (*Server).viewsPublish,
	"views.push":            (*Server).viewsPush,
	"views.update":          (*Server).viewsUpdate,
}

// ServeHTTP serves the Web API under /api/, response_url under /response/ and the control API under /_control/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("POST /response/{id}", s.serveResponse)
	s.controlRoutes(mux)
	return mux
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	s.headers(w.Header())
	a, err := readArgs(r)
	s.mu.Lock()
	s.calls[name]++
	if s.urls.Self == "" {
		s.urls.Self = "http://" + r.Host
	}
	fault := s.takeFault(name, a["channel"])
	s.touch()
	s.mu.Unlock()
	if err != nil {
		writeReply(w, nil, apiError("invalid_form_data"))
		return
	}
	if s.failBefore(w, r, fault) {
		return
	}
	if wait, limited := s.limit(name, a); limited {
		writeRateLimited(w, wait, false)
		return
	}
	answer, err := s.call(name, a, token(r, a))
	s.cfg.Log.Debug("web api call", "method", name, "channel", a["channel"], "err", err)
	if s.failAfter(w, r, fault) {
		return
	}
	writeReply(w, answer, err)
}

func (s *Server) call(name string, a args, token string) (reply, error) {
	run := methods[name]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case run == nil:
		return nil, apiError("unknown_method")
	case token == "":
		return nil, apiError("not_authed")
	case token != s.cfg.BotToken:
		return nil, apiError("invalid_auth")
	}
	if err := s.missingScope(name, a); err != nil {
		return nil, err
	}
	defer s.touch()
	return run(s, a)
}

// readArgs takes the arguments from the query, a form or a JSON object.
func readArgs(r *http.Request) (args, error) {
	a := args{}
	for name, values := range r.URL.Query() {
		a[name] = values[0]
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		return a, readJSONArgs(r.Body, a)
	case "multipart/form-data":
		if err := r.ParseMultipartForm(8 << 20); err != nil {
			return a, fmt.Errorf("read form: %w", err)
		}
	default:
		if err := r.ParseForm(); err != nil {
			return a, fmt.Errorf("read form: %w", err)
		}
	}
	for name, values := range r.PostForm {
		a[name] = values[0]
	}
	return a, nil
}

func readJSONArgs(body io.Reader, a args) error {
	raw := map[string]json.RawMessage{}
	if err := json.NewDecoder(body).Decode(&raw); err != nil && err != io.EOF {
		return fmt.Errorf("read json arguments: %w", err)
	}
	for name, value := range raw {
		var text string
		switch {
		case json.Unmarshal(value, &text) == nil && !bytes.Equal(value, []byte("null")):
			a[name] = text
		case !bytes.Equal(value, []byte("null")):
			a[name] = string(value)
		}
	}
	delete(a, "token") // with JSON the token comes in the header
	return nil
}

func token(r *http.Request, a args) string {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return bearer
	}
	return a["token"]
}

// writeReply answers as Slack does: status 200, and what happened in the body.
func writeReply(w http.ResponseWriter, answer reply, err error) {
	out := reply{"ok": err == nil}
	maps.Copy(out, answer)
	var detailed detailedError
	if errors.As(err, &detailed) {
		maps.Copy(out, detailed.fields)
	}
	if err != nil {
		out["error"] = err.Error()
	}
	writeJSON(w, http.StatusOK, out)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := encode(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away needs no answer
}

// encode writes JSON as Slack does, without escapes for <, > and &.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode json: %w", err)
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

// window counts the calls of a method in one minute.
type window struct {
	minute int64
	calls  int
}

// limit tells whether a call exceeds its rate, and after how long the next one may come (sheet 3.1).
func (s *Server) limit(name string, a args) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock()
	if most, ok := s.cfg.PerMinute[name]; ok {
		w := s.windows[name]
		if w.minute != now.Unix()/60 {
			w = window{minute: now.Unix() / 60}
		}
		w.calls++
		s.windows[name] = w
		if w.calls > most {
			return time.Duration(60-now.Unix()%60) * time.Second, true
		}
	}
	if name != "chat.postMessage" || s.cfg.PostsPerSecond <= 0 {
		return 0, false
	}
	limiter := s.limiters[a["channel"]]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(s.cfg.PostsPerSecond), s.cfg.Burst)
		s.limiters[a["channel"]] = limiter
	}
	if limiter.AllowN(now, 1) {
		return 0, false
	}
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(missing / s.cfg.PostsPerSecond * float64(time.Second)), true
}

func writeRateLimited(w http.ResponseWriter, wait time.Duration, omit bool) {
	if !omit {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	}
	writeJSON(w, http.StatusTooManyRequests, reply{"ok": false, "error": "ratelimited"})
}
