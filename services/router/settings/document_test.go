package settings_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"github.com/slacktalk/slacktalk/services/router/settings"
)

const smallDocument = `
teamSettings:
  name: projects/demo/teamSettings
  notificationsEnabled: true
  workspace: T0DEMO1
  channel: C0SUPPORT
operatorLinks:
- {name: projects/demo/operators/op1, slackMember: U0DEMO1}
- {name: projects/demo/operators/op2, slackMember: U0DEMO2, displayName: "山田 🎌"}
`

func TestExportIsWhatImportNeeds(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		if _, err := store.SetLink(t.Context(), link("op9", "U0DEMO1", "")); err != nil {
			t.Fatal(err)
		}
		before := mustUpdate(t, store)
		if _, _, err := store.Import(t.Context(), "demo", []byte(smallDocument)); err != nil {
			t.Fatal(err)
		}
		first, err := store.Export(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		client.FlushAll(t.Context())
		if _, _, err := store.Import(t.Context(), "demo", first); err != nil {
			t.Fatal(err)
		}
		second, err := store.Export(t.Context(), "demo")
		if err != nil || string(second) != string(first) {
			t.Errorf("%v; exported\n%s\nthen\n%s", err, first, second)
		}
		after, err := store.GetTeam(t.Context(), "demo")
		if err != nil || after.GetEtag() == before.GetEtag() {
			t.Errorf("the etag of before the import is still good: %v", err)
		}
		after.Etag, before.Etag = "", ""
		if !proto.Equal(after, before) {
			t.Errorf("got %v, want %v", after, before)
		}
		wantPair(t, store, "demo", "op2", "U0DEMO2")
		wantIndexInStep(t, client, "demo")
	})
}

func TestAnEmptyProjectIsExportedToo(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		doc, err := store.Export(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.Import(t.Context(), "demo", doc); err != nil {
			t.Errorf("import of\n%s: %v", doc, err)
		}
	})
}

func TestEveryTextIsExportedAndComesBack(t *testing.T) {
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		store := newStore(client)
		for _, text := range []string{"\x00\x1b\x7f", "\u0085", "\u009b", "\ufeff", "\ufffe", "\uffff", "\u2028\u202e", "\U0001fffe\U0010ffff", "*a &b", "- a: \"b\" # c\n\td", " "} {
			op1 := link("op1", "U0DEMO1", "")
			op1.DisplayName = text
			stored, err := store.SetLink(t.Context(), op1)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			document, err := store.Export(t.Context(), "demo")
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if _, _, err := store.Import(t.Context(), "demo", document); err != nil {
				t.Fatalf("%q: import of\n%s: %v", text, document, err)
			}
			back, err := store.GetLink(t.Context(), "demo", "op1")
			if err != nil || back.GetDisplayName() != stored.GetDisplayName() {
				t.Errorf("%q came back as %q: %v", stored.GetDisplayName(), back.GetDisplayName(), err)
			}
			client.FlushAll(t.Context())
		}
	})
}

func TestImportRefusals(t *testing.T) {
	replace := func(from, to string) string { return strings.Replace(smallDocument, from, to, 1) }
	documents := map[string]string{
		"empty":             "",
		"no yaml":           "\t{",
		"unknown part":      smallDocument + "\nmore: 1\n",
		"unknown field":     replace("channel:", "chanel:"),
		"on, no channel":    replace("  channel: C0SUPPORT\n", ""),
		"bad member":        replace("U0DEMO2", "yamada"),
		"member twice":      replace("U0DEMO2", "U0DEMO1"),
		"operator twice":    replace("operators/op2", "operators/op1"),
		"other project":     replace("projects/demo/team", "projects/demo2/team"),
		"link of another":   replace("projects/demo/operators/op1", "projects/demo2/operators/op1"),
		"link without name": replace("name: projects/demo/operators/op1, ", ""),
		"alias":             replace("channel: C0SUPPORT", "channel: &c C0SUPPORT\n  greeting: *c"),
		"merged alias":      replace("  channel: C0SUPPORT", "  <<: &c {channel: C0SUPPORT}") + "- {<<: *c}\n",
	}
	eachRedis(t, func(t *testing.T, client redis.UniversalClient) {
		for name, doc := range documents {
			if _, _, err := newStore(client).Import(t.Context(), "demo", []byte(doc)); !errors.Is(err, settings.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if keys := client.Keys(t.Context(), "*").Val(); len(keys) > 0 {
			t.Errorf("refused imports left %v", keys)
		}
	})
}

func TestADocumentDoesNotFillTheMemory(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // it is not asked
	defer client.Close()
	store := newStore(client)
	for name, document := range map[string]string{
		"a long value many times": "teamSettings: {name: &a " + strings.Repeat("A", 60_000) + ", x: [" + strings.Repeat("*a,", 2_000) + "]}",
		"merged many times":       "a: &a {k: " + strings.Repeat("A", 60_000) + "}\nb:\n" + strings.Repeat("- {<<: *a}\n", 2_000),
		"deep":                    "teamSettings: " + strings.Repeat("[", 90_000),
		"many keys":               strings.Repeat("? ", 90_000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := store.Import(t.Context(), "demo", []byte(document))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, settings.ErrInvalid) {
			t.Errorf("%s: %.200v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 {
			t.Errorf("%s: %d bytes of YAML took %d MiB", name, len(document), used>>20)
		}
	}
}
