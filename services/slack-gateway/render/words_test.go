package render

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func texts(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := locales.ReadFile("locales/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]string
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLanguagesHaveTheSameTexts(t *testing.T) {
	ja, en := texts(t, "ja"), texts(t, "en")
	if a, b := slices.Sorted(maps.Keys(ja)), slices.Sorted(maps.Keys(en)); !slices.Equal(a, b) {
		t.Fatalf("keys differ: ja %v, en %v", a, b)
	}
	blank := regexp.MustCompile(`{{[^}]*}}`)
	for key := range ja {
		a, b := blank.FindAllString(ja[key], -1), blank.FindAllString(en[key], -1)
		if slices.Sort(a); !slices.Equal(a, slices.Sorted(slices.Values(b))) {
			t.Errorf("%s is filled differently: ja %v, en %v", key, a, b)
		}
		if strings.TrimSpace(ja[key]) == "" || strings.TrimSpace(en[key]) == "" {
			t.Errorf("%s is empty", key)
		}
	}
}

var keyShape = regexp.MustCompile(`^(assignee|button|card|chosen|give|head|line|notice|sender)(_[a-z]+)*$`)

// TestEveryTextIsUsed reads the literals of this package's sources, because that is where keys stand.
func TestEveryTextIsUsed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && keyShape.MatchString(s) {
					used[s] = true
				}
			}
			return true
		})
	}
	if a, b := slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(texts(t, "ja"))); !slices.Equal(a, b) {
		t.Errorf("used keys\n%v\nare not the keys of the files\n%v", a, b)
	}
}

func TestWordsIn(t *testing.T) {
	for lang, want := range map[string]string{
		"ja": "お客様", "ja-JP": "お客様", "": "お客様", "not a tag": "お客様", "en": "Customer", "en-US": "Customer",
	} {
		if got := wordsIn(lang).say("line_customer"); got != want {
			t.Errorf("%q: %q, want %q", lang, got, want)
		}
	}
	if got := wordsIn("en").say("no_such_key"); got != "no_such_key" {
		t.Errorf("unknown key: %q", got)
	}
}
