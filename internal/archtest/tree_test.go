// Package archtest keeps the shape of the repository: which package may import which,
// where the system clock is read, what stands at the top level, that documents name
// things that exist. It has only tests; every ban prints its reason.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/frostline/frostline"

// ignored are the paths at the top level that git ignores.
var ignored = map[string]bool{".git": true, ".cache": true, "bin": true, "dist": true}

// source is one Go file.
type source struct {
	path      string // slash-separated, relative to the root
	dir       string
	test      bool
	generated bool
	lines     int
	syntax    *ast.File
	imports   []string
}

// tree is the repository as it lies on disk, with files that are not committed yet.
type tree struct {
	root   string
	fset   *token.FileSet
	files  []string // every file, relative and slash-separated
	golang []*source
}

var load = sync.OnceValues(func() (*tree, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	t := &tree{root: root, fset: token.NewFileSet()}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if ignored[rel] {
				return filepath.SkipDir
			}
			return nil
		}
		t.files = append(t.files, rel)
		if !strings.HasSuffix(rel, ".go") || strings.Contains(rel, "/testdata/") {
			return nil
		}
		src, err := t.parse(rel)
		if err != nil {
			return err
		}
		t.golang = append(t.golang, src)
		return nil
	})
	return t, err
})

func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", os.ErrNotExist
		}
		dir = up
	}
}

func (t *tree) parse(rel string) (*source, error) {
	text, err := os.ReadFile(filepath.Join(t.root, rel))
	if err != nil {
		return nil, err
	}
	syntax, err := parser.ParseFile(t.fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := &source{
		path:      rel,
		dir:       path.Dir(rel),
		test:      strings.HasSuffix(rel, "_test.go"),
		generated: ast.IsGenerated(syntax),
		lines:     strings.Count(string(text), "\n"),
		syntax:    syntax,
	}
	for _, im := range syntax.Imports {
		p, err := strconv.Unquote(im.Path.Value)
		if err != nil {
			return nil, err
		}
		s.imports = append(s.imports, p)
	}
	return s, nil
}

// repository loads the tree once for all tests.
func repository(t *testing.T) *tree {
	t.Helper()
	r, err := load()
	if err != nil {
		t.Fatalf("load the repository: %v", err)
	}
	return r
}

func (t *tree) read(tb testing.TB, rel string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(t.root, rel))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// shipped are the Go files that are not tests.
func (t *tree) shipped() []*source {
	var out []*source
	for _, s := range t.golang {
		if !s.test {
			out = append(out, s)
		}
	}
	return out
}

// packages groups the files that are not tests by directory, in order.
func (t *tree) packages() (dirs []string, byDir map[string][]*source) {
	byDir = map[string][]*source{}
	for _, s := range t.shipped() {
		byDir[s.dir] = append(byDir[s.dir], s)
	}
	for d := range byDir {
		dirs = append(dirs, d)
	}
	sort.Strings(dirs)
	return dirs, byDir
}

// linked is the set of this module's directories that the package in dir links.
func (t *tree) linked(dir string) map[string]bool {
	_, byDir := t.packages()
	seen := map[string]bool{}
	var visit func(string)
	visit = func(d string) {
		if seen[d] || len(byDir[d]) == 0 {
			return
		}
		seen[d] = true
		for _, s := range byDir[d] {
			for _, im := range s.imports {
				if own, ok := ownDir(im); ok {
					visit(own)
				}
			}
		}
	}
	visit(dir)
	return seen
}

// ownDir is the directory of an import path of this module.
func ownDir(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// under reports whether p is dir or below it, for directories and import paths alike.
func under(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, dir+"/")
}

func underAny(p string, dirs []string) bool {
	for _, d := range dirs {
		if under(p, d) {
			return true
		}
	}
	return false
}

// calls visits every call of pkgName.fn of the package with this import path, by
// whatever name the file imports it.
func calls(s *source, importPath string, visit func(call *ast.SelectorExpr)) {
	name := ""
	for _, im := range s.syntax.Imports {
		if im.Path.Value != strconv.Quote(importPath) {
			continue
		}
		name = path.Base(importPath)
		if im.Name != nil {
			name = im.Name.Name
		}
	}
	if name == "" || name == "_" {
		return
	}
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == name {
			visit(sel)
		}
		return true
	})
}
