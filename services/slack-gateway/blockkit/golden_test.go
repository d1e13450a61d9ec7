package blockkit_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slacktalk/slacktalk/services/slack-gateway/blockkit"
)

// notBlocks are packages whose golden files are no messages or views.
var notBlocks = map[string]bool{"inbound": true, "manifest": true}

// Every golden file of every package of the service is looked at, those that are still to be written as well.
func TestEveryGoldenFileKeepsSlacksLimits(t *testing.T) {
	looked := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "testdata") || filepath.Ext(path) != ".json" {
			return err
		}
		if rel := strings.Split(filepath.ToSlash(path), "/"); notBlocks[rel[1]] {
			return nil
		}
		looked++
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		violations, err := blockkit.Golden(raw)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, v := range violations {
			t.Errorf("%s: %v", path, v)
		}
		return nil
	})
	if err != nil || looked < 80 {
		t.Fatalf("looked at %d golden files: %v", looked, err)
	}
}
