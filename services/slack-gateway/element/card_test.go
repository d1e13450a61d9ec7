package element_test

import (
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
)

func TestACardsBlockNamesItsProject(t *testing.T) {
	for _, project := range []string{"demo", "demo-project-2", ""} {
		if got := element.CardProject(element.CardBlock(7, project)); got != project {
			t.Errorf("%q is read as %q", project, got)
		}
	}
	if element.CardBlock(7, "demo") == element.CardBlock(8, "demo") {
		t.Error("two states have one block")
	}
	if id := element.CardBlock(7, strings.Repeat("x", 300)); len(id) > 255 || element.CardProject(id) != "" || element.CardProject("b12") != "" {
		t.Errorf("%q", id)
	}
}
