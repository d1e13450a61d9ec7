package edge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/internal/bodytest"
)

// Whoever sends large bodies without a signature, and never ends them, fills the memory with no more of them, and keeps nothing else from being taken.
func TestBodiesThatNeverEndKeepNothingSmallAway(t *testing.T) {
	_, h := newEdge()
	bodytest.Unending(t, h, events, 16)
	large := httptest.NewRequest(http.MethodPost, events, strings.NewReader(strings.Repeat("x", bodytest.Large)))
	if got := take(h, large); got != `503 {"error":"busy"}` {
		t.Errorf("one more large body: %s", got)
	}
	if got := take(h, signed(current, now, events, enveloped(reply))); got[:3] != "200" {
		t.Errorf("a small one: %s", got)
	}
}
