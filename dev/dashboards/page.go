package dashboards

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string

	page = template.Must(template.New("page").Parse(pageHTML))
)

// Page writes the page of a drawing, whole and in one file. Charts is the folder of uPlot, as npm installs it.
func (d *Drawing) Page(w io.Writer, charts string) error {
	script, err := os.ReadFile(filepath.Join(charts, "dist", "uPlot.iife.min.js"))
	if err != nil {
		return fmt.Errorf("read the charts: %w", err)
	}
	style, err := os.ReadFile(filepath.Join(charts, "dist", "uPlot.min.css"))
	if err != nil {
		return fmt.Errorf("read the charts: %w", err)
	}
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return page.Execute(w, map[string]any{
		"Title": d.Title, "CSS": template.CSS(string(style) + pageCSS), "JS": template.JS(string(script) + ";" + pageJS), "Data": template.JS(data),
	})
}
