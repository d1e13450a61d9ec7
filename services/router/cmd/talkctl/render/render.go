// Package render writes answers of the API for people or for programs.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"sigs.k8s.io/yaml"
)

// Format is how answers are written.
type Format string

// The formats.
const (
	Table Format = "table"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

// Formats are all of them.
var Formats = []string{string(Table), string(JSON), string(YAML)}

// Printer writes answers.
type Printer struct {
	Out    io.Writer
	Format Format
	// Location is the time zone of tables.
	Location *time.Location
	// Color allows colours.
	Color bool
}

// init fixes how wide the characters are that East Asian fonts may draw wider; terminals draw them narrow unless told otherwise.
func init() { text.OverrideRuneWidthEastAsianWidth(false) }

// Time answers a time for people.
func (p *Printer) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.Location).Format("2006-01-02 15:04:05")
}

// Stamp is Time for a time of the contract, which may be absent.
func (p *Printer) Stamp(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return p.Time(t.AsTime())
}

// Clean makes characters visible that would do something to a terminal: what is shown was written by strangers. Line breaks stay where keep has them.
func Clean(s, keep string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(keep, r) {
			return r
		}
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return '\uFFFD'
		}
		return r
	}, s)
}

// Rows writes a table without lines; a header of nil is left out.
func (p *Printer) Rows(header []string, rows [][]string) error {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Box = table.BoxStyle{PaddingRight: "  "}
	style.Options = table.OptionsNoBordersAndSeparators
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	if header != nil {
		t.AppendHeader(cells(header))
	}
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	_, err := fmt.Fprintln(p.Out, t.Render())
	return err
}

func cells(values []string) table.Row {
	row := table.Row{}
	for _, v := range values {
		if v = Clean(v, "\n"); v == "" {
			v = "-"
		}
		row = append(row, v)
	}
	return row
}

// Message writes one message as JSON or YAML.
func (p *Printer) Message(m proto.Message) error {
	raw, err := Raw(m)
	if err != nil {
		return err
	}
	return p.Raw(raw)
}

// Raw answers a message in protobuf's JSON form, with the fields that have their defaults.
func Raw(m proto.Message) (json.RawMessage, error) {
	raw, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write %s as JSON: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	// protojson varies its spaces on purpose.
	var compact bytes.Buffer
	err = json.Compact(&compact, raw)
	return compact.Bytes(), err
}

// Value writes anything that has a JSON form.
func (p *Printer) Value(v any) error {
	raw, err := encode(v)
	if err != nil {
		return err
	}
	return p.Raw(raw)
}

func encode(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}

// Raw writes JSON, indented, or as YAML.
func (p *Printer) Raw(raw json.RawMessage) error {
	if p.Format == YAML {
		out, err := yaml.JSONToYAML([]byte(escape(string(raw)))) // it refuses some control characters that JSON allows
		if err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
		// YAML escapes control characters by itself, but not those that change the direction of text, for which it has no escape everywhere.
		_, err = io.WriteString(p.Out, Clean(string(out), "\n\t"))
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := fmt.Fprintln(p.Out, escape(out.String()))
	return err
}

// Line writes JSON in one line, or as one YAML document of many.
func (p *Printer) Line(m proto.Message) error {
	raw, err := Raw(m)
	if err != nil {
		return err
	}
	if p.Format == YAML {
		if _, err := fmt.Fprintln(p.Out, "---"); err != nil {
			return err
		}
		return p.Raw(raw)
	}
	_, err = fmt.Fprintln(p.Out, escape(string(raw)))
	return err
}

// escape writes what a terminal might act upon, and what YAML refuses, as JSON escapes; outside of strings there is none of it.
func escape(raw string) string {
	var out strings.Builder
	for _, r := range raw {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\uFFFE' || r == '\uFFFF') {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// Colour is an ANSI colour.
type Colour int

// The colours of verdicts.
const (
	Red    Colour = 31
	Green  Colour = 32
	Yellow Colour = 33
	Grey   Colour = 90
)

// Paint colours text where that is allowed.
func (p *Printer) Paint(c Colour, s string) string {
	if !p.Color {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, s)
}
