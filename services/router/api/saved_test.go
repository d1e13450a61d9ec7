package api

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func TestSavedRepliesAreListedInPages(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	s := &savedReplies{store: settings.New(client, time.Now)}
	for _, id := range []string{"c", "a", "b"} {
		if _, err := s.CreateSavedReply(t.Context(), &settingsv1.CreateSavedReplyRequest{Parent: "projects/demo", SavedReplyId: id, SavedReply: savedReply("demo", id)}); err != nil {
			t.Fatal(err)
		}
	}
	seen, token := "", ""
	for range 3 {
		page, err := s.ListSavedReplies(t.Context(), &settingsv1.ListSavedRepliesRequest{Parent: "projects/demo", PageSize: 1, PageToken: token})
		if err != nil || len(page.GetSavedReplies()) != 1 {
			t.Fatalf("%v, %v", page, err)
		}
		seen, token = seen+page.GetSavedReplies()[0].GetName()[len("projects/demo/savedReplies/"):], page.GetNextPageToken()
	}
	if seen != "abc" || token != "" {
		t.Errorf("%s, then %q", seen, token)
	}
	_, err := s.CreateSavedReply(t.Context(), &settingsv1.CreateSavedReplyRequest{Parent: "projects/demo", SavedReplyId: "x", SavedReply: savedReply("other", "x")})
	if status.Code(toStatus(err).Err()) != codes.InvalidArgument {
		t.Errorf("another project's: %v", err)
	}
}
