package decide

import (
	"testing"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

func TestPromise4NobodyButLinkedFullMembersMayAskForAnything(t *testing.T) {
	good := func() Actor {
		return Actor{
			Author: &eventv1.Author{Member: "U0HANAKO", Team: "T0DEMO1"}, Home: "T0DEMO1", RepliesEnabled: true, Operator: "op-1",
			Member: &eventv1.Member{Id: "U0HANAKO", Team: "T0DEMO1"},
		}
	}
	if got := Refused(good()); got != eventv1.NoticeKind_NOTICE_KIND_UNSPECIFIED {
		t.Fatalf("a linked member is refused: %v", got)
	}
	for name, c := range map[string]struct {
		change func(*Actor)
		want   eventv1.NoticeKind
	}{
		"not known":                           {func(a *Actor) { a.Member = nil }, eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED},
		"of another workspace, by the event":  {func(a *Actor) { a.Author.Team = "T0OTHER" }, eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED},
		"of another workspace, by their file": {func(a *Actor) { a.Member.Team = "T0OTHER" }, eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED},
		"of no workspace":                     {func(a *Actor) { a.Member.Team = "" }, eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED},
		"a guest":                             {func(a *Actor) { a.Member.Guest = true }, eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED},
		"an app":                              {func(a *Actor) { a.Member.Bot = true }, eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED},
		"deactivated":                         {func(a *Actor) { a.Member.Deactivated = true }, eventv1.NoticeKind_NOTICE_KIND_NOT_ALLOWED},
		"while replies are off":               {func(a *Actor) { a.RepliesEnabled = false }, eventv1.NoticeKind_NOTICE_KIND_REPLIES_OFF},
		"linked to nobody":                    {func(a *Actor) { a.Operator = "" }, eventv1.NoticeKind_NOTICE_KIND_NOT_LINKED},
	} {
		actor := good()
		c.change(&actor)
		if got := Refused(actor); got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

func TestPrivateLanguage(t *testing.T) {
	for locale, want := range map[string]string{"ja-JP": "ja", "ja": "ja", "en-US": "en", "de-DE": "en", "": "ja"} {
		if got := PrivateLanguage(&eventv1.Member{Locale: locale}, "ja"); got != want {
			t.Errorf("%q: %s", locale, got)
		}
	}
}
