package archtest

import (
	"go/ast"
	"go/build"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFileLength(t *testing.T) {
	const most, mostTest = 500, 800
	for _, s := range repository(t).golang {
		limit := most
		if s.test {
			limit = mostTest
		}
		if !s.generated && s.lines > limit {
			t.Errorf("%s has %d lines, more than %d: a reader no longer finds the place in it", s.path, s.lines, limit)
		}
	}
}

func TestOnePackageDoc(t *testing.T) {
	dirs, byDir := repository(t).packages()
	for _, dir := range dirs {
		var documented []string
		for _, s := range byDir[dir] {
			if s.syntax.Doc == nil {
				continue
			}
			documented = append(documented, path.Base(s.path))
			name := s.syntax.Name.Name
			want := []string{"Package " + name + " "}
			if name == "main" {
				command := path.Base(dir)
				want = []string{"Command " + command + " ", strings.ToUpper(command[:1]) + command[1:] + " "}
			}
			got := s.syntax.Doc.Text()
			if !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(got, w) }) {
				t.Errorf("%s: the package doc begins with %q, want one of %q: go doc shows its first sentence in lists",
					s.path, firstWords(got), want)
			}
		}
		if len(documented) != 1 {
			t.Errorf("%s has %d package docs %v, want 1: go doc joins several in no useful order, and none leaves a newcomer alone",
				dir, len(documented), documented)
		}
	}
}

func firstWords(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[:min(3, len(words))], " ")
}

func TestNoInit(t *testing.T) {
	r := repository(t)
	for _, s := range r.shipped() {
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init(): what an import does on its own has no order, no error and no test; "+
					"export a value and let the caller use it", r.fset.Position(f.Pos()))
			}
		}
	}
}

func TestSkipsSayWhy(t *testing.T) {
	r := repository(t)
	receivers := map[string]bool{"t": true, "tb": true, "b": true, "f": true}
	for _, s := range r.golang {
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			id, ok := sel.X.(*ast.Ident)
			if ok && receivers[id.Name] && len(call.Args) == 0 && (sel.Sel.Name == "Skip" || sel.Sel.Name == "SkipNow") {
				t.Errorf("%s: a test skipped without a reason: make test ends with what was left out and why",
					r.fset.Position(call.Pos()))
			}
			return true
		})
	}
}

func TestTestsDoNotSleep(t *testing.T) {
	r := repository(t)
	for _, s := range r.golang {
		if !s.test || slices.Contains(s.imports, "testing/synctest") { // there, sleeping takes no time
			continue
		}
		calls(s, "time", func(sel *ast.SelectorExpr) {
			if sel.Sel.Name == "Sleep" {
				t.Errorf("%s: time.Sleep in a test is slow on a fast machine and too short on a slow one: wait for the event",
					r.fset.Position(sel.Pos()))
			}
		})
	}
}

// stdNamed are our packages that share the last element of their path with one of the
// standard library, and why that is fine.
var stdNamed = map[string]string{
	"agent/trace": "a hash tree over the record; runtime/trace is imported by nothing here",
}

func TestNoPackageShadowsTheStandardLibrary(t *testing.T) {
	std := standardNames(t)
	dirs, byDir := repository(t).packages()
	if len(byDir["sync"]) > 0 {
		t.Errorf("sync/ has a Go file: it is a folder only, so that nothing shadows the standard library's sync")
	}
	for _, dir := range dirs {
		name := byDir[dir][0].syntax.Name.Name
		if name == "main" {
			continue
		}
		if like, ok := std[name]; ok && stdNamed[dir] == "" {
			t.Errorf("%s is named like the standard library's %s: an import of one hides the other", dir, like)
		}
	}
}

// standardNames maps the name of each public package of the standard library to its path.
func standardNames(t *testing.T) map[string]string {
	t.Helper()
	src := filepath.Join(build.Default.GOROOT, "src")
	names := map[string]string{}
	err := filepath.WalkDir(src, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if base := d.Name(); base == "internal" || base == "testdata" || base == "vendor" || rel == "cmd" {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(rel, ".go") && !strings.HasSuffix(rel, "_test.go") && path.Dir(rel) != "." {
			names[path.Base(path.Dir(rel))] = path.Dir(rel)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("list the standard library: %v", err)
	}
	if names["http"] != "net/http" {
		t.Fatalf("found no standard library below %q", src)
	}
	return names
}
