package inbound

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrMalformed: the body is not what its kind of request has to be. The same bytes would fail again.
var ErrMalformed = errors.New("malformed slack payload")

// object is a decoded JSON object. Slack adds fields and changes the type of fields at any time, so a payload is read by
// asking for the few parts needed; a part of another type reads as absent, and [object.odd] tells where that matters.
type object map[string]any

// decodeObject reads exactly one JSON object. Invalid UTF-8 comes out as U+FFFD, so every string is valid afterwards.
func decodeObject(body []byte) (object, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // event_time must not pass through a float
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("decode: %w: %w", ErrMalformed, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("decode: %w: more after the object", ErrMalformed)
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("decode: %w: not an object", ErrMalformed)
	}
	return fields, nil
}

func (o object) str(key string) string {
	s, _ := o[key].(string)
	return s
}

// firstStr is the first of the keys that holds a non-empty string.
func (o object) firstStr(keys ...string) string {
	for _, key := range keys {
		if s := o.str(key); s != "" {
			return s
		}
	}
	return ""
}

// obj is nil, which can be asked like an empty object, when there is none.
func (o object) obj(key string) object {
	fields, _ := o[key].(map[string]any)
	return fields
}

func (o object) list(key string) []any {
	values, _ := o[key].([]any)
	return values
}

// integer is 0 for anything that is not a whole number in the range of int64.
func (o object) integer(key string) int64 {
	number, _ := o[key].(json.Number)
	n, err := number.Int64()
	if err != nil {
		return 0
	}
	return n
}

// odd tells whether one of the keys is there with another type than string: what it says is then unknown, which is not
// the same as absent.
func (o object) odd(keys ...string) bool {
	for _, key := range keys {
		value := o[key]
		if _, ok := value.(string); value != nil && !ok {
			return true
		}
	}
	return false
}

// asObject is nil when the value is not an object.
func asObject(value any) object {
	fields, _ := value.(map[string]any)
	return fields
}
