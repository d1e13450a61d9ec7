// Package canary finds in logs what no log may hold: a secret, a text that somebody wrote, a person's name.
package canary

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Words are what must not be found, with what each is.
type Words map[string]string

// short are texts that would be found by chance.
const short = 6

// word is a text that a line may hold by chance, however long it is.
var word = regexp.MustCompile(`^[A-Za-z_ -]*$`)

// Note adds a text, unless a line may hold it by chance.
func (w Words) Note(text, what string) {
	if utf8.RuneCountInString(text) >= short && (!word.MatchString(text) || strings.Count(text, " ") > 2) {
		w[text] = what
	}
}

// Found answers an error for each of the words that logs hold, with the line.
func (w Words) Found(logs string) error {
	var problems []error
	for word, what := range w {
		quoted := strings.Trim(fmt.Sprintf("%q", word), `"`)
		at := strings.Index(logs, word)
		if at < 0 {
			at = strings.Index(logs, quoted)
		}
		if word != "" && at >= 0 {
			problems = append(problems, fmt.Errorf("%s is in a log: %s", what, Line(logs, at)))
		}
	}
	return errors.Join(problems...)
}

// Line answers the line of logs around a place.
func Line(logs string, at int) string {
	line := logs[strings.LastIndexByte(logs[:at], '\n')+1:]
	line, _, _ = strings.Cut(line, "\n")
	return line
}
