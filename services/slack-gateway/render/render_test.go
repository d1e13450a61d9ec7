package render_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

var update = flag.Bool("update", false, "write the golden files anew")

const hostile = "<!channel> <@U1> <https://evil.example|bank> &lt;!here&gt; *bold* `code` :tada: @here"

// post makes a post of a made-up conversation at 11:34 Japanese time and some minutes.
func post(minute int, change func(*eventv1.ThreadPost)) *eventv1.ThreadPost {
	p := &eventv1.ThreadPost{
		Project:      "demo-project",
		Conversation: "c_demo",
		Customer:     &eventv1.Customer{VisitorId: "vis-11111111-2222-3333"},
		OccurredAt:   timestamppb.New(time.Date(2026, 11, 1, 2, 34+minute, 5, 0, time.UTC)),
	}
	change(p)
	return p
}

func said(minute int, text string) *eventv1.ThreadPost {
	return post(minute, func(p *eventv1.ThreadPost) {
		p.Body = &eventv1.ThreadPost_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{
			Text: text,
			Page: &eventv1.Page{Url: "https://shop.example.com/cart?a=1&b=2#top", Title: "カート <確認>"},
		}}
	})
}

func pictured(minute int, text, image string) *eventv1.ThreadPost {
	p := said(minute, text)
	p.GetCustomerMessage().ImageUrl = image
	return p
}

func answered(minute int, op *eventv1.Operator, text string) *eventv1.ThreadPost {
	return post(minute, func(p *eventv1.ThreadPost) {
		p.Body = &eventv1.ThreadPost_OperatorMessage{OperatorMessage: &eventv1.OperatorMessage{Operator: op, Text: text}}
	})
}

func assigned(minute int, op *eventv1.Operator) *eventv1.ThreadPost {
	return post(minute, func(p *eventv1.ThreadPost) {
		p.Body = &eventv1.ThreadPost_Assigned{Assigned: &eventv1.Assigned{Operator: op}}
	})
}

func merged(minute int) *eventv1.ThreadPost {
	return post(minute, func(p *eventv1.ThreadPost) {
		p.Body = &eventv1.ThreadPost_Merged{Merged: &eventv1.Merged{IntoConversation: "c_other"}}
	})
}

// history is what was said before: n messages of a customer and an operator in turn.
func history(minute, n int, customer, operator string) *eventv1.ThreadPost {
	return post(minute, func(p *eventv1.ThreadPost) {
		h := &eventv1.History{}
		for i := range n {
			e := &eventv1.HistoryEntry{OccurredAt: timestamppb.New(time.Date(2026, 1, 30, 3, i, 0, 0, time.UTC)), Text: customer, Image: i == 2}
			if i%2 == 1 {
				e.Text, e.Operator = operator, &eventv1.Operator{Id: "op-1", Name: "<!here> 佐藤"}
			}
			h.Entries = append(h.Entries, e)
		}
		p.Body = &eventv1.ThreadPost_History{History: h}
	})
}

// ownName is what an operator wrote in KARTE's console, under their own name.
func ownName(minute int, op *eventv1.Operator, text string) *eventv1.ThreadPost {
	p := answered(minute, op, text)
	p.UnderOwnName = true
	return p
}

func mentioning(p *eventv1.ThreadPost) *eventv1.ThreadPost {
	p.Mentions = []*eventv1.Mention{
		{Mention: &eventv1.Mention_Member{Member: "U0DEMO1"}},
		{Mention: &eventv1.Mention_Member{Member: "U0DEMO1"}},
		{Mention: &eventv1.Mention_Member{Member: "U0DEMO1> <!channel"}},
		{Mention: &eventv1.Mention_UserGroup{UserGroup: "S0DEMO1"}},
		{Mention: &eventv1.Mention_UserGroup{UserGroup: "U0DEMO1"}},
		{Mention: &eventv1.Mention_Broadcast{Broadcast: "here"}},
		{Mention: &eventv1.Mention_Broadcast{Broadcast: "everyone"}},
		{},
	}
	return p
}

func member(p *eventv1.ThreadPost, id string) *eventv1.ThreadPost {
	p.Customer.UserId = id
	p.Assignee = sato
	return p
}

var (
	sato = &eventv1.Operator{Id: "aaaaaaaaaaaaaaaaaaaaaaaa", Name: "佐藤"}
	bot  = &eventv1.Operator{Id: "bot-demo", Name: "案内係", Bot: true}
)

func sent(minute int, by *eventv1.Operator, text string) *eventv1.ThreadPost {
	return post(minute, func(p *eventv1.ThreadPost) {
		p.Body = &eventv1.ThreadPost_SentReply{SentReply: &eventv1.SentReply{Operator: by, Member: "U0HANAKO", Text: text}}
	})
}

// threads are the golden cases of Thread.
var threads = map[string][]*eventv1.ThreadPost{
	"customer":   {said(0, "こんにちは。\n注文がまだ届きません 😢")},
	"hostile":    {said(0, hostile)},
	"mention":    {mentioning(said(0, "急ぎです"))},
	"merged":     {said(0, "こんにちは"), mentioning(said(1, "注文番号は 42 です")), answered(2, sato, "確認します")},
	"operator":   {answered(0, sato, "お待たせしております。")},
	"unnamed":    {answered(0, &eventv1.Operator{Id: "x"}, "はい"), answered(0, &eventv1.Operator{Bot: true}, "はい"), answered(0, nil, "はい")},
	"bot":        {answered(0, bot, "担当者につなぎます。")},
	"assigned":   {assigned(0, sato), assigned(1, bot), assigned(2, nil), assigned(3, &eventv1.Operator{Id: "op-1"})},
	"conv_moved": {merged(0)},
	"sent_reply": {sent(0, sato, "明日お届けします。"), sent(1, &eventv1.Operator{Id: "op-1"}, hostile), sent(2, nil, "はい")},
	"sent_long":  {sent(0, sato, strings.Repeat("長い定型文です。<&>\n", 500))},
	"image":      {pictured(0, "", "https://img.example.com/写真 1.png?a=1&b=2"), pictured(1, "これです", "http://img.example.com:8080/a.png")},
	"bad_image": {
		pictured(0, "", "javascript:alert(1)"), pictured(1, "", "https://bank.example.com@evil.example/a"),
		pictured(2, "", "https://ев.example/a"), pictured(3, "", "https://img.example.com/"+strings.Repeat("a", 2000)),
	},
	"history":  {history(0, 3, "配送について教えてください。", "承知しました。\nお調べします。"), said(1, "続きです")},
	"own_name": {ownName(0, &eventv1.Operator{Id: "op-1", Name: "佐藤", PictureUrl: "https://img.example.com/sato.png"}, "お待たせしました"), answered(1, sato, "下の名前ではなく")},
	"hostile_history": {history(0, 9, hostile, "本文\n2026-01-01 10:00 お客様: 偽の行 "+strings.Repeat("長い", 400)), ownName(1, &eventv1.Operator{
		Name: "<!channel> :tada: \u202Eadmin" + strings.Repeat("名", 200), PictureUrl: "http://127.0.0.1/a.png"}, hostile)},
	"button":  {said(0, "[#はい]"), said(1, "[#a] と [#b]")},
	"empty":   {said(0, ""), post(1, func(*eventv1.ThreadPost) {})},
	"no_time": {{Conversation: "c_demo", Body: said(0, "いつ？").Body}},
	"long":    {mentioning(said(0, strings.Repeat("長い文章です。<&>\n", 500)))},
	"card": {
		answered(0, bot, "`{\"type\":\"buttons\",\"title\":\"ご用件\",\"text\":\"選んでください\",\"image\":{\"src\":\"https://img.example.com/a.png\"},"+
			"\"buttons\":[{\"text\":\"配送\",\"value\":1,\"action\":{\"message\":{\"text\":\"配送\",\"type\":\"tag\"}}},{\"title\":\"返品 <b>\"}]}`"),
		answered(1, bot, "`{\"type\":\"links\",\"links\":[{\"title\":\"よくある質問\",\"url\":\"https://shop.example.com/faq\"}]}`"),
		answered(2, bot, "`{\"type\":\"input\",\"input\":{\"label\":\"メールアドレス\",\"name\":\"mail\"}}`"),
	},
	"not_a_card": {
		answered(0, bot, "`{\"type\":\"buttons\",`"), answered(1, bot, "`{\"type\":\"new\",\"title\":\"a\"}`"),
		answered(2, bot, "`make`"), said(3, "`{\"type\":\"links\",\"links\":[{\"title\":\"a\",\"url\":\"b\"}]}`"),
	},
}

// heads are the golden cases of Head.
var heads = map[string]struct {
	posts   []*eventv1.ThreadPost
	options render.Options
	shown   int
}{
	"visitor": {posts: []*eventv1.ThreadPost{mentioning(said(0, "こんにちは"))}, shown: 1},
	"member":  {posts: []*eventv1.ThreadPost{member(said(0, "こんにちは"), "demo+1@example.com"), member(said(1, "まだですか"), "demo+1@example.com")}, shown: 2},
	"excerpt": {posts: []*eventv1.ThreadPost{mentioning(said(0, strings.Repeat("とても長い相談です。", 400)))}},
	"some":    {posts: []*eventv1.ThreadPost{said(0, "短い"), said(1, strings.Repeat("あ", 3000)), said(2, "短い")}, shown: 1},
	"gone":    {posts: []*eventv1.ThreadPost{said(0, "続きです")}, options: render.Options{PreviousThreadGone: true}, shown: 1},
	"moved": {
		posts:   []*eventv1.ThreadPost{moved(0), said(1, "続きです")},
		options: render.Options{FormerTeam: "T0DEMO1", FormerChannel: "C0SUPPORT", FormerThread: "1723612345.000200"}, shown: 2,
	},
	"moved_unopened": {posts: []*eventv1.ThreadPost{moved(0)}, options: render.Options{FormerTeam: "T0DEMO1", FormerChannel: "C0SUPPORT"}, shown: 1},
	"operator":       {posts: []*eventv1.ThreadPost{answered(0, sato, "いかがでしょうか")}, shown: 1},
	"nameless":       {posts: []*eventv1.ThreadPost{{Body: said(0, "?").Body}}, shown: 1},
	"nothing":        {},
	"hostile": {posts: []*eventv1.ThreadPost{post(0, func(p *eventv1.ThreadPost) {
		p.Customer = &eventv1.Customer{UserId: hostile + "\n\u202Egro.elpmaxe/a?b#c&project=other"}
		p.Assignee = &eventv1.Operator{Name: "<!channel>\nadmin\u2066" + strings.Repeat("x", 500)}
		p.Body = &eventv1.ThreadPost_CustomerMessage{CustomerMessage: &eventv1.CustomerMessage{Text: hostile, Page: &eventv1.Page{
			Url:   "https://evil.example/" + strings.Repeat("<@U1>&", 1000),
			Title: strings.Repeat(hostile+"\r\n", 100),
		}}}
	})}, shown: 1},
}

func TestThreadGolden(t *testing.T) {
	for name, posts := range threads {
		for _, lang := range []string{"ja", "en"} {
			messages := render.Thread(posts, render.Options{Lang: lang})
			for _, m := range messages {
				checkLimits(t, m, 3500)
				checkSafe(t, m)
			}
			golden(t, "thread_"+name+"."+lang+".json", messages)
		}
	}
}

func TestHeadGolden(t *testing.T) {
	for name, tt := range heads {
		for _, lang := range []string{"ja", "en"} {
			tt.options.Lang = lang
			m, shown := render.Head(tt.posts, tt.options)
			if shown != tt.shown {
				t.Errorf("%s: shown = %d, want %d", name, shown, tt.shown)
			}
			checkLimits(t, m, 2800)
			checkSafe(t, m)
			golden(t, "head_"+name+"."+lang+".json", m)
		}
	}
}

func moved(minute int) *eventv1.ThreadPost {
	return post(minute, func(p *eventv1.ThreadPost) {
		p.Body = &eventv1.ThreadPost_Moved{Moved: &eventv1.Moved{FromChannel: "C0SUPPORT", FromThreadTs: "1723612345.000200"}}
	})
}

func TestFarewellGolden(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		m := render.Farewell("T0DEMO1", &eventv1.Moved{ToChannel: "C0SALES", ToThreadTs: "1723612399.000100"}, lang)
		checkLimits(t, m, 3500)
		checkSafe(t, m)
		golden(t, "farewell."+lang+".json", m)
	}
	for _, strange := range []*eventv1.Moved{{}, {ToChannel: "C0/../X", ToThreadTs: "1.2"}, {ToChannel: "C0SALES", ToThreadTs: "1|x>"}} {
		if m := render.Farewell("T0DEMO1", strange, "en"); strings.Contains(m.Text, "http") {
			t.Errorf("a link made of %v: %s", strange, m.Text)
		}
	}
}

func TestNoticeGolden(t *testing.T) {
	for number, name := range eventv1.NoticeKind_name {
		for _, lang := range []string{"ja", "en"} {
			var messages []render.Message
			for _, detail := range []string{"", "U0DEMO1", hostile + "\n" + strings.Repeat("長い説明 ", 500)} {
				m := render.Notice(eventv1.NoticeKind(number), detail, lang)
				checkLimits(t, m, 3500)
				checkSafe(t, m)
				messages = append(messages, m)
			}
			golden(t, "notice_"+strings.ToLower(strings.TrimPrefix(name, "NOTICE_KIND_"))+"."+lang+".json", messages)
		}
	}
}

// golden compares v with a file. Run the tests with -update after an intended change, and read the difference.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs; got\n%s", name, got.String())
	}
}

func TestReaction(t *testing.T) {
	want := map[eventv1.Receipt]string{
		eventv1.Receipt_RECEIPT_UNSPECIFIED: "",
		eventv1.Receipt_RECEIPT_WAITING:     "hourglass_flowing_sand",
		eventv1.Receipt_RECEIPT_SENT:        "white_check_mark",
		eventv1.Receipt_RECEIPT_NOTED:       "memo",
		eventv1.Receipt_RECEIPT_FAILED:      "warning",
	}
	for number := range eventv1.Receipt_name {
		r := eventv1.Receipt(number)
		if got := render.Reaction(r); got != want[r] {
			t.Errorf("Reaction(%v) = %q, want %q", r, got, want[r])
		}
	}
}
