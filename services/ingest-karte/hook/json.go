package hook

import (
	"bytes"
	"encoding/json"
)

// object holds chosen members of a JSON object, each exactly as it stood in the body. A nil object has no members.
type object map[string]json.RawMessage

// members picks the named members of raw, or returns nil when raw is not an object. raw must be valid JSON.
//
// Names are compared exactly, unlike in struct decoding; of repeated names the last counts, as in JavaScript. Other
// members are passed over without being kept, so that a body of a hundred thousand unknown keys costs nothing.
func members(raw json.RawMessage, names ...string) object {
	if kindOf(raw) != '{' {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil
	}
	found := make(object, len(names))
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil
		}
		name, wanted := wantedName(key, names)
		if !wanted {
			if dec.Decode(new(skipped)) != nil {
				return nil
			}
			continue
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil
		}
		found[name] = value
	}
	return found
}

func wantedName(key json.Token, names []string) (string, bool) {
	for _, name := range names {
		if key == name {
			return name, true
		}
	}
	return "", false
}

// skipped takes any JSON value and keeps nothing of it.
type skipped struct{}

// UnmarshalJSON does nothing.
func (*skipped) UnmarshalJSON([]byte) error { return nil }

// kindOf returns the first character of a JSON value, which tells its type, or 0 for an absent one.
func kindOf(raw json.RawMessage) byte {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

// missing tells whether a member was absent or null.
func missing(raw json.RawMessage) bool {
	kind := kindOf(raw)
	return kind == 0 || kind == 'n'
}

// stringOf returns a JSON string, or "" for anything else.
func stringOf(raw json.RawMessage) string {
	var s string
	if kindOf(raw) != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// idOf returns a JSON string, or the digits of a number as they were written, or "" for anything else.
func idOf(raw json.RawMessage) string {
	if kind := kindOf(raw); kind == '-' || '0' <= kind && kind <= '9' {
		return string(bytes.TrimSpace(raw))
	}
	return stringOf(raw)
}
