package chaos

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"
)

// kind of a text: the letter that its marks begin with.
type kind string

const (
	fromCustomer kind = "m" // written by a customer, to be seen in their thread
	reply        kind = "r" // written by the operator as one code block, to be sent to the customer
	note         kind = "n" // written by the operator without one, to be kept for staff
)

// sent is a text that was written on one side.
type sent struct {
	kind     kind
	customer int
	text     string
	// marks are unique words in the text, in order; the last one ends it.
	marks []string
	at    time.Time
	ts    string // of the operator's line
}

// markPattern finds marks: kind, customer, number, and in long texts the part.
var markPattern = regexp.MustCompile(`\b([mrn])(\d{4})x(\d{5})(p\d{2})?\b`)

var phrases = []string{
	"こんにちは。注文した本がまだ届きません 📦", "ありがとうございます！", "A & B <c> はどちらですか？", "返品したいです。\n注文番号は 12345 です",
	"👨‍👩‍👧‍👦 家族で使えますか", "Is it in stock?", "「半角ｶﾅ」と﨑の字",
	// Only customers write what comes behind: typed by an operator it would be a real mention.
	"<!channel> という文字も届きますか",
}

// compose makes the n-th text of a kind for a customer. The texts of a customer and their numbers are the same for the same seed.
func compose(r *rand.Rand, k kind, customer, n int, long bool) sent {
	id := fmt.Sprintf("%s%sx%05d", k, customerNumber(customer), n)
	s := sent{kind: k, customer: customer}
	var text strings.Builder
	if long {
		for part := range 30 {
			mark := fmt.Sprintf("%sp%02d", id, part)
			s.marks = append(s.marks, mark)
			text.WriteString(mark + " " + strings.Repeat("とても長い問い合わせです。", 9) + "\n")
		}
	}
	choice := phrases
	if k != fromCustomer {
		choice = phrases[:len(phrases)-1]
	}
	text.WriteString(choice[r.IntN(len(choice))] + " " + id)
	s.text, s.marks = text.String(), append(s.marks, id)
	return s
}

// marksIn answers the marks of some kinds in a text, in order.
func marksIn(text string, kinds ...kind) []string {
	var found []string
	for _, mark := range markPattern.FindAllString(text, -1) {
		for _, k := range kinds {
			if strings.HasPrefix(mark, string(k)) {
				found = append(found, mark)
			}
		}
	}
	return found
}

// messageOf answers the id of the text that a mark belongs to.
func messageOf(mark string) string {
	id, _, _ := strings.Cut(mark, "p")
	return id
}
