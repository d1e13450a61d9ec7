package blockkit_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/services/slack-gateway/blockkit"
)

// of makes n characters.
func of(n int) string { return strings.Repeat("a", n) }

// many makes a list of n items from a format with one %d.
func many(n int, format string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func plain(text string) string { return `{"type":"plain_text","text":"` + text + `"}` }

const (
	divider = `{"type":"divider","block_id":"b%d"}`
	option  = `{"text":{"type":"plain_text","text":"a"},"value":"v%d"}`
)

func actions(element string) string {
	return `[{"type":"actions","elements":[` + element + `]}]`
}

func button(fields string) string {
	return actions(`{"type":"button","text":` + plain("a") + fields + `}`)
}

func selecting(fields string) string { return actions(`{"type":"static_select"` + fields + `}`) }

func inline(element string) string {
	return `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[` + element + `]}]}]`
}

func confirming(title, text, confirm, deny string) string {
	return button(`,"confirm":{"title":` + plain(title) + `,"text":` + plain(text) + `,"confirm":` + plain(confirm) + `,"deny":` + plain(deny) + `}`)
}

// messages are the blocks of messages that are right at the limit, and what is wrong with those just over it.
var messages = map[string]struct{ good, bad, path, problem string }{
	"blocks":            {many(50, divider), many(51, divider), "blocks", "51 items"},
	"block_id":          {`[{"type":"divider","block_id":"` + of(255) + `"}]`, `[{"type":"divider","block_id":"` + of(256) + `"}]`, "blocks[0].block_id", "256 characters"},
	"block_ids":         {many(2, divider), `[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]`, "blocks[1].block_id", "not unique"},
	"unknown block":     {`[{"type":"divider"}]`, `[{"type":"marquee"}]`, "blocks[0].type", "not known"},
	"section":           {`[{"type":"section","text":` + plain(of(3000)) + `}]`, `[{"type":"section","text":` + plain(of(3001)) + `}]`, "blocks[0].text.text", "3001"},
	"empty section":     {`[{"type":"section","text":` + plain("a") + `}]`, `[{"type":"section"}]`, "blocks[0]", "neither text nor fields"},
	"empty text":        {`[{"type":"section","text":` + plain("a") + `}]`, `[{"type":"section","text":` + plain("") + `}]`, "blocks[0].text.text", "at least one"},
	"fields":            {`[{"type":"section","fields":` + many(10, plain("%d")) + `}]`, `[{"type":"section","fields":` + many(11, plain("%d")) + `}]`, "blocks[0].fields", "11 items"},
	"field":             {`[{"type":"section","fields":[` + plain(of(2000)) + `]}]`, `[{"type":"section","fields":[` + plain(of(2001)) + `]}]`, "blocks[0].fields[0].text", "2001"},
	"header":            {`[{"type":"header","text":` + plain(of(150)) + `}]`, `[{"type":"header","text":` + plain(of(151)) + `}]`, "blocks[0].text.text", "151"},
	"header's kind":     {`[{"type":"header","text":` + plain("a") + `}]`, `[{"type":"header","text":{"type":"mrkdwn","text":"a"}}]`, "blocks[0].text.type", "plain_text is taken"},
	"emoji":             {`[{"type":"section","text":{"type":"plain_text","text":"a","emoji":false}}]`, `[{"type":"section","text":{"type":"mrkdwn","text":"a","emoji":true}}]`, "blocks[0].text.emoji", "plain_text only"},
	"verbatim":          {`[{"type":"section","text":{"type":"mrkdwn","text":"a","verbatim":true}}]`, `[{"type":"section","text":{"type":"plain_text","text":"a","verbatim":true}}]`, "blocks[0].text.verbatim", "mrkdwn only"},
	"context":           {`[{"type":"context","elements":` + many(10, plain("%d")) + `}]`, `[{"type":"context","elements":` + many(11, plain("%d")) + `}]`, "blocks[0].elements", "11 items"},
	"button in context": {`[{"type":"context","elements":[` + plain("a") + `]}]`, `[{"type":"context","elements":[{"type":"button","text":` + plain("a") + `}]}]`, "blocks[0].elements[0].type", "image"},
	"actions":           {`[{"type":"actions","elements":` + many(25, `{"type":"users_select","action_id":"a%d"}`) + `}]`, `[{"type":"actions","elements":` + many(26, `{"type":"users_select","action_id":"a%d"}`) + `}]`, "blocks[0].elements", "26 items"},
	"no actions":        {button(""), `[{"type":"actions","elements":[]}]`, "blocks[0].elements", "0 items"},
	"action_id":         {button(`,"action_id":"` + of(255) + `"`), button(`,"action_id":"` + of(256) + `"`), "blocks[0].elements[0].action_id", "256"},
	"action_ids":        {actions(`{"type":"users_select","action_id":"a"},{"type":"users_select","action_id":"b"}`), actions(`{"type":"users_select","action_id":"a"},{"type":"users_select","action_id":"a"}`), "blocks[0]", "twice"},
	"button":            {actions(`{"type":"button","text":` + plain(of(75)) + `}`), actions(`{"type":"button","text":` + plain(of(76)) + `}`), "blocks[0].elements[0].text.text", "76"},
	"button's kind":     {button(""), actions(`{"type":"button","text":{"type":"mrkdwn","text":"a"}}`), "blocks[0].elements[0].text.type", "plain_text"},
	"value":             {button(`,"value":"` + of(2000) + `"`), button(`,"value":"` + of(2001) + `"`), "blocks[0].elements[0].value", "2001"},
	"url":               {button(`,"url":"` + of(3000) + `"`), button(`,"url":"` + of(3001) + `"`), "blocks[0].elements[0].url", "3001"},
	"style":             {button(`,"style":"primary"`), button(`,"style":"default"`), "blocks[0].elements[0].style", "danger"},
	"label":             {button(`,"accessibility_label":"` + of(75) + `"`), button(`,"accessibility_label":"` + of(76) + `"`), "blocks[0].elements[0].accessibility_label", "76"},
	"confirm title":     {confirming(of(100), "a", "a", "a"), confirming(of(101), "a", "a", "a"), "blocks[0].elements[0].confirm.title.text", "101"},
	"confirm text":      {confirming("a", of(300), "a", "a"), confirming("a", of(301), "a", "a"), "blocks[0].elements[0].confirm.text.text", "301"},
	"confirm button":    {confirming("a", "a", of(30), "a"), confirming("a", "a", of(31), "a"), "blocks[0].elements[0].confirm.confirm.text", "31"},
	"deny button":       {confirming("a", "a", "a", of(30)), confirming("a", "a", "a", of(31)), "blocks[0].elements[0].confirm.deny.text", "31"},
	"placeholder":       {actions(`{"type":"users_select","placeholder":` + plain(of(150)) + `}`), actions(`{"type":"users_select","placeholder":` + plain(of(151)) + `}`), "blocks[0].elements[0].placeholder.text", "151"},
	"options":           {selecting(`,"options":` + many(100, option)), selecting(`,"options":` + many(101, option)), "blocks[0].elements[0].options", "101"},
	"no options":        {selecting(`,"options":` + many(1, option)), selecting(``), "blocks[0].elements[0]", "either options"},
	"option text":       {selecting(`,"options":[{"text":` + plain(of(75)) + `,"value":"v"}]`), selecting(`,"options":[{"text":` + plain(of(76)) + `,"value":"v"}]`), "blocks[0].elements[0].options[0].text.text", "76"},
	"option value":      {selecting(`,"options":[{"text":` + plain("a") + `,"value":"` + of(150) + `"}]`), selecting(`,"options":[{"text":` + plain("a") + `,"value":"` + of(151) + `"}]`), "blocks[0].elements[0].options[0].value", "151"},
	"option values":     {selecting(`,"options":` + many(2, option)), selecting(`,"options":[` + strings.Repeat(fmt.Sprintf(option, 1)+",", 1) + fmt.Sprintf(option, 1) + `]`), "blocks[0].elements[0].options[1].value", "twice"},
	"description":       {selecting(`,"options":[{"text":` + plain("a") + `,"value":"v","description":` + plain(of(75)) + `}]`), selecting(`,"options":[{"text":` + plain("a") + `,"value":"v","description":` + plain(of(76)) + `}]`), "blocks[0].elements[0].options[0].description.text", "76"},
	"initial option":    {selecting(`,"options":` + many(2, option) + `,"initial_option":` + fmt.Sprintf(option, 1)), selecting(`,"options":` + many(2, option) + `,"initial_option":` + fmt.Sprintf(option, 2)), "blocks[0].elements[0]", "none of its options"},
	"groups":            {selecting(`,"option_groups":` + many(100, `{"label":`+plain("g%[1]d")+`,"options":[`+option+`]}`)), selecting(`,"option_groups":` + many(101, `{"label":`+plain("g%[1]d")+`,"options":[`+strings.Replace(option, "%d", "%[1]d", 1)+`]}`)), "blocks[0].elements[0].option_groups", "101"},
	"overflow":          {actions(`{"type":"overflow","options":` + many(5, option) + `}`), actions(`{"type":"overflow","options":` + many(6, option) + `}`), "blocks[0].elements[0].options", "6 items"},
	"short overflow":    {actions(`{"type":"overflow","options":` + many(2, option) + `}`), actions(`{"type":"overflow","options":` + many(1, option) + `}`), "blocks[0].elements[0].options", "1 items"},
	"radio buttons":     {actions(`{"type":"radio_buttons","options":` + many(10, option) + `}`), actions(`{"type":"radio_buttons","options":` + many(11, option) + `}`), "blocks[0].elements[0].options", "11"},
	"alt text":          {`[{"type":"image","image_url":"https://example.com/a.png","alt_text":"` + of(2000) + `"}]`, `[{"type":"image","image_url":"https://example.com/a.png"}]`, "blocks[0].alt_text", "missing"},
	"long alt text":     {`[{"type":"image","image_url":"https://example.com/a.png","alt_text":"a"}]`, `[{"type":"image","image_url":"https://example.com/a.png","alt_text":"` + of(2001) + `"}]`, "blocks[0].alt_text", "2001"},
	"image":             {`[{"type":"image","image_url":"` + of(3000) + `","alt_text":"a"}]`, `[{"type":"image","alt_text":"a"}]`, "blocks[0]", "image_url"},
	"rich text":         {inline(`{"type":"text","text":"a","style":{"bold":true}}`), inline(`{"type":"text","text":""}`), "blocks[0].elements[0].elements[0].text", "at least one"},
	"rich style":        {inline(`{"type":"text","text":"a"}`), inline(`{"type":"text","text":"a","style":{"blink":true}}`), "blocks[0].elements[0].elements[0].style.blink", "no style"},
	"rich link":         {inline(`{"type":"link","url":"https://example.com"}`), inline(`{"type":"link","text":"a"}`), "blocks[0].elements[0].elements[0].url", "missing"},
	"rich member":       {inline(`{"type":"user","user_id":"U0DEMO1"}`), inline(`{"type":"member","user_id":"U0DEMO1"}`), "blocks[0].elements[0].elements[0].type", "user"},
	"rich section":      {inline(`{"type":"emoji","name":"tada"}`), `[{"type":"rich_text","elements":[{"type":"section"}]}]`, "blocks[0].elements[0].type", "cannot stand"},
	"rich list":         {`[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a"}]}]}]}]`, `[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"disc","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a"}]}]}]}]`, "blocks[0].elements[0].style", "bullet"},
	"code":              {`[{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":[{"type":"text","text":"a"}]}]}]`, `[{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":[{"type":"user","user_id":"U1"}]}]}]`, "blocks[0].elements[0].elements[0].type", "text, link"},
	"everything":        {inline(`{"type":"text","text":"` + of(13200) + `"}`), inline(`{"type":"text","text":"` + of(13000) + `"},{"type":"link","url":"` + of(201) + `"}`), "blocks", "13201"},
}

func TestBlocks(t *testing.T) {
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			if found := blockkit.Message("text", json.RawMessage(m.good)); len(found) > 0 {
				t.Errorf("at the limit: %v", found)
			}
			only(t, blockkit.Message("text", json.RawMessage(m.bad)), m.path, m.problem)
		})
	}
}

// only fails unless the one violation found is the one wanted.
func only(t *testing.T, found []blockkit.Violation, path, problem string) {
	t.Helper()
	if len(found) != 1 || found[0].Path != path || !strings.Contains(found[0].Problem, problem) {
		t.Errorf("found %v, want one at %s about %q", found, path, problem)
	}
}

func TestText(t *testing.T) {
	only(t, blockkit.Message(" \n", json.RawMessage(`[]`)), "text", "empty")
	only(t, blockkit.Message(of(4001), json.RawMessage(`[]`)), "text", "4001")
	only(t, blockkit.Message("a", json.RawMessage(`{}`)), "blocks", "no list")
	if found := blockkit.Message(of(4000), json.RawMessage(`[]`)); len(found) > 0 {
		t.Errorf("at the limit: %v", found)
	}
}

func modal(fields string) string {
	return `{"type":"modal","title":` + plain("a") + fields + `}`
}

func input(element string) string {
	return `,"submit":` + plain("a") + `,"blocks":[{"type":"input","label":` + plain("a") + `,"element":` + element + `}]`
}

func TestViews(t *testing.T) {
	for name, v := range map[string]struct{ good, bad, path, problem string }{
		"blocks":           {modal(`,"blocks":` + many(100, divider)), modal(`,"blocks":` + many(101, divider)), "blocks", "101"},
		"home":             {`{"type":"home","blocks":` + many(100, divider) + `}`, `{"type":"house","blocks":[]}`, "type", "home"},
		"title":            {`{"type":"modal","title":` + plain(of(24)) + `,"blocks":[]}`, `{"type":"modal","title":` + plain(of(25)) + `,"blocks":[]}`, "title.text", "25"},
		"no title":         {`{"type":"home","blocks":[]}`, `{"type":"modal","blocks":[]}`, "title", "missing"},
		"submit":           {modal(`,"submit":` + plain(of(24)) + `,"blocks":[]`), modal(`,"submit":` + plain(of(25)) + `,"blocks":[]`), "submit.text", "25"},
		"close":            {modal(`,"close":` + plain(of(24)) + `,"blocks":[]`), modal(`,"close":` + plain(of(25)) + `,"blocks":[]`), "close.text", "25"},
		"private_metadata": {modal(`,"private_metadata":"` + of(3000) + `","blocks":[]`), modal(`,"private_metadata":"` + of(3001) + `","blocks":[]`), "private_metadata", "3001"},
		"callback_id":      {modal(`,"callback_id":"` + of(255) + `","blocks":[]`), modal(`,"callback_id":"` + of(256) + `","blocks":[]`), "callback_id", "256"},
		"input":            {modal(input(`{"type":"plain_text_input","max_length":3000}`)), modal(input(`{"type":"plain_text_input","max_length":3001}`)), "blocks[0].element.max_length", "3000"},
		"initial value":    {modal(input(`{"type":"plain_text_input","max_length":3,"initial_value":"abc"}`)), modal(input(`{"type":"plain_text_input","max_length":2,"initial_value":"abc"}`)), "blocks[0].element.initial_value", "3 characters"},
		"button as input":  {modal(input(`{"type":"users_select"}`)), modal(input(`{"type":"button","text":` + plain("a") + `}`)), "blocks[0].element.type", "one of"},
		"no submit":        {modal(input(`{"type":"users_select"}`)), modal(`,"blocks":[{"type":"input","label":` + plain("a") + `,"element":{"type":"users_select"}}]`), "submit", "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			if found := blockkit.View(json.RawMessage(v.good)); len(found) > 0 {
				t.Errorf("at the limit: %v", found)
			}
			only(t, blockkit.View(json.RawMessage(v.bad)), v.path, v.problem)
		})
	}
}

func TestGoldenKnowsEveryShape(t *testing.T) {
	for name, raw := range map[string]string{
		"message": `{"Text":"","Blocks":[]}`, "messages": `[{"Text":"a","Blocks":[]},{"Text":"","Blocks":[]}]`, "view": `{"type":"modal","blocks":[]}`,
		"options": `{"options":[{"text":` + plain("a") + `}]}`,
	} {
		if found, err := blockkit.Golden([]byte(raw)); len(found) != 1 || err != nil {
			t.Errorf("%s: found %v, %v, want one violation", name, found, err)
		}
	}
	for _, raw := range []string{`{"a":1}`, `[1]`, `no JSON`} {
		if _, err := blockkit.Golden([]byte(raw)); err == nil {
			t.Errorf("%s is taken", raw)
		}
	}
}
