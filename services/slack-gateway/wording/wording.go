// Package wording finds texts in the languages that there are.
package wording

import (
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Bundle holds the texts of one package; it is only read after it was loaded.
type Bundle struct{ bundle *i18n.Bundle }

// Load reads locales/ja.json and locales/en.json. It panics when an embedded file is broken, which the tests of whoever embeds it find.
func Load(locales fs.FS) Bundle {
	b := i18n.NewBundle(language.Japanese)
	b.RegisterUnmarshalFunc("json", json.Unmarshal)
	for _, lang := range []string{"ja", "en"} {
		if _, err := b.LoadMessageFileFS(locales, "locales/"+lang+".json"); err != nil {
			panic(fmt.Errorf("load the texts for %s: %w", lang, err))
		}
	}
	return Bundle{b}
}

// In returns the texts for a BCP 47 tag. There is Japanese and English; empty is Japanese, and another language gets the closer one.
func (b Bundle) In(lang string) Words { return Words{i18n.NewLocalizer(b.bundle, lang)} }

// Words are the texts of one language.
type Words struct{ localizer *i18n.Localizer }

// Say returns the text with the given key, filled with pairs of a name and its value. A key without a text stands for
// itself: a strange word in a message is better than no message.
func (w Words) Say(key string, pairs ...string) string {
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
