// Package slackapi calls Slack's Web API for one workspace and says of every failure what it means for a second try.
package slackapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/slack-go/slack"

	"github.com/slacktalk/slacktalk/internal/retry"
	"github.com/slacktalk/slacktalk/internal/secret"
	"github.com/slacktalk/slacktalk/internal/telemetry"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/slack-gateway/render"
)

// callTimeout bounds one call.
const callTimeout = 10 * time.Second

// CallTime is how long a call may take.
const CallTime = callTimeout

// metadataType marks our posts; the payload holds hashes only, because every app of the workspace can read it.
const metadataType = "slacktalk_post"

// Client calls Slack.
type Client struct {
	http  *http.Client
	base  string
	token secret.String
	// team is the workspace that the client acts in, where its token is an organisation's; empty otherwise.
	team string
	// latest answers the id by which Slack knows a channel now; nil where ids do not change.
	latest func(channel string) string
	made   atomic.Pointer[made]
}

// made is the library's client for one token.
type made struct {
	token string
	api   *slack.Client
}

// New makes a client; base ends in /api/.
func New(base string, token secret.String) *Client {
	client := &http.Client{Timeout: callTimeout, Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
	},
		// The token is in the form: it goes to the configured host only.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if !strings.HasSuffix(base, "/") {
		base += "/"
	}
	return &Client{http: client, base: base, token: token}
}

// api answers the library's client for the token in force, which may be replaced at any time.
func (c *Client) api() *slack.Client {
	token := c.token.Reveal()
	if last := c.made.Load(); last != nil && last.token == token {
		return last.api
	}
	// No retry option: the library would repeat a post whose outcome is unknown.
	next := &made{token: token, api: slack.New(token, slack.OptionAPIURL(c.base), slack.OptionHTTPClient(yes{c.http}))}
	c.made.Store(next)
	return next.api
}

// at answers what to call a channel to Slack, which may have given it another id since.
func (c *Client) at(channel string) string {
	if c.latest == nil {
		return channel
	}
	return c.latest(channel)
}

// Knowing answers the same client, which calls channels to Slack by what latest answers of their ids.
func (c *Client) Knowing(latest func(channel string) string) *Client {
	return &Client{http: c.http, base: c.base, token: c.token, team: c.team, latest: latest}
}

// Measure measures every call and makes its span; it is called before anything else, once.
func (c *Client) Measure(metrics prometheus.Registerer) {
	c.http.Transport = telemetry.NewOutbound("slack", c.http.Transport, c.method, metrics)
}

// method answers which method of the Web API a request calls. Everything else, like the addresses that Slack gives for answers, has one name.
func (c *Client) method(r *http.Request) string {
	if name, ok := strings.CutPrefix(r.URL.Scheme+"://"+r.URL.Host+r.URL.Path, c.base); ok {
		return name
	}
	return "other"
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Self asks who the app is.
func (c *Client) Self(ctx context.Context) (*slack.AuthTestResponse, error) {
	self, err := c.api().AuthTestContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("auth.test: %w", classify(err))
	}
	return self, nil
}

// Posted is where a post went.
type Posted struct {
	TS string
	// ThreadTS is empty when it stands in the channel itself.
	ThreadTS string
}

// Post posts message to channel, in the thread if one is named. marks are kept with it, so that it can be found; see Find.
// A post to a thread that is gone succeeds and lands in the channel: look at ThreadTS. One that Slack refuses because of the thread is an ErrThreadGone.
func (c *Client) Post(ctx context.Context, channel, thread string, message render.Message, marks []string) (Posted, error) {
	options := content(message)
	options = append(options, slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: metadataType, EventPayload: map[string]any{"marks": strings.Join(marks, " ")},
	}))
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	if from := message.Sender; from != nil {
		options = append(options, slack.MsgOptionUsername(from.Name))
		if from.Picture != "" {
			options = append(options, slack.MsgOptionIconURL(from.Picture))
		}
	}
	_, ts, answer, err := c.api().PostMessageWithResponseContext(ctx, c.at(channel), options...)
	if err == nil && ts == "" {
		err = errNoTS
	}
	if thread != "" && closed(err) {
		err = fmt.Errorf("%w: %w", ErrThreadGone, err)
	}
	if err != nil {
		return Posted{}, fmt.Errorf("chat.postMessage to %s: %w", channel, classify(err))
	}
	return Posted{TS: ts, ThreadTS: answer.ThreadTimestamp}, nil
}

func content(message render.Message) []slack.MsgOption {
	options := []slack.MsgOption{slack.MsgOptionText(message.Text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl()}
	if len(message.Blocks) > 0 {
		options = append(options, slack.MsgOptionBlocks(message.Blocks...))
	}
	return options
}

// ErrNotThere is answered when somebody is not in the channel in which they would be told something.
var ErrNotThere = errors.New("the member is not in the channel")

// Private shows message to one member only; in the thread if one is named.
func (c *Client) Private(ctx context.Context, channel, thread, member string, message render.Message) error {
	options := content(message)
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	_, err := c.api().PostEphemeralContext(ctx, c.at(channel), member, options...)
	if code(err) == "user_not_in_channel" {
		err = fmt.Errorf("%w: %w", ErrNotThere, err)
	}
	if err != nil {
		return fmt.Errorf("chat.postEphemeral to %s: %w", channel, classify(err))
	}
	return nil
}

// Delete removes a message of ours; one that is gone already is no error.
func (c *Client) Delete(ctx context.Context, channel, ts string) error {
	_, _, err := c.api().DeleteMessageContext(ctx, c.at(channel), ts)
	if err != nil && code(err) != "message_not_found" {
		return fmt.Errorf("chat.delete in %s: %w", channel, classify(err))
	}
	return nil
}

// React adds a reaction; one that is there already, or whose message is gone, is no error.
func (c *Client) React(ctx context.Context, channel, ts, name string) error {
	err := c.api().AddReactionContext(ctx, name, slack.NewRefToMessage(c.at(channel), ts))
	if err != nil && code(err) != "already_reacted" && code(err) != "message_not_found" {
		return fmt.Errorf("reactions.add in %s: %w", channel, classify(err))
	}
	return nil
}

// Unreact removes a reaction; one that is not there is no error.
func (c *Client) Unreact(ctx context.Context, channel, ts, name string) error {
	err := c.api().RemoveReactionContext(ctx, name, slack.NewRefToMessage(c.at(channel), ts))
	if err != nil && code(err) != "no_reaction" && code(err) != "message_not_found" {
		return fmt.Errorf("reactions.remove in %s: %w", channel, classify(err))
	}
	return nil
}

// ErrThreadGone is answered when a thread does not exist any more, and by Post also when it takes no replies.
var ErrThreadGone = errors.New("slack thread no longer exists")

// pages bounds how much of a thread or channel is read to find a post.
const pages = 20

// Find looks for the post with mark, in a thread (its head included) or, when thread is empty, in the channel, among what was posted
// since. It reads history, which Slack limits tightly, so it is for unknown outcomes only.
func (c *Client) Find(ctx context.Context, channel, thread, mark string, since time.Time) (at Posted, found bool, err error) {
	cursor, oldest := "", strconv.FormatInt(since.Unix(), 10)+".000000"
	for range pages {
		var messages []slack.Message
		messages, cursor, err = c.page(ctx, channel, thread, oldest, cursor)
		if code(err) == "thread_not_found" {
			return Posted{}, false, fmt.Errorf("look for a post in %s: %w", channel, ErrThreadGone)
		}
		if err != nil {
			return Posted{}, false, fmt.Errorf("look for a post in %s: %w", channel, classify(err))
		}
		for _, message := range messages {
			marks, _ := message.Metadata.EventPayload["marks"].(string)
			if message.Metadata.EventType != metadataType || !strings.Contains(" "+marks+" ", " "+mark+" ") {
				continue
			}
			if message.Timestamp == "" { // a post without its id can be neither answered under nor deleted: nothing that we could go on with
				err = fmt.Errorf("look for a post in %s: found without its ts", channel)
				return Posted{}, false, retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, err)
			}
			return Posted{TS: message.Timestamp, ThreadTS: message.ThreadTimestamp}, true, nil
		}
		if cursor == "" {
			return Posted{}, false, nil
		}
	}
	err = fmt.Errorf("look for a post in %s: not among the first %d pages, and there are more", channel, pages)
	return Posted{}, false, retry.Permanent(eventv1.FailureReason_FAILURE_REASON_OUTCOME_UNKNOWN, err)
}

func (c *Client) page(ctx context.Context, channel, thread, oldest, cursor string) ([]slack.Message, string, error) {
	if thread != "" {
		messages, _, next, err := c.api().GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: c.at(channel), Timestamp: thread, Oldest: oldest, Cursor: cursor, Limit: 200, IncludeAllMetadata: true, Inclusive: true,
		})
		return messages, next, err
	}
	answer, err := c.api().GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: c.at(channel), Oldest: oldest, Cursor: cursor, Limit: 200, IncludeAllMetadata: true, Inclusive: true,
	})
	if err != nil {
		return nil, "", err
	}
	return answer.Messages, answer.ResponseMetaData.NextCursor, nil
}

// User asks about a member; nil when Slack knows none.
func (c *Client) User(ctx context.Context, id string) (*slack.User, error) {
	user, err := c.api().GetUserInfoContext(ctx, id)
	if code(err) == "user_not_found" || code(err) == "user_not_visible" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("users.info: %w", classify(err))
	}
	return user, nil
}

// UserGroups answers the handles of the workspace's groups by id.
func (c *Client) UserGroups(ctx context.Context) (map[string]string, error) {
	groups, err := c.api().GetUserGroupsContext(ctx, slack.GetUserGroupsOptionTeamID(c.team))
	if err != nil {
		return nil, fmt.Errorf("usergroups.list: %w", classify(err))
	}
	handles := map[string]string{}
	for _, group := range groups {
		handles[group.ID] = group.Handle
	}
	return handles, nil
}

// Channel answers the name of a public channel; empty for private and unknown ones.
func (c *Client) Channel(ctx context.Context, id string) (string, error) {
	channel, err := c.api().GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: c.at(id)})
	if code(err) == "channel_not_found" {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("conversations.info: %w", classify(err))
	}
	if channel.IsPrivate {
		return "", nil
	}
	return channel.Name, nil
}
