package kartestandin

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Event types of hooks (KARTE's own names).
const (
	typeFromUser     = "talk/message/sendFromUser"
	typeFromOperator = "talk/message/sendFromOperator"
	typeAssign       = "talk/assignee/assign"
)

// isoMillis is how KARTE writes dates: UTC with milliseconds.
const isoMillis = "2006-01-02T15:04:05.000Z"

// Hook is one event and what became of it.
type Hook struct {
	ID       string          `json:"id"` // empty when it was left out
	Type     string          `json:"type"`
	Customer Customer        `json:"customer"`
	Body     json.RawMessage `json:"body"`               // the bytes that are signed and sent
	Attempts int             `json:"attempts"`           // of all deliveries together
	Accepted int             `json:"accepted"`           // how often it was answered 2xx
	Status   int             `json:"status"`             // last HTTP status, 0 when there was no answer
	Error    string          `json:"error"`              // why the last attempt had no answer
	Failures []string        `json:"failures,omitempty"` // why attempts failed, in words
	GaveUp   bool            `json:"gave_up"`            // MaxAttempts was reached
	Dropped  bool            `json:"dropped"`            // by a fault; never sent
	Held     bool            `json:"held"`               // made to be delivered by hand
}

// hookBody has the fields in the order of the reference.
type hookBody struct {
	ID        string `json:"id,omitempty"`
	EventType string `json:"event_type"`
	ClientID  string `json:"client_id"`
	APIKey    string `json:"api_key"`
	Data      any    `json:"data"`
	Extra     any    `json:"extra"`
}

type messageData struct {
	Content     hookContent `json:"content"`
	UserID      string      `json:"user_id"`
	VisitorID   string      `json:"visitor_id"`
	AccountID   *string     `json:"account_id"`
	SenderID    *string     `json:"sender_id"`
	ProfileName *string     `json:"profile_name"`
	Date        string      `json:"date"`
}

type hookContent struct {
	Text  *string         `json:"text"`
	Image json.RawMessage `json:"image"`
}

type assignData struct {
	Operator assignedOperator `json:"operator"`
}

type assignedOperator struct {
	ID   string `json:"id"`
	Name string `json:"profile_name"`
	Bot  bool   `json:"is_bot"`
}

type messageExtra struct {
	AccessURI *accessURI `json:"access_uri,omitempty"`
}

type accessURI struct {
	URL      string            `json:"url"`
	Title    string            `json:"title,omitempty"` // not documented
	Protocol string            `json:"protocol"`
	Host     string            `json:"host"`
	Path     string            `json:"path"`
	Anchor   string            `json:"anchor"`
	Query    string            `json:"query"`
	QueryKey map[string]string `json:"queryKey"`
}

// messageHook makes the hook of a message. For bots account_id is null, as it may be.
func (s *Server) messageHook(c Customer, m Message, w Write) *Hook {
	data := messageData{
		Content: hookContent{Text: &m.Text, Image: w.Image},
		UserID:  c.UserID, VisitorID: c.VisitorID, Date: m.Date.UTC().Format(isoMillis),
	}
	if m.Text == "" && len(w.Image) > 0 {
		data.Content.Text = nil
	}
	kind := typeFromUser
	if m.Sender != "" {
		kind = typeFromOperator
		sender := s.operator(m.Sender)
		data.SenderID, data.ProfileName = &sender.ID, &sender.Name
		if !sender.Bot {
			data.AccountID = &sender.ID
		}
	}
	return s.newHook(kind, c, w, data, messageExtra{AccessURI: page(w.PageURL, w.PageTitle)})
}

// assignHook makes the hook of an assignment; it names the customer in extra and has no date.
func (s *Server) assignHook(c Customer, o Operator, w Write) *Hook {
	data := assignData{Operator: assignedOperator{ID: o.ID, Name: o.Name, Bot: o.Bot}}
	return s.newHook(typeAssign, c, w, data, map[string]string{"user_id": c.id()})
}

func (s *Server) newHook(kind string, c Customer, w Write, data, extra any) *Hook {
	body := hookBody{
		ID: w.ID, EventType: kind, ClientID: s.cfg.ClientID, APIKey: s.cfg.Project, Data: data, Extra: extra,
	}
	switch {
	case w.OmitID:
		body.ID = ""
	case body.ID == "":
		body.ID = newUUID()
	}
	return &Hook{ID: body.ID, Type: kind, Customer: c, Body: encode(body), Held: w.Hold}
}

// encode writes JSON without escaping HTML, as JavaScript does.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("encode a hook: %v", err)) // Image was checked, nothing else can fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func page(address, title string) *accessURI {
	if address == "" {
		return nil
	}
	p := &accessURI{URL: address, Title: title, QueryKey: map[string]string{}}
	u, err := url.Parse(address)
	if err != nil {
		return p
	}
	p.Protocol, p.Host, p.Path, p.Anchor, p.Query = u.Scheme, u.Host, u.Path, u.Fragment, u.RawQuery
	for key := range u.Query() {
		p.QueryKey[key] = u.Query().Get(key)
	}
	return p
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Sign returns the value of X-Karte-Signature for a body sent at a time in Unix seconds: HMAC-SHA256 over the
// timestamp, a colon and the body.
func Sign(secret string, form SignatureForm, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + ":"))
	mac.Write(body)
	if strings.EqualFold(string(form), string(FormBase64)) {
		return base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// Write says how something is written. The zero value is the usual way.
type Write struct {
	ID        string          `json:"id"`         // of the hook; a new UUID when empty
	OmitID    bool            `json:"omit_id"`    // makes a hook without an id
	Date      time.Time       `json:"date"`       // of the message; now when zero
	Image     json.RawMessage `json:"image"`      // content.image as it stands; null when empty
	PageURL   string          `json:"page_url"`   // where it was written; no access_uri when empty
	PageTitle string          `json:"page_title"` // an undocumented member of access_uri
	Hold      bool            `json:"hold"`       // makes the hook but leaves the delivery to Deliver or Redeliver
	Wait      bool            `json:"wait"`       // returns only when the hook was accepted, or dropped, or given up
}
