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
	h := newEdge(&stream{})
	bodytest.Unending(t, h, "/hooks/karte", 16)
	large := httptest.NewRequest(http.MethodPost, "/hooks/karte", strings.NewReader(strings.Repeat("x", bodytest.Large)))
	if got := take(h, large); got != "503 busy" {
		t.Errorf("one more large body: %s", got)
	}
	if got := take(h, signed(current, now, said)); got[:3] != "200" {
		t.Errorf("a small one: %s", got)
	}
}
