package kartestandin

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// success is what sends answer; KARTE's own answer is not documented beyond its status.
type success struct{}

// listed is one entry of message/get. account_id is null exactly when the customer wrote it.
type listed struct {
	Date        string      `json:"date"`
	AccountID   *string     `json:"account_id"`
	SenderID    *string     `json:"sender_id"`
	ProfileName *string     `json:"profile_name"`
	UserID      string      `json:"user_id"`
	VisitorID   string      `json:"visitor_id"`
	Content     listContent `json:"content"`
}

type listContent struct {
	Text string `json:"text"`
}

func (s *Server) sendFromOperator(q *request) (any, error) {
	user, err := q.text("user_id")
	if err != nil {
		return nil, err
	}
	text, err := s.content(q)
	if err != nil {
		return nil, err
	}
	sender, err := s.sender(q, "sender_id")
	if err != nil {
		return nil, err
	}
	s.storeAPI(user, Message{Kind: KindMessage, Sender: sender, Text: text}, s.cfg.Knobs.EchoAPI)
	return success{}, nil
}

func (s *Server) sendFromUser(q *request) (any, error) {
	user, err := q.text("user_id")
	if err != nil {
		return nil, err
	}
	text, err := s.content(q)
	if err != nil {
		return nil, err
	}
	s.storeAPI(user, Message{Kind: KindMessage, Text: text}, s.cfg.Knobs.EchoAPI)
	return success{}, nil
}

func (s *Server) noteSend(q *request) (any, error) {
	user, err := q.text("user_id")
	if err != nil {
		return nil, err
	}
	text, err := s.content(q)
	if err != nil {
		return nil, err
	}
	sender, err := s.sender(q, "sender", "id")
	if err != nil {
		return nil, err
	}
	s.storeAPI(user, Message{Kind: KindNote, Sender: sender, Text: text}, s.cfg.Knobs.EchoAPI && s.cfg.Knobs.HookNotes)
	return success{}, nil
}

func (s *Server) storeAPI(user string, m Message, hooked bool) {
	m.Date, m.API = s.cfg.Clock(), true
	if s.cfg.Knobs.TrimTexts {
		m.Text = strings.TrimSpace(m.Text)
	}
	conv := s.byAnyID(user)
	s.store(conv, conv.Customer, m, Write{}, hooked)
}

func (s *Server) content(q *request) (string, error) {
	text, err := q.text("content", "text")
	if err != nil {
		return "", err
	}
	if limit := s.cfg.Knobs.MaxText; limit > 0 && utf8.RuneCountInString(text) > limit {
		return "", badRequest("should NOT be longer than %d characters. path: content.text", limit)
	}
	return text, nil
}

func (s *Server) sender(q *request, path ...string) (string, error) {
	id, err := q.text(path...)
	if err != nil {
		return "", err
	}
	if !s.knownOperator(id) {
		return "", badRequest("operator not found: %s", id)
	}
	return id, nil
}

func (s *Server) messageGet(q *request) (any, error) {
	user, err := q.text("user_id")
	if err != nil {
		return nil, err
	}
	limit, err := s.limit(q)
	if err != nil {
		return nil, err
	}
	list := []listed{}
	if conv := s.byID[user]; conv != nil {
		for _, m := range slices.Backward(conv.Messages) {
			if len(list) < limit && s.lists(m) {
				list = append(list, s.entry(conv, m))
			}
		}
	}
	if s.cfg.Knobs.OldestFirst {
		slices.Reverse(list)
	}
	return map[string]any{"messages": list}, nil
}

// limit reads options.limit; without one everything is listed.
func (s *Server) limit(q *request) (int, error) {
	options, _ := q.fields["options"].(map[string]any)
	value, given := options["limit"]
	if !given {
		return math.MaxInt, nil
	}
	n, ok := value.(float64)
	if !ok || n < 1 || n != math.Trunc(n) || n > math.MaxInt32 {
		return 0, badRequest("should be integer >= 1. path: options.limit")
	}
	if highest := s.cfg.Knobs.MaxLimit; highest > 0 && int(n) > highest {
		return 0, badRequest("should be <= %d. path: options.limit", highest)
	}
	return int(n), nil
}

func (s *Server) lists(m Message) bool {
	return (m.Kind != KindNote || s.cfg.Knobs.ListNotes) && (!m.API || !s.cfg.Knobs.HideAPIMessages)
}

func (s *Server) entry(conv *conversation, m Message) listed {
	e := listed{
		Date: m.Date.UTC().Format(isoMillis), Content: listContent{Text: m.Text},
		UserID: conv.Customer.UserID, VisitorID: conv.Customer.VisitorID,
	}
	if m.Sender != "" {
		o := s.operator(m.Sender)
		e.AccountID, e.SenderID, e.ProfileName = &o.ID, &o.ID, &o.Name
		if s.cfg.Knobs.BareHistory {
			e.SenderID, e.ProfileName = nil, nil
			if o.Bot { // as in hooks
				e.AccountID = nil
			}
		}
	}
	return e
}

// assigneeAssign takes null, or an empty id, for nobody.
func (s *Server) assigneeAssign(q *request) (any, error) {
	user, err := q.text("user_id")
	if err != nil {
		return nil, err
	}
	value, given := q.fields["assignee"]
	if !given {
		return nil, badRequest("should have required property 'assignee'. path: assignee")
	}
	id := ""
	assignee, _ := value.(map[string]any)
	if nobody := value == nil || assignee["id"] == ""; !nobody {
		if id, err = s.sender(q, "assignee", "id"); err != nil {
			return nil, err
		}
	}
	conv := s.byAnyID(user)
	s.assign(conv, conv.Customer, id, Write{}, s.cfg.Knobs.EchoAssign)
	return success{}, nil
}

func (s *Server) assigneeGet(q *request) (any, error) {
	user, err := q.text("user_id")
	if err != nil {
		return nil, err
	}
	if conv := s.byID[user]; conv != nil && conv.Assignee != nil {
		return map[string]any{"assignee": conv.Assignee}, nil
	}
	return map[string]any{"assignee": nil}, nil
}

func (s *Server) statusChange(q *request) (any, error) {
	user, err := q.text("user_id")
	if err != nil {
		return nil, err
	}
	status, err := q.text("chat_status")
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]Status{StatusOpen, StatusWaiting, StatusClosed}, Status(status)) {
		return nil, badRequest("should be equal to one of the allowed values. path: chat_status")
	}
	s.byAnyID(user).Status = Status(status)
	return success{}, nil
}

func (s *Server) operatorList(*request) (any, error) {
	return map[string]any{"operators": append([]Operator{}, s.cfg.Operators...)}, nil
}

func (s *Server) operatorGet(q *request) (any, error) {
	id, err := q.text("operator_id")
	if err != nil {
		return nil, err
	}
	for _, o := range s.cfg.Operators {
		if o.ID == id {
			return map[string]any{"operator": o}, nil
		}
	}
	return nil, badRequest("operator not found: %s", id)
}
