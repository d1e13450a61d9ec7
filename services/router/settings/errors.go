package settings

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrStale is returned when what was to be changed is no longer what the etag names. Nothing was changed.
	ErrStale = errors.New("changed by somebody else in the meantime")
	// ErrMemberTaken is returned when the Slack member is linked to another operator of the project. Nothing was changed.
	ErrMemberTaken = errors.New("slack member is linked to another operator")
	// ErrNotFound is returned when there is no such link.
	ErrNotFound = errors.New("no such link")
	// ErrInvalid is matched by every refusal of a value; InvalidError tells the fields. Nothing was changed.
	ErrInvalid = errors.New("invalid settings")
	// ErrUnavailable is returned when Redis did not answer, or not with success. A change may have happened all the same, but
	// never half of one.
	ErrUnavailable = errors.New("settings storage unavailable")
	// ErrCorrupt is returned when what Redis holds is not what this package wrote. Trying again does not help.
	ErrCorrupt = errors.New("stored settings are unreadable")
)

// InvalidError says which fields are wrong. It matches ErrInvalid.
type InvalidError struct {
	Violations []Violation
}

// Violation is one wrong field.
type Violation struct {
	// Field is the path of the field in its message, e.g. `mention_targets[2]`.
	Field string
	// Description says what is wrong, for the person who sent it; it never repeats the value.
	Description string
}

func (e *InvalidError) Error() string {
	parts := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		parts[i] = v.Field + ": " + v.Description
	}
	return fmt.Sprintf("%v: %s", ErrInvalid, strings.Join(parts, "; "))
}

// Is makes every InvalidError match ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }
