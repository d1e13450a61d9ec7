package inbound

import "time"

// Kind says which of Slack's outer payloads a body is.
type Kind uint8

// The kinds of outer payload.
const (
	// KindUnknown is a payload of a type we do not know; it is to be acknowledged all the same.
	KindUnknown Kind = iota
	// KindURLVerification asks for Challenge to be echoed. It is signed like any other request.
	KindURLVerification
	// KindEvent carries an event, for [Translate].
	KindEvent
	// KindRateLimited tells that Slack withheld events of a minute.
	KindRateLimited
)

// Parsed is the outer payload of a request to the events URL.
type Parsed struct {
	Kind Kind
	// Challenge is set for KindURLVerification only.
	Challenge string
	// EventID is globally unique and stays the same when Slack delivers again.
	EventID string
	// Team is the workspace of the installation that may see the event, not necessarily the author's. It is as Slack
	// gave it: check it before use in a subject.
	Team string
	// Enterprise is the organisation of the installation, where Slack names one.
	Enterprise string
	// AppID is the app that the event was sent to.
	AppID string
	// EventTime is Slack's, in whole seconds; for KindRateLimited the minute concerned. Zero when Slack did not say.
	EventTime time.Time
	// EventType is the type of the inner event, such as `message` or `app_uninstalled`.
	EventType string
	// EventUser is the `user` of the inner event where it is a plain id, as in app_home_opened.
	EventUser string

	event object
}

// Envelope decodes the body of a request to the events URL. Unknown fields are ignored and so are wrong types in parts
// that are not needed. The only error is [ErrMalformed]: the body is not one JSON object.
//
// Source of the fields: docs.slack.dev, "The Events API".
func Envelope(body []byte) (Parsed, error) {
	outer, err := decodeObject(body)
	if err != nil {
		return Parsed{}, err
	}
	p := Parsed{Team: outer.str("team_id"), AppID: outer.str("api_app_id")}
	switch outer.str("type") {
	case "url_verification":
		p.Kind, p.Challenge = KindURLVerification, outer.str("challenge")
	case "app_rate_limited":
		p.Kind, p.EventTime = KindRateLimited, unixTime(outer.integer("minute_rate_limited"))
	case "event_callback":
		p.Kind = KindEvent
		p.EventID = outer.str("event_id")
		p.EventTime = unixTime(outer.integer("event_time"))
		authorization := asObject(first(outer.list("authorizations")))
		p.Team, p.Enterprise = either(authorization.str("team_id"), p.Team), authorization.str("enterprise_id")
		p.event = outer.obj("event")
		p.EventType, p.EventUser = p.event.str("type"), p.event.str("user")
	}
	return p, nil
}

// first answers the first of a list; an organisation-wide authorization names no team.
func first(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func unixTime(seconds int64) time.Time {
	if seconds <= 0 || seconds > lastSecond {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
