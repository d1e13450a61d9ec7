package render_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

func TestMergeable(t *testing.T) {
	a, b, other, foreign := said(0, "a"), assigned(1, sato), said(2, "c"), said(3, "d")
	other.Conversation = "c_other"
	foreign.Project = "other-project"
	tests := []struct {
		name string
		a, b *eventv1.ThreadPost
		want bool
	}{
		{"same conversation", a, b, true},
		{"other conversation", a, other, false},
		{"other project", a, foreign, false},
		{"nothing", a, nil, false},
	}
	for _, tt := range tests {
		if got := render.Mergeable(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: Mergeable = %v, want %v", tt.name, got, tt.want)
		}
	}
	if n := len(render.Thread([]*eventv1.ThreadPost{a, other}, render.Options{})); n != 2 {
		t.Errorf("two conversations share a message")
	}
}

func TestFits(t *testing.T) {
	many := func(n int, text string) []*eventv1.ThreadPost {
		var posts []*eventv1.ThreadPost
		for i := range n {
			posts = append(posts, said(i, text))
		}
		return posts
	}
	crowd := func(from, n int) *eventv1.ThreadPost {
		p := said(0, "a")
		for i := range n {
			id := "U0DEMO" + string(rune('A'+from+i))
			p.Mentions = append(p.Mentions, &eventv1.Mention{Mention: &eventv1.Mention_Member{Member: id}})
		}
		return p
	}
	tests := []struct {
		name  string
		posts []*eventv1.ThreadPost
		want  bool
	}{
		{"one", many(1, "a"), true},
		{"as many as blocks", many(39, "a"), true},
		{"more than blocks", many(40, "a"), false},
		{"as long as a message", many(1, strings.Repeat("a", 3400)), true},
		{"longer than a message", many(1, strings.Repeat("a", 3500)), false},
		{"longer once escaped", many(1, strings.Repeat("&", 800)), false},
		{"too many people together", []*eventv1.ThreadPost{crowd(0, 13), crowd(13, 13)}, false},
		{"the same people", []*eventv1.ThreadPost{crowd(0, 13), crowd(0, 13)}, true},
	}
	for _, tt := range tests {
		if got := render.Fits(tt.posts, render.Options{}); got != tt.want {
			t.Errorf("%s: Fits = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestThreadOptions(t *testing.T) {
	posts := []*eventv1.ThreadPost{mentioning(said(0, "a")), said(1, "b")}
	m := render.Thread(posts, render.Options{Lang: "en-GB", Location: time.UTC, Mentioned: true})
	if want := "02:34 Customer\na\n\n02:35 Customer\nb"; len(m) != 1 || m[0].Text != want {
		t.Errorf("Thread = %+v, want %q", m, want)
	}
	if m := render.Thread(nil, render.Options{}); m != nil {
		t.Errorf("Thread(nil) = %v, want nothing", m)
	}
}

func TestHundredThousandCharactersArriveWhole(t *testing.T) {
	for name, unit := range map[string]string{
		"japanese": "お世話になっております。", "emoji": "👨‍👩‍👧‍👦🇯🇵", "escaped": "<&>", "one word": "a", "lines": "a\n\n", "spaces": " \n",
	} {
		text := strings.Repeat(unit, 100_000/len([]rune(unit))+1)
		messages := render.Thread([]*eventv1.ThreadPost{mentioning(said(0, text))}, render.Options{})
		if got := strings.Join(bodies(messages...), ""); got != text {
			t.Errorf("%s: got %d bytes, want %d", name, len(got), len(text))
		}
		for i, m := range messages {
			checkLimits(t, m, 3500)
			checkSafe(t, m)
			if i > 0 && strings.Contains(m.Text, "<@") {
				t.Errorf("%s: message %d mentions again", name, i)
			}
		}
	}
}

func TestConsoleURL(t *testing.T) {
	p := member(said(0, "a"), "a/b c+d@example.com?x=1&y#z")
	m, _ := render.Head([]*eventv1.ThreadPost{p}, render.Options{})
	want := "https://admin.karte.io/communication/v2/redirect_from_v1/a%2Fb%20c%2Bd%40example.com%3Fx%3D1%26y%23z?project=demo-project"
	if !strings.HasSuffix(m.Text, want) {
		t.Errorf("text does not end with %q: %q", want, m.Text)
	}
	p.Customer.UserId = strings.Repeat("あ", 100)
	if m, _ := render.Head([]*eventv1.ThreadPost{p}, render.Options{}); strings.Contains(m.Text, "admin.karte.io") {
		t.Errorf("a link that is too long is shown: %q", m.Text)
	}
}

// anyText draws what customers may write, much of it made to mislead.
var anyText = rapid.Map(rapid.SliceOf(rapid.OneOf(
	rapid.SampledFrom([]string{
		"<!channel>", "<!here>", "<@U1>", "<@U0DEMO1>", "<!subteam^S0DEMO1>", "<https://evil.example|bank>", "&lt;", "&amp;lt;", "&",
		"<", ">", "```", "`", "*", ":tada:", "\n", "\r\n", "\n\n", "\u202E", "\u2066", "👨‍👩‍👧‍👦", "か\u3099", "{{.Detail}}", "11:34 佐藤（KARTE）\n",
		"[#", "]", "`{\"type\":\"links\",\"links\":[]}`", strings.Repeat("長文。", 700), strings.Repeat("&", 1500),
	}),
	rapid.String(),
)), func(s []string) string { return strings.Join(s, "") })

// anyPost draws a post of one conversation.
var anyPost = rapid.Custom(func(t *rapid.T) *eventv1.ThreadPost {
	op := &eventv1.Operator{Id: anyText.Draw(t, "operator"), Name: anyText.Draw(t, "name"), Bot: rapid.Bool().Draw(t, "bot")}
	p := &eventv1.ThreadPost{
		Project: anyText.Draw(t, "project"), Conversation: "c_demo",
		Customer:   &eventv1.Customer{UserId: anyText.Draw(t, "user"), VisitorId: anyText.Draw(t, "visitor")},
		OccurredAt: timestamppb.New(time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0)),
		Assignee:   op,
	}
	for range rapid.IntRange(0, 25).Draw(t, "mentions") {
		p.Mentions = append(p.Mentions, anyMention.Draw(t, "mention"))
	}
	text := anyText.Draw(t, "text")
	image := rapid.OneOf(rapid.Just(""), anyText, rapid.Map(anyText, func(s string) string { return "https://img.example.com/" + s })).Draw(t, "image")
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0, 1:
		page := &eventv1.Page{Url: anyText.Draw(t, "url"), Title: anyText.Draw(t, "title")}
		p.Body = &eventv1.ThreadPost_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: text, ImageUrl: image, Page: page}}
	case 2:
		p.Body = &eventv1.ThreadPost_OperatorMessage{OperatorMessage: &eventv1.OperatorMessage{Operator: op, Text: text, ImageUrl: image}}
	case 3:
		p.Body = &eventv1.ThreadPost_Assigned{Assigned: &eventv1.Assigned{Operator: op}}
	}
	return p
})

var anyMention = rapid.Custom(func(t *rapid.T) *eventv1.Mention {
	id := rapid.OneOf(rapid.StringMatching(`[UWS][A-Z0-9]{2,20}`), rapid.SampledFrom([]string{"here", "channel", "everyone", "U1> <!channel"}), rapid.String()).Draw(t, "id")
	return rapid.SampledFrom([]*eventv1.Mention{
		{Mention: &eventv1.Mention_Member{Member: id}},
		{Mention: &eventv1.Mention_UserGroup{UserGroup: id}},
		{Mention: &eventv1.Mention_Broadcast{Broadcast: id}},
	}).Draw(t, "mention")
})

var anyPosts = rapid.Custom(func(t *rapid.T) []*eventv1.ThreadPost {
	posts := rapid.SliceOfN(anyPost, 1, 6).Draw(t, "posts")
	for _, p := range posts {
		p.Project = posts[0].Project
	}
	return posts
})

// written returns what people wrote in posts and what must be shown without any change.
func written(posts []*eventv1.ThreadPost) []string {
	var all []string
	for _, p := range posts {
		if text := p.GetCustomerMessage().GetText() + p.GetOperatorMessage().GetText(); text != "" && !strings.HasPrefix(text, "[#") {
			all = append(all, text)
		}
	}
	return all
}

func TestThreadIsSafeAndWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		posts := anyPosts.Draw(t, "posts")
		o := render.Options{Lang: rapid.SampledFrom([]string{"ja", "en"}).Draw(t, "lang")}
		messages := render.Thread(posts, o)
		for _, m := range messages {
			checkLimits(t, m, 3500)
			checkSafe(t, m)
		}
		if fits := render.Fits(posts, o); fits != (len(messages) == 1) {
			t.Fatalf("Fits = %v, but there are %d messages", fits, len(messages))
		}
		checkInOrder(t, strings.Join(bodies(messages...), ""), written(posts))
	})
}

func TestHeadIsSafeAndWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		posts := anyPosts.Draw(t, "posts")
		o := render.Options{
			Lang:               rapid.SampledFrom([]string{"ja", "en"}).Draw(t, "lang"),
			PreviousThreadGone: rapid.Bool().Draw(t, "gone"),
		}
		m, shown := render.Head(posts, o)
		checkLimits(t, m, 2800)
		checkSafe(t, m)
		checkInOrder(t, strings.Join(bodies(m), ""), written(posts[:shown]))
	})
}

// checkInOrder fails unless shown holds all texts one after the other.
func checkInOrder(t fataler, shown string, texts []string) {
	for _, text := range texts {
		_, rest, ok := strings.Cut(shown, text)
		if !ok {
			t.Fatalf("%q is not shown whole in %q", text, shown)
		}
		shown = rest
	}
}

func TestNoticeIsSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := eventv1.NoticeKind(rapid.Int32Range(0, 40).Draw(t, "kind"))
		m := render.Notice(kind, anyText.Draw(t, "detail"), rapid.SampledFrom([]string{"ja", "en", "xx", ""}).Draw(t, "lang"))
		checkLimits(t, m, 3500)
		checkSafe(t, m)
	})
}

func FuzzThread(f *testing.F) {
	f.Add(hostile, "https://img.example.com/a.png", "佐藤")
	f.Add("0", "htTp://img.example.com", "") // A scheme may be written large.
	f.Add("`{\"type\":\"buttons\",\"buttons\":[{\"text\":\"a\"}]}`", "", "")
	f.Fuzz(func(t *testing.T, text, image, name string) {
		op := &eventv1.Operator{Name: name}
		posts := []*eventv1.ThreadPost{pictured(0, text, image), answered(1, op, text), assigned(2, op)}
		for _, m := range render.Thread(posts, render.Options{}) {
			checkLimits(t, m, 3500)
			checkSafe(t, m)
		}
		m, _ := render.Head(posts, render.Options{})
		checkLimits(t, m, 2800)
		checkSafe(t, m)
	})
}
