package render

import (
	"embed"

	"github.com/slacktalk/slacktalk/services/slack-gateway/wording"
)

//go:embed locales/*.json
var locales embed.FS

var bundle = wording.Load(locales)

// words are the texts of one language.
type words struct{ wording.Words }

// wordsIn returns the texts for a BCP 47 tag, see Options.Lang.
func wordsIn(lang string) words { return words{bundle.In(lang)} }

// say returns the text with the given key, filled with pairs of a name and its value.
func (w words) say(key string, pairs ...string) string { return w.Say(key, pairs...) }
