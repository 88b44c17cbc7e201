package archtest

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// atTop is what may stand at the top level, beside files whose name begins with a dot.
var atTop = map[string]bool{
	"cmd": true, "agent": true, "sensors": true, "sync": true, "configs": true, "systemd": true, "docs": true, "internal": true,
	"go.mod": true, "go.sum": true, "Makefile": true, "README.md": true, "LICENSE": true,
}

func TestTopLevel(t *testing.T) {
	r := repository(t)
	entries, err := os.ReadDir(r.root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !atTop[name] && !ignored[name] && !strings.HasPrefix(name, ".") &&
			!strings.HasSuffix(name, ".test") && !strings.HasSuffix(name, ".out") {
			t.Errorf("%s stands at the top level: a newcomer should find the rooms there and nothing else", name)
		}
	}
}

// markdown are the documents whose links, symbols and tests are checked.
func markdown(r *tree) []string {
	var out []string
	for _, f := range r.files {
		if f == "README.md" || strings.HasPrefix(f, "docs/") && strings.HasSuffix(f, ".md") {
			out = append(out, f)
		}
	}
	return out
}

var (
	fence  = regexp.MustCompile("(?ms)^```.*?^```")
	code   = regexp.MustCompile("`([^`\n]+)`")
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	symbol = regexp.MustCompile(`^([a-z][a-z0-9]*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?(?:\(.*\))?$`)
	folder = regexp.MustCompile(`^(?:cmd|agent|sensors|sync|configs|systemd|docs|internal)(?:/[\w.-]+)+/?$`)
	target = regexp.MustCompile(`\bmake ([a-z][a-z0-9-]*)`)
	aTest  = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*\b`)
)

// testless are documents in which a word like TestX is an example, not a reference.
var testless = map[string]bool{"docs/contributing.md": true}

func TestDocumentsNameWhatExists(t *testing.T) {
	r := repository(t)
	symbols, tests := declared(r)
	targets := makeTargets(t, r)
	for _, doc := range markdown(r) {
		text := r.read(t, doc)
		for _, m := range target.FindAllStringSubmatch(inCode(text), -1) {
			if !targets[m[1]] {
				t.Errorf("%s: make %s: the Makefile has no such target", doc, m[1])
			}
		}
		if !testless[doc] {
			for _, name := range aTest.FindAllString(text, -1) {
				if !tests[name] {
					t.Errorf("%s names %s: no such test exists", doc, name)
				}
			}
		}
		prose := fence.ReplaceAllString(text, "")
		for _, m := range code.FindAllStringSubmatch(prose, -1) {
			checkSymbol(t, doc, m[1], symbols)
			if folder.MatchString(m[1]) && !exists(r, m[1]) {
				t.Errorf("%s names %s: it does not exist", doc, m[1])
			}
		}
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			to, _, _ := strings.Cut(m[1], "#")
			if to == "" || strings.Contains(to, ":") {
				continue
			}
			if !exists(r, path.Join(path.Dir(doc), to)) {
				t.Errorf("%s links to %s: it does not exist", doc, m[1])
			}
		}
	}
}

func checkSymbol(t *testing.T, doc, word string, symbols map[string]map[string]bool) {
	t.Helper()
	m := symbol.FindStringSubmatch(word)
	if m == nil {
		return
	}
	known, ours := symbols[m[1]]
	if !ours {
		return
	}
	if !known[m[2]] || m[3] != "" && !known[m[2]+"."+m[3]] {
		t.Errorf("%s names %s: package %s has no such symbol", doc, word, m[1])
	}
}

func exists(r *tree, rel string) bool {
	_, err := os.Stat(filepath.Join(r.root, filepath.FromSlash(rel)))
	return err == nil
}

// inCode is the text of all code blocks and code spans.
func inCode(text string) string {
	var b strings.Builder
	for _, block := range fence.FindAllString(text, -1) {
		b.WriteString(block + "\n")
	}
	for _, span := range code.FindAllString(fence.ReplaceAllString(text, ""), -1) {
		b.WriteString(span + "\n")
	}
	return b.String()
}

func makeTargets(t *testing.T, r *tree) map[string]bool {
	t.Helper()
	targets := map[string]bool{}
	for _, line := range strings.Split(r.read(t, "Makefile"), "\n") {
		if name, _, ok := strings.Cut(line, ":"); ok && !strings.ContainsAny(name, " \t=.#?") {
			targets[name] = true
		}
	}
	return targets
}

// declared lists by package name what is declared at the top level (Name, Type.Method,
// Type.Field), and the names of all tests. Packages of one name share a list.
func declared(r *tree) (symbols map[string]map[string]bool, tests map[string]bool) {
	symbols, tests = map[string]map[string]bool{}, map[string]bool{}
	for _, s := range r.golang {
		pkg := strings.TrimSuffix(s.syntax.Name.Name, "_test")
		if symbols[pkg] == nil {
			symbols[pkg] = map[string]bool{}
		}
		for _, d := range s.syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if s.test && d.Recv == nil {
					tests[d.Name.Name] = true
				}
				symbols[pkg][receiver(d)+d.Name.Name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					declare(symbols[pkg], spec)
				}
			}
		}
	}
	return symbols, tests
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	typ := f.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.Ident:
			return x.Name + "."
		default:
			return ""
		}
	}
}

func declare(into map[string]bool, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, n := range spec.Names {
			into[n.Name] = true
		}
	case *ast.TypeSpec:
		into[spec.Name.Name] = true
		var fields *ast.FieldList
		switch typ := spec.Type.(type) {
		case *ast.StructType:
			fields = typ.Fields
		case *ast.InterfaceType:
			fields = typ.Methods
		default:
			return
		}
		for _, f := range fields.List {
			for _, n := range f.Names {
				into[spec.Name.Name+"."+n.Name] = true
			}
		}
	}
}

// stray are words that tell of the machine or the moment a file was written, not of Frostline.
var stray = []struct {
	pattern *regexp.Regexp
	goOnly  bool
	why     string
}{
	{regexp.MustCompile(`(?:^|[\s"'=(:` + "`" + `])/(?:work|farm|Users|home/\w+)/[\w.]`), false, "a path of one developer's machine"},
	{regexp.MustCompile(`\b(?:proxy\.golang\.org|registry\.npmjs|deb\.debian\.org)`), false, "a registry's host: which mirror is used is up to the machine"},
	{regexp.MustCompile(`\b(?:TODO|FIXME|XXX)\b`), false, "a promise: do it, or open an issue"},
	{regexp.MustCompile(`(?i)\b(?:not implemented|for now)\b`), true, "a promise: do it, or say plainly what is not offered"},
}

func TestNoStrayWords(t *testing.T) {
	r := repository(t)
	for _, f := range r.files {
		if strings.Contains(f, "/testdata/") || f == "go.sum" || f == "LICENSE" || strings.HasPrefix(f, "internal/archtest/") || binary(f) {
			continue
		}
		for i, line := range strings.Split(r.read(t, f), "\n") {
			for _, s := range stray {
				if s.goOnly && !strings.HasSuffix(f, ".go") {
					continue
				}
				if word := s.pattern.FindString(line); word != "" {
					t.Errorf("%s:%d: %q: %s", f, i+1, strings.TrimSpace(word), s.why)
				}
			}
		}
	}
}

func binary(name string) bool {
	switch path.Ext(name) {
	case ".png", ".jpg", ".ico", ".woff2", ".db", ".gz", ".zst", ".bin", ".pb":
		return true
	}
	return false
}

func TestEveryDependencyHasItsReason(t *testing.T) {
	r := repository(t)
	page := r.read(t, "docs/decisions/dependencies.md")
	direct, _, _ := strings.Cut(r.read(t, "go.mod"), "// indirect")
	for _, m := range regexp.MustCompile(`(?m)^\s+(\S+\.\S+/\S+) v\S+$`).FindAllStringSubmatch(direct, -1) {
		if !strings.Contains(page, "| `"+m[1]+"` |") {
			t.Errorf("docs/decisions/dependencies.md has no line for %s: every dependency is there for a reason", m[1])
		}
	}
}
