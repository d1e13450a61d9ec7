package inbound

import "encoding/json"

// A failer is a test of the standard library or of rapid.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// decoded takes a value through JSON the way it comes in.
func decoded(t failer, value any) object {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	o, err := decodeObject(raw)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
