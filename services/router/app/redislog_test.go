package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
)

func TestWhatTheRedisLibrarySaysIsLogged(t *testing.T) {
	var out bytes.Buffer
	redisLog{slog.New(slog.NewJSONHandler(&out, nil))}.Printf(t.Context(), "connection %d lost: %q", 7, "x")
	var line struct{ Level, Msg, Said string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Level != "WARN" || line.Msg != "redis" || line.Said != `connection 7 lost: "x"` {
		t.Fatalf("%s: %v", out.String(), err)
	}
}
