package bench

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// form is how one of the outside systems signs what it sends.
type form struct {
	name, path, secret          string
	prefix, joint               string // of what is signed, around the time
	timeHeader, signatureHeader string
	version                     string // before the signature
}

var (
	karteForm = form{
		name: "karte", path: "/hooks/karte", secret: clientSecret, joint: ":",
		timeHeader: "X-Karte-Request-Timestamp", signatureHeader: "X-Karte-Signature",
	}
	slackForm = form{
		name: "slack", path: "/slack/events", secret: signingSecret, prefix: "v0:", joint: ":", version: "v0=",
		timeHeader: "X-Slack-Request-Timestamp", signatureHeader: "X-Slack-Signature",
	}
)

func (f form) sign(stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(f.secret))
	_, _ = io.WriteString(mac, f.prefix+stamp+f.joint)
	mac.Write(body)
	return f.version + hex.EncodeToString(mac.Sum(nil))
}

// verify is what the references do, and no more.
func (f form) verify(header http.Header, body []byte) bool {
	return hmac.Equal([]byte(header.Get(f.signatureHeader)), []byte(f.sign(header.Get(f.timeHeader), body)))
}

// request writes a signed request.
func (f form) request(addr string, body []byte) []byte {
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	head := fmt.Appendf(make([]byte, 0, len(body)+400), "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%s: %s\r\n%s: %s\r\nContent-Length: %d\r\n\r\n",
		f.path, addr, f.timeHeader, stamp, f.signatureHeader, f.sign(stamp, body), len(body))
	return append(head, body...)
}

// caller is one connection. net/http's client would take more of the machine than what is measured.
type caller struct {
	conn   net.Conn
	answer *bufio.Reader
}

func dial(ctx context.Context, addr string) (*caller, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &caller{conn: conn, answer: bufio.NewReader(conn)}, nil
}

// post makes a request and wants 200.
func (c *caller) post(request []byte) error {
	_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := c.conn.Write(request); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	response, err := http.ReadResponse(c.answer, nil)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return err
}

// hammer sends as fast as the answers come, over connections at once, and answers how many were taken, altogether and per second.
func hammer(ctx context.Context, s Sizes, addr string, f form, body func(n int) []byte) (all int, perSecond float64, err error) {
	var numbers, taken atomic.Int64
	counting, ending := time.Now().Add(s.Warm), time.Now().Add(s.Warm+s.Span)
	var group sync.WaitGroup
	failures := make(chan error, s.Connections)
	for range s.Connections {
		group.Go(func() {
			c, err := dial(ctx, addr)
			if err != nil {
				failures <- err
				return
			}
			defer func() { _ = c.conn.Close() }()
			for ctx.Err() == nil {
				if err := c.post(f.request(addr, body(int(numbers.Add(1))))); err != nil {
					failures <- err
					return
				}
				now := time.Now()
				if now.After(ending) {
					return
				}
				if now.After(counting) {
					taken.Add(1)
				}
			}
		})
	}
	group.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	return int(numbers.Load()), float64(taken.Load()) / s.Span.Seconds(), errors.Join(err, ctx.Err())
}

// words are what customers and operators write, beside the mark.
const words = "注文した商品がまだ届きません。配送状況を教えていただけますか？よろしくお願いいたします。"

// customer is somebody who writes from a page that is routed to a channel.
type customer struct {
	user            string
	channel, thread string
	path            string
}

// hookBody is the hook of a customer's message, as the stand-in makes it.
func hookBody(c customer, id, text string) []byte {
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	return fmt.Appendf(nil, `{"id":%q,"event_type":"talk/message/sendFromUser","client_id":"demo-client","api_key":%q,"data":{"content":{"text":%q,"image":null},"user_id":%q,"visitor_id":"","account_id":null,"sender_id":null,"profile_name":null,"date":%q},"extra":{"access_uri":{"url":"https://%s%s","protocol":"https","host":%q,"path":%q,"anchor":"","query":"","queryKey":{}}}}`,
		id, project, text, c.user, now, page, c.path, page, c.path)
}

// hookID is unlike any other run's.
func hookID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// eventBody is the event of a reply in a thread, as the stand-in makes it.
func eventBody(n int) []byte {
	ts := fmt.Sprintf("%d.%06d", 1_790_000_000+n/1_000_000, n%1_000_000)
	text := words + mark(n)
	return fmt.Appendf(nil, `{"token":"deprecated-verification-token","team_id":%q,"context_team_id":%q,"context_enterprise_id":null,"api_app_id":"A0DEMO1","event":{"type":"message","user":%q,"team":%q,"text":"%s","ts":%q,"thread_ts":"1789999999.%06d","parent_user_id":"U0BOT","client_msg_id":"00000000-0000-4000-8000-%012x","blocks":[{"type":"rich_text","block_id":"b1","elements":[{"type":"rich_text_preformatted","elements":[{"type":"text","text":%q}],"border":0}]}],"channel":%q,"channel_type":"channel","event_ts":%q},"type":"event_callback","event_id":"Ev%08X","event_time":%d,"authorizations":[{"enterprise_id":null,"team_id":%q,"user_id":"U0BOT","is_bot":true,"is_enterprise_install":false}],"is_ext_shared_channel":false,"event_context":"4-Ev%08X"}`,
		team, team, member, team, "```"+text+"```", ts, n%1000, n, text, channelID(0), ts, n, time.Now().Unix(), team, n)
}
