package render_test

import (
	"strings"
	"testing"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// Slack is asked to fetch what is on the internet under a name, and of the hosts that are allowed; of everything else it is said where it is.
func TestWhichImagesAreShown(t *testing.T) {
	only := render.Images{Hosts: []string{"img.example.com", "*.cdn.example.com"}}
	for _, c := range []struct {
		address string
		images  render.Images
		shown   bool
	}{
		{"https://img.example.com/a.png", render.Images{}, true},
		{"http://img.example.com/a.png", render.Images{}, true},
		{"https://img.example.com/a.png", render.Images{Off: true}, false},
		{"https://IMG.example.com/a.png", only, true},
		{"https://x.cdn.example.com/a.png", only, true},
		{"https://cdn.example.com/a.png", only, false},
		{"https://cdn.example.com.evil.example/a.png", only, false},
		{"https://evilcdn.example.com/a.png", only, false},
		{"http://img.example.com:8080/a.png", render.Images{}, false},
		{"http://127.0.0.1/a.png", render.Images{}, false},
		{"http://2130706433/a.png", render.Images{}, false},
		{"http://[::1]/a.png", render.Images{}, false},
		{"http://localhost/a.png", render.Images{}, false},
		{"http://redis.internal/a.png", render.Images{}, false},
		{"https://user@img.example.com/a.png", render.Images{}, false},
		{"ftp://img.example.com/a.png", render.Images{}, false},
		{"javascript:alert(1)", render.Images{}, false},
		{`{"unknown":"form"}`, render.Images{}, false},
	} {
		messages := render.Thread([]*eventv1.ThreadPost{pictured(0, "見てください", c.address)}, render.Options{Images: c.images})
		if len(messages) != 1 || messages[0].Images() != c.shown {
			t.Errorf("%s with %v: %d messages, shown %v", c.address, c.images, len(messages), messages[0].Images())
		}
		if plain := messages[0].Plain(); plain.Images() || plain.Text != messages[0].Text || !strings.Contains(plain.Text, "見てください") {
			t.Errorf("%s: without images it is %v", c.address, plain)
		}
	}
}

func TestOnlyWhatStandsUnderOneNameSharesAMessage(t *testing.T) {
	sato, tanaka := &eventv1.Operator{Id: "op-1", Name: "佐藤"}, &eventv1.Operator{Id: "op-2", Name: "田中"}
	posts := []*eventv1.ThreadPost{said(0, "a"), ownName(1, sato, "b"), ownName(2, sato, "c"), ownName(3, tanaka, "d"), answered(4, sato, "e"), ownName(5, &eventv1.Operator{Id: "op-3"}, "f")}
	var names []string
	for _, m := range render.Thread(posts, render.Options{}) {
		name := ""
		if m.Sender != nil {
			name = m.Sender.Name
		}
		names = append(names, name)
	}
	if got := strings.Join(names, "|"); got != "|佐藤 (KARTE)|田中 (KARTE)|" {
		t.Errorf("the messages stand under %q", got)
	}
	if render.Fits(posts[:2], render.Options{}) || !render.Fits(posts[1:3], render.Options{}) {
		t.Error("Fits says otherwise")
	}
	long := render.Thread([]*eventv1.ThreadPost{ownName(0, sato, strings.Repeat("長い文章です。", 1000))}, render.Options{})
	for _, m := range long {
		if m.Sender == nil {
			t.Error("a part of a long text has lost its sender")
		}
	}
}

func TestAnImageStandsBelowTheLastPartOfItsText(t *testing.T) {
	messages := render.Thread([]*eventv1.ThreadPost{pictured(0, strings.Repeat("長い文章です。", 1000), "https://img.example.com/a.png")}, render.Options{})
	for i, m := range messages {
		if m.Images() != (i == len(messages)-1) {
			t.Errorf("part %d of %d: %v", i+1, len(messages), m.Images())
		}
	}
}
