package settings_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	settingsv1 "github.com/slacktalk/slacktalk/proto/slacktalk/settings/v1"
	"github.com/slacktalk/slacktalk/services/router/settings"
)

func saved(id, title, text string) *settingsv1.SavedReply {
	return &settingsv1.SavedReply{Name: settings.SavedReplyName("demo", id), Title: title, Text: text}
}

func TestSavedRepliesAreKept(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store, ctx := newStore(client), t.Context()
		first, err := store.CreateSavedReply(ctx, saved("hello", "ご挨拶", "こんにちは、{customer} 様。"))
		if err != nil || first.GetEtag() == "" || first.GetUpdateTime() == nil {
			t.Fatalf("%v, %v", first, err)
		}
		if _, err := store.CreateSavedReply(ctx, saved("hello", "x", "y")); !errors.Is(err, settings.ErrSavedReplyExists) {
			t.Errorf("created twice: %v", err)
		}
		if _, err := store.CreateSavedReply(ctx, saved("Hello", "x", "y")); !errors.Is(err, settings.ErrInvalid) {
			t.Errorf("with a wrong id: %v", err)
		}
		changed, err := store.UpdateSavedReply(ctx, "demo", "hello", first.GetEtag(), func(r *settingsv1.SavedReply) { r.Text = "Hi, {operator}." })
		if err != nil || changed.GetText() != "Hi, {operator}." || changed.GetTitle() != "ご挨拶" || changed.GetEtag() == first.GetEtag() {
			t.Errorf("%v, %v", changed, err)
		}
		if _, err := store.UpdateSavedReply(ctx, "demo", "hello", first.GetEtag(), func(*settingsv1.SavedReply) {}); !errors.Is(err, settings.ErrStale) {
			t.Errorf("with a stale etag: %v", err)
		}
		if _, err := store.UpdateSavedReply(ctx, "demo", "none", "", func(*settingsv1.SavedReply) {}); !errors.Is(err, settings.ErrNoSavedReply) {
			t.Errorf("of none: %v", err)
		}
		if _, err := store.UpdateSavedReply(ctx, "demo", "hello", "", func(r *settingsv1.SavedReply) { r.Text = "" }); !errors.Is(err, settings.ErrInvalid) {
			t.Errorf("without a text: %v", err)
		}
		if err := store.DeleteSavedReply(ctx, "demo", "hello", first.GetEtag()); !errors.Is(err, settings.ErrStale) {
			t.Errorf("deleted with a stale etag: %v", err)
		}
		if err := store.DeleteSavedReply(ctx, "demo", "hello", changed.GetEtag()); err != nil {
			t.Error(err)
		}
		if _, err := store.GetSavedReply(ctx, "demo", "hello"); !errors.Is(err, settings.ErrNoSavedReply) {
			t.Errorf("after that: %v", err)
		}
		if err := store.DeleteSavedReply(ctx, "demo", "hello", ""); !errors.Is(err, settings.ErrNoSavedReply) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestSavedRepliesAreFoundByTheirWords(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store, ctx := newStore(client), t.Context()
		for id, words := range map[string][2]string{"b": {"Delivery", "It arrives tomorrow."}, "a": {"返品", "返品を承ります。"}, "c": {"Apology", "We are sorry for the delivery."}} {
			if _, err := store.CreateSavedReply(ctx, saved(id, words[0], words[1])); err != nil {
				t.Fatal(err)
			}
		}
		for query, want := range map[string][]string{"": {"c", "b", "a"}, "DELIVERY": {"c", "b"}, "delivery sorry": {"c"}, "返品": {"a"}, "nothing": nil} {
			found, err := store.SavedReplies(ctx, "demo", query)
			var ids []string
			for _, r := range found {
				_, id, _ := settings.ParseSavedReplyName(r.GetName())
				ids = append(ids, id)
			}
			if err != nil || !slices.Equal(ids, want) {
				t.Errorf("%q: %v, %v", query, ids, err)
			}
		}
		if other, err := store.SavedReplies(ctx, "other", ""); err != nil || len(other) != 0 {
			t.Errorf("of another project: %v, %v", other, err)
		}
	})
}

func TestAProjectHasAtMostFiveHundredSavedReplies(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store, ctx := newStore(client), t.Context()
		for i := range settings.MaxSavedReplies {
			if _, err := store.CreateSavedReply(ctx, saved(fmt.Sprint("r", i), "t", "x")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := store.CreateSavedReply(ctx, saved("more", "t", "x")); !errors.Is(err, settings.ErrTooManySavedReplies) {
			t.Errorf("%v", err)
		}
		if _, err := store.UpdateSavedReply(ctx, "demo", "r0", "", func(r *settingsv1.SavedReply) { r.Text = "y" }); err != nil {
			t.Errorf("the full project's are changed: %v", err)
		}
	})
}

func TestSavedRepliesAreExportedAndImported(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store, ctx := newStore(client), t.Context()
		if _, err := store.CreateSavedReply(ctx, saved("hello", "ご挨拶", "一行目\n二行目")); err != nil {
			t.Fatal(err)
		}
		document, err := store.Export(ctx, "demo")
		if err != nil || !bytes.Contains(document, []byte("savedReplies/hello")) {
			t.Fatalf("%s, %v", document, err)
		}
		if _, err := store.CreateSavedReply(ctx, saved("later", "t", "x")); err != nil {
			t.Fatal(err)
		}
		// A document of an earlier version has none: those that are there stay.
		if _, _, err := store.Import(ctx, "demo", []byte(`{teamSettings: {name: "projects/demo/teamSettings"}}`)); err != nil {
			t.Fatal(err)
		}
		if all, err := store.SavedReplies(ctx, "demo", ""); err != nil || len(all) != 2 {
			t.Errorf("%v, %v", all, err)
		}
		if _, _, err := store.Import(ctx, "demo", document); err != nil {
			t.Fatal(err)
		}
		all, err := store.SavedReplies(ctx, "demo", "")
		if err != nil || len(all) != 1 || all[0].GetText() != "一行目\n二行目" || all[0].GetEtag() == "" {
			t.Errorf("%v, %v", all, err)
		}
		bad := bytes.Replace(document, []byte("projects/demo/savedReplies"), []byte("projects/other/savedReplies"), 1)
		if _, _, err := store.Import(ctx, "demo", bad); !errors.Is(err, settings.ErrInvalid) {
			t.Errorf("of another project: %v", err)
		}
	})
}
