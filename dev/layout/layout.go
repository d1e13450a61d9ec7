// Package layout checks that every package of the workspace stays in its place.
//
// The places are described in ARCHITECTURE.md. What is checked here is what the compiler cannot refuse: who may import
// what, what a package may be called, and that somebody has written down what it is about.
package layout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Root is the import path under which all our modules are.
const Root = "github.com/slacktalk/slacktalk/"

// Package is one package as `go list -json` describes it.
type Package struct {
	ImportPath   string
	Dir          string
	Name         string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	// Deps are all packages that the package brings into a binary, its tests left out.
	Deps []string
}

// Rel answers the package's place in the repository, for example `services/router/settings`.
func (p Package) Rel() string { return strings.TrimPrefix(p.ImportPath, Root) }

// AllImports answers what the package and its tests import.
func (p Package) AllImports() []string {
	return slices.Concat(p.Imports, p.TestImports, p.XTestImports)
}

// within reports whether rel is dir or lies under it.
func within(rel, dir string) bool { return rel == dir || strings.HasPrefix(rel, dir+"/") }

// belongsTo reports whether the import path belongs to one of the modules, in any major version.
func belongsTo(path string, modules ...string) bool {
	return slices.ContainsFunc(modules, func(m string) bool { return within(path, m) })
}

// List answers the packages of the workspace whose go.work is in root.
func List(ctx context.Context, root string) ([]Package, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-json=ImportPath,Dir,Name,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,Deps", "work")
	cmd.Dir = root
	// The workspace is listed even when the tests themselves were built without it.
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list work: %w: %s", err, stderr.String())
	}
	return decode(bytes.NewReader(out))
}

// decode reads the objects that go list writes one after the other.
func decode(r io.Reader) ([]Package, error) {
	var packages []Package
	for dec := json.NewDecoder(r); ; {
		var p Package
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read what go list says: %w", err)
		}
		packages = append(packages, p)
	}
}

// FindRoot answers the nearest folder at or above dir that has a go.work.
func FindRoot(dir string) (string, error) {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.work here or above")
		}
		dir = parent
	}
}

// HasComment reports whether a file of the package says what the package is about. Generated code is let off: its words
// are in the contract it was generated from.
func HasComment(p Package) (bool, error) {
	for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return false, fmt.Errorf("read the package comment of %s: %w", p.Rel(), err)
		}
		if file.Doc.Text() != "" || ast.IsGenerated(file) {
			return true, nil
		}
	}
	return false, nil
}
