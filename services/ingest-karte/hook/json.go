package hook

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// object holds chosen members of a JSON object, each exactly as it stood in the body. A nil object has no members.
type object map[string]json.RawMessage

// members picks the named members of raw, or returns nil when raw is not an object. raw must be valid JSON.
//
// Names are compared exactly, unlike in struct decoding; of repeated names the last counts, as in JavaScript. Other
// members are passed over without being kept, so that a body of a hundred thousand unknown keys costs nothing. Values
// are parts of raw: a decoder's tokens were a third of what a hook cost.
func members(raw json.RawMessage, names ...string) object {
	if kindOf(raw) != '{' {
		return nil
	}
	found := make(object, len(names))
	for at := next(raw, bytes.IndexByte(raw, '{')+1); at < len(raw) && raw[at] == '"'; {
		end := valueEnd(raw, at)
		name, wanted := wantedName(raw[at:end], names)
		begin := next(raw, next(raw, end)+1) // behind the colon
		end = valueEnd(raw, begin)
		if wanted {
			found[name] = raw[begin:end:end]
		}
		at = next(raw, end)
		if at < len(raw) && raw[at] == ',' {
			at = next(raw, at+1)
		}
	}
	return found
}

// wantedName compares a name as it is written, in quotes.
func wantedName(written []byte, names []string) (string, bool) {
	if bytes.IndexByte(written, '\\') >= 0 {
		written = []byte(`"` + stringOf(written) + `"`)
	}
	for _, name := range names {
		if len(written) == len(name)+2 && string(written[1:len(written)-1]) == name {
			return name, true
		}
	}
	return "", false
}

// next answers where the first character that is no space stands, from at on.
func next(raw []byte, at int) int {
	for at < len(raw) && (raw[at] == ' ' || raw[at] == '\t' || raw[at] == '\r' || raw[at] == '\n') {
		at++
	}
	return min(at, len(raw))
}

// valueEnd answers where the value that begins at ends.
func valueEnd(raw []byte, at int) int {
	depth := 0
	for at < len(raw) {
		switch raw[at] {
		case '"':
			at = stringEnd(raw, at)
		case '{', '[':
			depth++
			at++
		case '}', ']':
			depth--
			at++
		case ',', ':', ' ', '\t', '\r', '\n':
			at++
			continue // nothing ends with it: depth is above 0 here
		default:
			at = wordEnd(raw, at)
		}
		if depth == 0 {
			return at
		}
	}
	return len(raw)
}

func stringEnd(raw []byte, at int) int {
	for at++; at < len(raw); at++ {
		switch raw[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(raw)
}

// wordEnd answers where a number or one of true, false and null ends.
func wordEnd(raw []byte, at int) int {
	if n := bytes.IndexAny(raw[at:], ",:]} \t\r\n"); n >= 0 {
		return at + n
	}
	return len(raw)
}

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
	if at := next(raw, 0); at < len(raw) && raw[at] == '"' && plainString(raw[at:stringEnd(raw, at)]) {
		return string(raw[at+1 : stringEnd(raw, at)-1])
	}
	var s string
	if kindOf(raw) != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// plainString reports whether a JSON string, in its quotes, is what it says: nothing is escaped, and all of it is UTF-8.
func plainString(raw []byte) bool {
	return len(raw) > 1 && raw[len(raw)-1] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw)
}

// idOf returns a JSON string, or the digits of a number as they were written, or "" for anything else.
func idOf(raw json.RawMessage) string {
	if kind := kindOf(raw); kind == '-' || '0' <= kind && kind <= '9' {
		return string(bytes.TrimSpace(raw))
	}
	return stringOf(raw)
}
