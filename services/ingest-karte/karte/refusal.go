package karte

import (
	"cmp"
	"fmt"
)

// Refusal is the error of a call that KARTE answered with anything but success.
type Refusal struct {
	Status int
	// Said is KARTE's own explanation, shortened; empty when it gave none.
	Said string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s", r.Status, cmp.Or(r.Said, unexplained)) }

const unexplained = "(no explanation)"

// Words is what KARTE answered, for people: they can do nothing with the path of the call.
func (r *Refusal) Words() string {
	if r.Said == "" {
		return fmt.Sprintf("HTTP %d", r.Status)
	}
	return fmt.Sprintf("%s (HTTP %d)", r.Said, r.Status)
}
