// Package secret holds strings that must not be printed.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a String prints in every format.
const Redacted = "[REDACTED]"

// String is a secret. Printing, logging or marshalling it gives Redacted; Reveal gives the value.
type String struct {
	value string
	// file is where it comes from, if not from value.
	file *file
}

// New wraps value.
func New(value string) String { return String{value: value} }

// Reveal answers the secret itself, for the one call that needs it. Whoever keeps the answer does not learn of a new secret in its file.
func (s String) Reveal() string {
	if s.file == nil {
		return s.value
	}
	content, _ := s.file.reveal()
	return content
}

// Reveal answers several secrets, in order and without those that are not there.
func Reveal(secrets []String) []string {
	var values []string
	for _, s := range secrets {
		if value := s.Reveal(); value != "" {
			values = append(values, value)
		}
	}
	return values
}

// IsZero reports whether there is no secret.
func (s String) IsZero() bool { return s.Reveal() == "" }

// UnmarshalText takes the secret from a setting.
func (s *String) UnmarshalText(text []byte) error {
	s.value, s.file = string(text), nil
	return nil
}

// String implements fmt.Stringer.
func (s String) String() string { return Redacted }

// Format implements fmt.Formatter, so that no verb prints the value.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText implements encoding.TextMarshaler.
func (s String) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(Redacted) }
