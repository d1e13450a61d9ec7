package hook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
)

const (
	visitorPrefix = "vis-"
	botPrefix     = "bot-"
)

// customer reads user_id and visitor_id, or returns nil when both are empty. A user_id with the visitor prefix is a
// visitor id: KARTE fills the field so where it has only the one (assign hooks, Datahub).
func customer(from object) *eventv1.Customer {
	user, visitor := idOf(from["user_id"]), idOf(from["visitor_id"])
	if strings.HasPrefix(user, visitorPrefix) {
		user, visitor = "", user
	}
	if user == "" && visitor == "" {
		return nil
	}
	return &eventv1.Customer{UserId: user, VisitorId: visitor}
}

func customerMessage(data, extra object) *eventv1.CustomerMessage {
	text, image := content(data["content"])
	return &eventv1.CustomerMessage{Text: text, ImageUrl: image, Page: page(extra["access_uri"])}
}

// operatorMessage reads the same object as customerMessage does, with its author. For bots account_id may be null and
// sender_id the bot's id.
func operatorMessage(data object) *eventv1.OperatorMessage {
	text, image := content(data["content"])
	id := firstOf(idOf(data["account_id"]), idOf(data["sender_id"]))
	return &eventv1.OperatorMessage{
		Operator: &eventv1.Operator{
			Id: id, Name: stringOf(data["profile_name"]), Bot: strings.HasPrefix(id, botPrefix), PictureUrl: picture(data),
		},
		Text:     text,
		ImageUrl: image,
	}
}

// picture reads where the operator's picture is. That KARTE tells it is not documented: it is taken when it does, under a name like that of profile_name.
func picture(data object) string {
	return firstOf(stringOf(data["profile_image_url"]), firstOf(stringOf(data["profile_image"]), stringOf(data["icon_url"])))
}

// assigned reads data.operator. An empty id, null or an absent operator all mean that nobody is assigned; data or an
// operator of another type is refused, because guessing would take the conversation away from somebody.
func assigned(data object) (*eventv1.Assigned, error) {
	if data == nil {
		return nil, fmt.Errorf("%w: %s has no data", ErrMalformed, TypeAssign)
	}
	if missing(data["operator"]) {
		return &eventv1.Assigned{}, nil
	}
	operator := members(data["operator"], "id", "profile_name", "is_bot")
	if operator == nil {
		return nil, fmt.Errorf("%w: operator of %s is not an object", ErrMalformed, TypeAssign)
	}
	id := idOf(operator["id"])
	if id == "" {
		return &eventv1.Assigned{}, nil
	}
	return &eventv1.Assigned{Operator: &eventv1.Operator{
		Id:   id,
		Name: stringOf(operator["profile_name"]),
		Bot:  kindOf(operator["is_bot"]) == 't' || strings.HasPrefix(id, botPrefix),
	}}, nil
}

// content returns text and image. Only an object is documented; a bare string is read as the text. A text that is
// not a string is shown as the JSON it is, so that staff see that something was written.
func content(raw json.RawMessage) (text, image string) {
	if kindOf(raw) == '"' {
		return stringOf(raw), ""
	}
	fields := members(raw, "text", "image")
	text = stringOf(fields["text"])
	if t := fields["text"]; text == "" && !missing(t) && kindOf(t) != '"' {
		text = validUTF8(t)
	}
	return text, imageURL(fields["image"])
}

// imageURL reads content.image, whose form is not documented beyond null: a string, or an object with the address as
// url or src. Any other value says that there is an image without saying where: it is returned as the JSON it is,
// which is not an address but tells the reader that something was sent. Empty values and false mean none.
func imageURL(raw json.RawMessage) string {
	switch kindOf(raw) {
	case 0, 'n', 'f':
		return ""
	case '"':
		return stringOf(raw)
	case '{':
		fields := members(raw, "url", "src")
		if address := firstOf(stringOf(fields["url"]), stringOf(fields["src"])); address != "" {
			return address
		}
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil || compact.String() == "{}" || compact.String() == "[]" {
		return ""
	}
	return validUTF8(compact.Bytes())
}

// validUTF8 does for raw JSON what the decoder does for strings; protobuf refuses anything else.
func validUTF8(raw []byte) string { return strings.ToValidUTF8(string(raw), "\uFFFD") }

// page reads extra.access_uri, which is absent for native apps and other channels. A title is not documented and taken
// when there is one.
func page(raw json.RawMessage) *eventv1.Page {
	if kindOf(raw) == '"' {
		raw = json.RawMessage(`{"url":` + string(raw) + `}`)
	}
	fields := members(raw, "url", "title")
	url, title := stringOf(fields["url"]), stringOf(fields["title"])
	if url == "" && title == "" {
		return nil
	}
	return &eventv1.Page{Url: url, Title: title}
}

// dateLayouts are tried in turn; the first is documented. Fractions of a second are accepted by all of them.
var dateLayouts = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"}

// parseDate reads an ISO 8601 date (UTC where it names no zone) or a Unix time in seconds or milliseconds.
func parseDate(raw json.RawMessage) (time.Time, bool) {
	s := idOf(raw)
	at, ok := time.Time{}, false
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			at, ok = t, true
			break
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		at, ok = unixTime(n), true
	}
	return at, ok && timestamppb.New(at).IsValid()
}

// unixTime takes numbers above 1e11 for milliseconds: as seconds they would lie after the year 5000.
func unixTime(n int64) time.Time {
	if n > 1e11 {
		return time.UnixMilli(n)
	}
	return time.Unix(n, 0)
}
