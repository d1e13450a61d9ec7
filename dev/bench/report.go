package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// Report is everything that was measured, row by row, each when it was last measured.
type Report struct {
	Platform string            `json:"platform"`
	Versions string            `json:"versions"`
	Rows     map[string]Result `json:"rows"`
}

// The published figures, in docs.
const (
	figures  = "benchmarks.json"
	document = "benchmarks.md"
	begin    = "<!-- what follows is written by make bench -->"
	end      = "<!-- end of what make bench writes -->"
)

// Publish puts results beside those of other rows and writes them into the document in docs.
func Publish(docs string, fresh Report) error {
	all, err := readReport(docs)
	if err != nil {
		return err
	}
	all.Platform, all.Versions = fresh.Platform, fresh.Versions
	maps.Copy(all.Rows, fresh.Rows)
	data, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	if err := os.WriteFile(filepath.Join(docs, figures), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return write(filepath.Join(docs, document), all)
}

// readReport reads what was published; nothing when nothing was.
func readReport(docs string) (Report, error) {
	all := Report{Rows: map[string]Result{}}
	data, err := os.ReadFile(filepath.Join(docs, figures))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		return all, fmt.Errorf("read the published figures: %w", err)
	}
	return all, nil
}

// write replaces the generated section of the document.
func write(path string, r Report) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	written, err := replace(string(text), r)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(written), 0o644); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}

func replace(text string, r Report) (string, error) {
	before, rest, found := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", errors.New("there is no section to write into")
	}
	return before + begin + "\n\n" + r.Markdown() + "\n" + end + after, nil
}

// Markdown writes the tables.
func (r Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on: %s; %s.\n", r.Platform, r.Versions)
	for _, row := range rows() {
		result, ok := r.Rows[row.name]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "\n### %s (`%s`)\n\n%s, commit %s, load average %s before and %s after.\n\n",
			result.Title, row.name, result.At.Format("2006-01-02 15:04 UTC"), result.Commit, number(result.LoadBefore), number(result.LoadAfter))
		b.WriteString("| what | services | reference | ratio | goal | met |\n|---|---|---|---|---|---|\n")
		var notes []string
		for _, m := range result.Measures {
			reference, ratio := "–", "–"
			if len(m.Reference) > 0 {
				reference, ratio = m.Against+": "+spread(m.Reference), spread(m.Ratios())
			}
			fmt.Fprintf(&b, "| %s | %s %s | %s | %s | %s | %s |\n", m.What, spread(m.Subject), m.Unit, reference, ratio, m.Goal, m.verdict())
			if m.Note != "" {
				notes = append(notes, fmt.Sprintf("- %s: %s", m.What, m.Note))
			}
		}
		if len(notes) > 0 {
			b.WriteString("\n" + strings.Join(notes, "\n") + "\n")
		}
	}
	return b.String()
}
