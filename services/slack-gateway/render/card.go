package render

import (
	"encoding/json"
	"regexp"
	"strings"
)

// A tag-type message, which KARTE's web chat sends when the customer presses a button or fills in a field. Source:
// github.com/plaidev/karte-bot-sample-v2.
var tagMessage = regexp.MustCompile(`^\[#([^\]\r\n]+)\]$`)

// buttonPress says what was pressed when text is a tag-type message, and returns any other text as it is.
func buttonPress(w words, text string) string {
	m := tagMessage.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	return w.say("line_button", "Label", m[1])
}

// A card is what KARTE's web chat draws when the whole text of a message is one JSON object in backticks. Source:
// developers.karte.io, customize-chat-message, and github.com/plaidev/karte-bot-sample-v2 (button titles, links, input).
type card struct {
	Type    string
	Title   string
	Text    string
	Image   struct{ Src string }
	Buttons []struct{ Text, Title string }
	Links   []struct{ Title, URL string }
	Input   struct{ Title, Text, Label, Placeholder string }
}

// cardText writes a card in lines, and returns any text that is not a card known here as it is.
func cardText(w words, text string) string {
	quoted := strings.TrimSpace(text)
	if len(quoted) < 2 || quoted[0] != '`' || quoted[len(quoted)-1] != '`' {
		return text
	}
	var c card
	if err := json.Unmarshal([]byte(quoted[1:len(quoted)-1]), &c); err != nil {
		return text
	}
	lines := c.lines(w)
	if len(lines) == 0 {
		return text
	}
	return strings.Join(lines, "\n")
}

// lines returns nothing for a type of card that is not known, because its fields would be lost.
func (c card) lines(w words) []string {
	var lines []string
	switch c.Type {
	case "buttons":
		for _, b := range c.Buttons {
			lines = append(lines, w.say("card_button", "Label", firstOf(b.Text, b.Title)))
		}
	case "links":
		for _, l := range c.Links {
			lines = append(lines, w.say("card_link", "Label", l.Title, "URL", l.URL))
		}
	case "input":
		lines = append(lines, w.say("card_input", "Label", firstOf(c.Input.Title, c.Input.Label, c.Input.Text, c.Input.Placeholder)))
	default:
		return nil
	}
	if len(lines) == 0 {
		return nil
	}
	return append(c.opening(w), lines...)
}

// opening is what stands above the choices.
func (c card) opening(w words) []string {
	var lines []string
	for _, s := range []string{c.Title, c.Text} {
		if s != "" {
			lines = append(lines, s)
		}
	}
	if c.Image.Src != "" {
		lines = append(lines, w.image(c.Image.Src))
	}
	return lines
}

func firstOf(candidates ...string) string {
	for _, s := range candidates {
		if s != "" {
			return s
		}
	}
	return ""
}
