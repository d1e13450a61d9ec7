package slackstandin

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Limits of sheet 3.2.
const (
	maxText       = 40000
	maxUpdateText = 4000
	maxBlocks     = 50
	maxViewBlocks = 100
	maxSection    = 3000
	maxFields     = 10
	maxField      = 2000
	maxHeader     = 150
	maxButton     = 75
	maxValue      = 2000
	maxID         = 255
	maxAllBlocks  = 13200
	maxAltText    = 2000
	maxImageURL   = 3000
)

type textObject struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type blockElement struct {
	Type     string      `json:"type"`
	ActionID string      `json:"action_id"`
	Text     *textObject `json:"text"`
	Value    string      `json:"value"`
}

// block is what is checked of a block; the rest is stored as it came.
type block struct {
	Type      string            `json:"type"`
	BlockID   string            `json:"block_id"`
	Text      *textObject       `json:"text"`
	Fields    []textObject      `json:"fields"`
	Accessory *blockElement     `json:"accessory"`
	Elements  []json.RawMessage `json:"elements"`
	ImageURL  string            `json:"image_url"`
	AltText   string            `json:"alt_text"`
}

// checkBlocks tests the blocks of a message or a view against Slack's limits and gives those without a block_id
// one. Absent blocks are fine.
func (s *Server) checkBlocks(raw string, most int) (json.RawMessage, error) {
	if raw == "" || raw == "[]" {
		return nil, nil
	}
	var stored []map[string]json.RawMessage
	var blocks []block
	if json.Unmarshal([]byte(raw), &stored) != nil || json.Unmarshal([]byte(raw), &blocks) != nil {
		return nil, apiError("invalid_blocks_format")
	}
	if len(blocks) > most {
		return nil, invalidBlocks(fmt.Sprintf("no more than %d items allowed [json-pointer:/blocks]", most))
	}
	whole := 0
	for i, b := range blocks {
		if problem := b.problem(); problem != "" {
			return nil, invalidBlocks(fmt.Sprintf("%s [json-pointer:/blocks/%d]", problem, i))
		}
		whole += b.size()
		if b.BlockID == "" {
			stored[i]["block_id"], _ = encode(s.blockID())
		}
	}
	if whole > maxAllBlocks {
		return nil, apiError("msg_blocks_too_long")
	}
	return encode(stored)
}

func invalidBlocks(message string) error {
	return detailedError{"invalid_blocks", reply{
		"response_metadata": reply{"messages": []string{"[ERROR] " + message}}, "errors": []string{message},
	}}
}

func (b block) problem() string {
	switch {
	case b.Type == "":
		return "missing required field: type"
	case b.Type == "section" && b.Text == nil && len(b.Fields) == 0:
		return "must define either text or fields"
	case b.Type == "section" && b.Text != nil && (b.Text.Text == "" || tooLong(b.Text.Text, maxSection)):
		return fmt.Sprintf("text must have 1 to %d characters", maxSection)
	case b.Type == "header" && (b.Text == nil || tooLong(b.Text.Text, maxHeader)):
		return fmt.Sprintf("header text must have 1 to %d characters", maxHeader)
	case b.Type == "image":
		return b.imageProblem()
	case len(b.Fields) > maxFields:
		return fmt.Sprintf("no more than %d fields", maxFields)
	case tooLong(b.BlockID, maxID):
		return "block_id too long"
	}
	for _, f := range b.Fields {
		if tooLong(f.Text, maxField) {
			return fmt.Sprintf("field longer than %d characters", maxField)
		}
	}
	return elementsProblem(b)
}

// imageProblem looks at an image as Slack does, which fetches it: of hosts below .invalid (RFC 2606) nobody can.
func (b block) imageProblem() string {
	address, err := url.Parse(b.ImageURL)
	switch {
	case b.AltText == "" || tooLong(b.AltText, maxAltText):
		return fmt.Sprintf("alt_text must have 1 to %d characters", maxAltText)
	case err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" || tooLong(b.ImageURL, maxImageURL):
		return "invalid image_url"
	case strings.HasSuffix(address.Hostname(), ".invalid"):
		return "downloading image failed"
	}
	return ""
}

func elementsProblem(b block) string {
	seen := map[string]bool{}
	for _, el := range b.actions() {
		switch {
		case el.Type == "button" && (el.Text == nil || tooLong(el.Text.Text, maxButton)):
			return fmt.Sprintf("button text must have 1 to %d characters", maxButton)
		case tooLong(el.Value, maxValue):
			return fmt.Sprintf("value longer than %d characters", maxValue)
		case tooLong(el.ActionID, maxID):
			return "action_id too long"
		case el.ActionID != "" && seen[el.ActionID]:
			return "action_id is not unique in its block"
		}
		seen[el.ActionID] = true
	}
	return ""
}

// actions are the interactive elements of a block.
func (b block) actions() []blockElement {
	var out []blockElement
	if b.Accessory != nil {
		out = append(out, *b.Accessory)
	}
	if b.Type != "actions" {
		return out
	}
	for _, raw := range b.Elements {
		var el blockElement
		if json.Unmarshal(raw, &el) == nil {
			out = append(out, el)
		}
	}
	return out
}

// size counts the characters a block shows, roughly as Slack is reported to.
func (b block) size() int {
	n := 0
	if b.Text != nil {
		n += utf8.RuneCountInString(b.Text.Text)
	}
	for _, f := range b.Fields {
		n += utf8.RuneCountInString(f.Text)
	}
	for _, el := range b.Elements {
		n += textSize(el)
	}
	return n
}

func textSize(raw json.RawMessage) int {
	var el struct {
		Text     json.RawMessage   `json:"text"`
		Elements []json.RawMessage `json:"elements"`
	}
	if json.Unmarshal(raw, &el) != nil {
		return 0
	}
	n := 0
	var text string
	var object textObject
	switch {
	case json.Unmarshal(el.Text, &text) == nil:
		n = utf8.RuneCountInString(text)
	case json.Unmarshal(el.Text, &object) == nil:
		n = utf8.RuneCountInString(object.Text)
	}
	for _, inner := range el.Elements {
		n += textSize(inner)
	}
	return n
}

func tooLong(text string, most int) bool { return utf8.RuneCountInString(text) > most }

// checkMetadata tests that metadata has an event_type and an object as event_payload.
func checkMetadata(raw string) (json.RawMessage, error) {
	if raw == "" {
		return nil, nil
	}
	var m struct {
		EventType    string                     `json:"event_type"`
		EventPayload map[string]json.RawMessage `json:"event_payload"`
	}
	if json.Unmarshal([]byte(raw), &m) != nil || m.EventType == "" || m.EventPayload == nil {
		return nil, apiError("invalid_metadata_format")
	}
	return json.RawMessage(raw), nil
}
