package render

import (
	"embed"
	"encoding/json"
	"fmt"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed locales/*.json
var locales embed.FS

// bundle holds every text; it is only read after this.
var bundle = loadBundle()

// loadBundle panics when an embedded file is broken, which the tests of this package find.
func loadBundle() *i18n.Bundle {
	b := i18n.NewBundle(language.Japanese)
	b.RegisterUnmarshalFunc("json", json.Unmarshal)
	for _, lang := range []string{"ja", "en"} {
		if _, err := b.LoadMessageFileFS(locales, "locales/"+lang+".json"); err != nil {
			panic(fmt.Errorf("load the texts for %s: %w", lang, err))
		}
	}
	return b
}

// words are the texts of one language.
type words struct{ localizer *i18n.Localizer }

// wordsIn returns the texts for a BCP 47 tag, see Options.Lang.
func wordsIn(lang string) words { return words{i18n.NewLocalizer(bundle, lang)} }

// say returns the text with the given key, filled with pairs of a name and its value. A key without a text stands for
// itself: a strange word in a message is better than no message.
func (w words) say(key string, pairs ...string) string {
	data := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i]] = pairs[i+1]
	}
	s, err := w.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data})
	if err != nil {
		return key
	}
	return s
}
