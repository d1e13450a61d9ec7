package playground

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"
)

const (
	mostRecords = 200
	mostShown   = 400 // characters of one record
)

// records is what Redis holds.
type records struct {
	Total   int64    `json:"total"`
	Records []record `json:"records"`
	Problem string   `json:"problem,omitempty"`
}

type record struct {
	Key   string `json:"key"`
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

func (p *Server) records(ctx context.Context) records {
	all := records{Records: []record{}}
	var err error
	if all.Total, err = p.redis.DBSize(ctx).Result(); err != nil {
		all.Problem = err.Error()
		return all
	}
	keys, _, err := p.redis.Scan(ctx, 0, "*", mostRecords).Result()
	if err != nil {
		all.Problem = err.Error()
		return all
	}
	slices.Sort(keys)
	for _, key := range keys[:min(len(keys), mostRecords)] {
		all.Records = append(all.Records, p.record(ctx, key))
	}
	return all
}

func (p *Server) record(ctx context.Context, key string) record {
	r := record{Key: key}
	r.Kind, _ = p.redis.Type(ctx, key).Result() // gone again: no kind
	var value any
	switch r.Kind {
	case "string":
		value, _ = p.redis.Get(ctx, key).Result()
	case "hash":
		value, _ = p.redis.HGetAll(ctx, key).Result()
	case "set":
		value, _ = p.redis.SMembers(ctx, key).Result()
	case "zset":
		value, _ = p.redis.ZRange(ctx, key, 0, 19).Result()
	case "list":
		value, _ = p.redis.LRange(ctx, key, 0, 19).Result()
	}
	r.Value = readable(value)
	return r
}

// readable is the beginning of a value; protobuf is only counted.
func readable(value any) string {
	text, ok := value.(string)
	if !ok {
		raw, _ := json.Marshal(value) // maps and lists of strings always encode
		text = string(raw)
	}
	if !utf8.ValidString(text) {
		return fmt.Sprintf("%d bytes", len(text))
	}
	if runes := []rune(text); len(runes) > mostShown {
		return string(runes[:mostShown]) + "…"
	}
	return text
}

func (p *Server) serveFlush(w http.ResponseWriter, r *http.Request) {
	if err := p.redis.FlushAll(r.Context()).Err(); err != nil {
		writeError(w, http.StatusServiceUnavailable, fmt.Errorf("flush Redis: %w", err))
		return
	}
	writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
}
