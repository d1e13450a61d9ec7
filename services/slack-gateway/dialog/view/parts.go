package view

import (
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/services/slack-gateway/element"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// Limits of Slack's, in the unit of render.Label.
const (
	maxOption = 75
	maxLine   = 300
	// MostInMenu is how many options a menu has.
	MostInMenu = 100
	// mostPicked is how many members settings take.
	mostPicked = 20
)

func blocks(all ...slack.Block) slack.Blocks { return slack.Blocks{BlockSet: all} }

func plain(text string) *slack.TextBlockObject {
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: text}
}

func paragraph(text string) *slack.SectionBlock {
	return &slack.SectionBlock{Type: slack.MBTSection, Text: plain(text)}
}

func heading(text string) *slack.HeaderBlock {
	return &slack.HeaderBlock{Type: slack.MBTHeader, Text: plain(render.Label(text, 150))}
}

func small(text string) *slack.ContextBlock {
	return &slack.ContextBlock{Type: slack.MBTContext, ContextElements: slack.ContextElements{Elements: []slack.MixedElement{plain(text)}}}
}

func divider() *slack.DividerBlock { return &slack.DividerBlock{Type: slack.MBTDivider} }

func button(action, value, text string) *slack.ButtonBlockElement {
	return &slack.ButtonBlockElement{Type: slack.METButton, ActionID: action, Value: value, Text: plain(text)}
}

// opens is a button that leads to an address.
func opens(url, text string) *slack.ButtonBlockElement {
	return &slack.ButtonBlockElement{Type: slack.METButton, ActionID: element.Link, URL: url, Text: plain(text)}
}

func beside(section *slack.SectionBlock, el slack.BlockElement) *slack.SectionBlock {
	section.Accessory = slack.NewAccessory(el)
	return section
}

func input(id, label string, optional bool, el slack.BlockElement) *slack.InputBlock {
	return &slack.InputBlock{Type: slack.MBTInput, BlockID: id, Label: plain(label), Element: el, Optional: optional}
}

func option(value, text string) *slack.OptionBlockObject {
	return &slack.OptionBlockObject{Text: plain(render.Label(text, maxOption)), Value: value}
}

// choice is a menu of which one is chosen; the first option with the value stands in it when it opens.
func choice(action string, options []*slack.OptionBlockObject, chosen string) *slack.SelectBlockElement {
	menu := &slack.SelectBlockElement{Type: slack.OptTypeStatic, ActionID: action, Options: options}
	if i := slices.IndexFunc(options, func(o *slack.OptionBlockObject) bool { return o.Value == chosen }); i >= 0 {
		menu.InitialOption = options[i]
	}
	return menu
}

// people is a menu of members of whom several may be chosen.
func people(action string, chosen []string) *slack.MultiSelectBlockElement {
	most := mostPicked
	return &slack.MultiSelectBlockElement{Type: slack.MultiOptTypeUser, ActionID: action, InitialUsers: chosen, MaxSelectedItems: &most}
}

// escaper is for texts of messages, where Slack looks for its own signs.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escape(text string) string { return escaper.Replace(text) }
