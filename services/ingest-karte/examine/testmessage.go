package examine

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/slacktalk/slacktalk/internal/examination"
	eventv1 "github.com/slacktalk/slacktalk/proto/slacktalk/event/v1"
	"github.com/slacktalk/slacktalk/services/ingest-karte/hook"
)

// The text of a test message. Nobody at KARTE has ever written it, and nobody is there to read an answer.
const (
	testJapanese = "これは診断（talkctl doctor --send-test）が送ったテストメッセージです。実在のお客様からのものではありません。返信は不要です。"
	testEnglish  = "This is a test message sent by the diagnostics (talkctl doctor --send-test). No customer wrote it. Please do not answer."
)

// TestMessage sends this replica a hook as KARTE would: over HTTP, signed, about a customer who does not exist. KARTE itself has no part in it.
func (e *Examiner) TestMessage(ctx context.Context, request *eventv1.TestMessageRequest) *eventv1.TestMessageResponse {
	id := examination.TestCustomer + strings.ToLower(rand.Text()[:12])
	response := &eventv1.TestMessageResponse{Id: id, Customer: &eventv1.Customer{UserId: id}, SentAt: timestamppb.New(e.Now())}
	if err := e.post(ctx, e.testHook(id, request.GetLanguage())); err != nil {
		e.Log.Warn("test message not taken", "event_id", id, "err", err)
		response.Error = err.Error()
	}
	response.AcceptedAt = timestamppb.New(e.Now())
	return response
}

// testHook is the body of a hook as the fact sheet describes it.
func (e *Examiner) testHook(id, language string) map[string]any {
	text := testJapanese
	if language == "en" {
		text = testEnglish
	}
	return map[string]any{
		"id": id, "event_type": "talk/message/sendFromUser", "api_key": e.Project,
		"data": map[string]any{
			"content": map[string]any{"text": text, "image": nil}, "user_id": id, "visitor_id": "",
			"date": e.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		},
	}
}

func (e *Examiner) post(ctx context.Context, body map[string]any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("make the hook: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.HookURL, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("make the hook: %w", err)
	}
	stamp := strconv.FormatInt(e.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(e.Secret.Reveal()))
	mac.Write([]byte(stamp + ":"))
	mac.Write(data)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(hook.TimestampHeader, stamp)
	request.Header.Set(hook.SignatureHeader, hex.EncodeToString(mac.Sum(nil)))
	answer, err := e.http.Do(request)
	if err != nil {
		return fmt.Errorf("send the hook to itself: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Result string `json:"result"`
		Error  string `json:"error"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return fmt.Errorf("read what the hook was answered: %w", err)
	}
	if answer.StatusCode != http.StatusOK || said.Result != "stored" {
		return fmt.Errorf("%w: %d %s%s", errNotTaken, answer.StatusCode, said.Result, said.Error)
	}
	return nil
}

// OwnURL answers where a service that listens on addr takes hooks, as it reaches itself.
func OwnURL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/hooks/karte"
}
