package hook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

// Event types that have a fact (KARTE's own names).
const (
	TypeSendFromUser     = "talk/message/sendFromUser"
	TypeSendFromOperator = "talk/message/sendFromOperator"
	TypeAssign           = "talk/assignee/assign"
)

// maxID is the longest hook id, in bytes, that is kept as it is; KARTE's are UUIDs.
const maxID = 64

// What Translate may find besides ErrMalformed.
var (
	// ErrUnknownType is wrapped by every *UnknownTypeError.
	ErrUnknownType = errors.New("hook type is not handled")
	// ErrNoCustomer is returned for a hook of a known type that names no end user, so that nothing can be done with
	// it; repeating it would not help.
	ErrNoCustomer = errors.New("hook names no customer")
)

// UnknownTypeError tells that a well-formed hook is of a type without a fact. Such hooks are to be acknowledged and
// counted, never refused: KARTE's list of triggers grows.
type UnknownTypeError struct {
	// Type is what the hook said, in any length.
	Type string
}

// Error shows the first 80 bytes of the type.
func (e *UnknownTypeError) Error() string { return fmt.Sprintf("%v: %.80q", ErrUnknownType, e.Type) }

// Unwrap makes errors.Is find ErrUnknownType.
func (e *UnknownTypeError) Unwrap() error { return ErrUnknownType }

// Translate returns the fact that the body of a hook tells.
//
// The fact's id is the hook's own, so that repeats have the same; a hook without one gets the hash of its body, an
// assignment without one that of its body and its minute, and an id that is long or has unusual characters is replaced by its own hash. project is used when the body has no api_key.
// A hook without a readable date happened when it was received.
//
// Unknown members are ignored, absent and null ones read as empty, and ids may be numbers. Text is taken as it is; only
// bytes that are not UTF-8 become U+FFFD, because JSON and protobuf both demand UTF-8. Of an operator message it is not
// known whether the customer saw it: KARTE may send notes under the same type.
//
// Errors: ErrMalformed when the body is not a JSON object or contradicts the documented shape, ErrNoCustomer, and
// *UnknownTypeError.
func Translate(body []byte, project string, received time.Time) (*eventv1.TalkFact, error) {
	if !json.Valid(body) {
		return nil, fmt.Errorf("%w: body is not JSON", ErrMalformed)
	}
	hook := members(body, "id", "event_type", "api_key", "data", "extra")
	if hook == nil {
		return nil, fmt.Errorf("%w: body is not an object", ErrMalformed)
	}
	kind := stringOf(hook["event_type"])
	if kind == "" {
		return nil, fmt.Errorf("%w: no event_type", ErrMalformed)
	}
	fact := &eventv1.TalkFact{
		Id:         factID(stringOf(hook["id"]), body),
		Project:    firstOf(idOf(hook["api_key"]), project),
		ReceivedAt: timestamppb.New(received),
	}
	if err := fill(fact, kind, hook); err != nil {
		return nil, err
	}
	if kind == TypeAssign && stringOf(hook["id"]) == "" {
		fact.Id = stateID(body, received)
	}
	return fact, nil
}

// fill adds what depends on the type of the hook.
func fill(fact *eventv1.TalkFact, kind string, hook object) error {
	if kind != TypeSendFromUser && kind != TypeSendFromOperator && kind != TypeAssign {
		return &UnknownTypeError{Type: kind}
	}
	data := members(hook["data"],
		"user_id", "visitor_id", "account_id", "sender_id", "profile_name", "profile_image_url", "profile_image", "icon_url", "content", "date", "operator")
	if data == nil && !missing(hook["data"]) {
		return fmt.Errorf("%w: data of %s is not an object", ErrMalformed, kind)
	}
	extra := members(hook["extra"], "user_id", "visitor_id", "access_uri")

	fact.OccurredAt = fact.GetReceivedAt()
	if at, ok := parseDate(data["date"]); ok {
		fact.OccurredAt = timestamppb.New(at)
	}
	who := data
	if kind == TypeAssign {
		who = extra
	}
	if fact.Customer = customer(who); fact.Customer == nil {
		return fmt.Errorf("%w: %s", ErrNoCustomer, kind)
	}
	switch kind {
	case TypeSendFromUser:
		fact.Fact = &eventv1.TalkFact_CustomerMessage{CustomerMessage: customerMessage(data, extra)}
	case TypeSendFromOperator:
		fact.Fact = &eventv1.TalkFact_OperatorMessage{OperatorMessage: operatorMessage(data)}
	case TypeAssign:
		assignee, err := assigned(data)
		if err != nil {
			return err
		}
		fact.Fact = &eventv1.TalkFact_Assigned{Assigned: assignee}
	}
	return nil
}

// sameState is within which time the same assignment, told without an id, is taken for a repeat.
const sameState = time.Minute

// stateID makes the id of an assignment that has none. Its body holds no date either, so that somebody who gets a conversation back is told of in the very same words:
// the hash of those alone would make a repeat of it, for as long as repeats are remembered. Told twice, an assignment does no harm.
func stateID(body []byte, received time.Time) string {
	return hashID(received.UTC().Truncate(sameState).AppendFormat(bytes.Clone(body), time.RFC3339))
}

// factID keeps a plain hook id and hashes everything else, because ids become message ids and keys.
func factID(id string, body []byte) string {
	switch {
	case id == "":
		return hashID(body)
	case len(id) > maxID || !plainID(id):
		return hashID([]byte(id))
	}
	return id
}

func hashID(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256-" + hex.EncodeToString(sum[:])
}

// plainID allows what any key, subject or header can hold.
func plainID(id string) bool {
	for _, r := range id {
		if r != '-' && r != '_' && !alphanumeric(string(r)) {
			return false
		}
	}
	return true
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
