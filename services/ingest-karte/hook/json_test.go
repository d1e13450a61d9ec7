package hook

import (
	"bytes"
	"encoding/json"
	"testing"
)

// decoded is members by the library's decoder.
func decoded(raw json.RawMessage, names ...string) object {
	var all map[string]json.RawMessage
	if kindOf(raw) != '{' || json.Unmarshal(raw, &all) != nil {
		return nil
	}
	found := object{}
	for _, name := range names {
		if value, ok := all[name]; ok {
			found[name] = value
		}
	}
	return found
}

func sameMembers(t *testing.T, raw []byte) {
	t.Helper()
	names := []string{"id", "data", "a\"b", "ü", "", "null"}
	got, want := members(raw, names...), decoded(raw, names...)
	if (got == nil) != (want == nil) || len(got) != len(want) {
		t.Fatalf("%s has %d members, want %d", raw, len(got), len(want))
	}
	for name, value := range want {
		if !bytes.Equal(bytes.TrimSpace(got[name]), bytes.TrimSpace(value)) {
			t.Errorf("%q of %s is %s, want %s", name, raw, got[name], value)
		}
	}
}

func TestMembersAreThoseOfTheDecoder(t *testing.T) {
	for _, raw := range []string{
		`{}`, ` { } `, `{"id":1}`, `{"id":"a","id":"b"}`, `{"\u0069d":true}`, `{"Id":1,"ID":2}`, `{"a\"b":"}","data":{"id":"inner","x":["]",{"id":2}]},"id":null}`,
		"\t{\r\n \"x\" : [1, 2 ,\"\\\\\"] ,\n\"id\" : -1.5e3 \n}\n", `{"ü":"ü","":0,"null":false}`, `{"data":[[],{},""],"id":[]}`, `[]`, `"{"`, `1`, `null`, ``,
		`{"id":"\\"}`, `{"id":"\\\"","data":1}`,
	} {
		sameMembers(t, []byte(raw))
	}
}

func FuzzMembers(f *testing.F) {
	f.Add([]byte(benchHook))
	f.Add([]byte(`{"\u0069d":{"a":[1,"\""]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		members(raw, "id") // of what is not valid nothing is expected, except that it ends
		if json.Valid(raw) {
			sameMembers(t, raw)
		}
	})
}
