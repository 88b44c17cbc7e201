package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// ban forbids imports in code that is not a test.
type ban struct {
	in      []string // directories it holds for; empty: everywhere
	not     []string // directories below in that it does not hold for
	imports []string // import paths, each with everything below it
	but     []string // import paths below imports that are allowed
	why     string
}

var (
	paho   = "github.com/eclipse/paho.mqtt.golang"
	own    = func(dirs ...string) []string { return prefixed(module+"/", dirs) }
	inputs = []string{
		"os", "net", "io/fs", "io/ioutil", "syscall", "golang.org/x/sys", "log", "log/slog", "database/sql",
		module + "/agent/clock", module + "/agent/store",
	}
)

var bans = []ban{
	{
		in: []string{"sensors"}, imports: own("sync"),
		why: "a sensor knows nothing of the upstreams: it is read the same with none configured, or all of them down",
	},
	{
		in: []string{"sync"}, imports: own("sensors"),
		why: "an upstream sees records, whatever device they came from: a new sensor must not touch it",
	},
	{
		in: []string{"sensors", "sync"}, imports: own("agent/daemon", "agent/store", "cmd"),
		why: "dependencies point inward: edges are given what they need, and only the store's own readers ask the store",
		not: []string{"sync/forward", "sync/receive"},
	},
	{
		not: []string{"agent/store"}, imports: []string{"database/sql", "github.com/mattn/go-sqlite3"},
		why: "one package answers for durability: PRAGMAs, transactions and the writer are in agent/store alone",
	},
	{
		not: []string{"sensors", "agent/announce"}, imports: []string{"periph.io"},
		why: "hardware is reached through sensors/bus, which serializes it and survives its hanging; outputs have pins of their own",
	},
	{
		not: []string{"internal/mqttconn"}, imports: []string{paho},
		why: "paho resends by itself and keeps tokens over a reconnect; internal/mqttconn is the one place that tames it",
	},
	{
		in: []string{"agent/config"}, imports: own("sensors/all", "sync/all"),
		why: "the config knows no driver, it is given their list: a new one is a new folder and changes nothing else",
	},
	{
		in:      []string{"agent/alarm", "agent/stock", "agent/trip", "agent/excursion", "agent/escalate", "agent/timeline", "agent/ident", "sync/wire"},
		imports: inputs, but: []string{"net/url", "net/netip"},
		why: "it is pure: its result follows from its arguments, so that it can be replayed on old records; no input, output or clock",
	},
	{
		in:      []string{"internal"},
		not:     []string{"internal/archtest", "internal/bench", "internal/lab", "internal/peers", "internal/generate"},
		imports: own("agent", "sensors", "sync", "cmd"),
		why:     "internal/ is mechanics without domain words; what knows readings or alarms belongs to agent, sensors or sync",
	},
	{
		in: []string{"agent", "sensors", "sync", "configs"}, not: []string{"agent/daemon"}, imports: own("cmd", "agent/daemon"),
		why: "agent/daemon builds everything, so nothing but cmd and tests may need it",
	},
	{
		in: []string{"cmd", "agent", "sensors", "sync"}, imports: own("internal/archtest", "internal/bench", "internal/lab", "internal/peers", "internal/testreport"),
		why: "what measures, breaks or tests the agent is not shipped with it",
	},
}

// violations are the imports of a file that a ban forbids, each with its reason.
func violations(s *source) []string {
	var out []string
	for _, b := range bans {
		if len(b.in) > 0 && !underAny(s.dir, b.in) || underAny(s.dir, b.not) {
			continue
		}
		for _, im := range s.imports {
			if underAny(im, b.imports) && !underAny(im, b.but) {
				out = append(out, s.path+" imports "+im+": "+b.why)
			}
		}
	}
	return out
}

func TestImports(t *testing.T) {
	for _, s := range repository(t).shipped() {
		for _, v := range violations(s) {
			t.Error(v)
		}
	}
}

func TestBansBite(t *testing.T) {
	cases := []struct {
		dir, imports string
		banned       bool
	}{
		{"sensors/sht4x", module + "/sync/upstream", true},
		{"sync/mqtt", module + "/sensors", true},
		{"sync/mqtt", module + "/agent", false},
		{"agent/alarm/limit", "os", true},
		{"agent/alarm", "math", false},
		{"agent/ident", "net/url", false},
		{"agent/ident", "net/http", true},
		{"agent/report", "database/sql", true},
		{"agent/store", "database/sql", false},
		{"agent/sample", "periph.io/x/conn/v3/i2c", true},
		{"agent/announce/buzzer", "periph.io/x/conn/v3/gpio", false},
		{"sync/mqtt", "github.com/eclipse/paho.mqtt.golang/packets", true},
		{"internal/mqttconn", "github.com/eclipse/paho.mqtt.golang", false},
		{"agent/config", module + "/sensors/all", true},
		{"internal/backoff", module + "/agent", true},
		{"agent/daemon", module + "/internal/lab", true},
		{"sensorsish", module + "/sync/upstream", false},
	}
	for _, c := range cases {
		got := violations(&source{path: c.dir + "/x.go", dir: c.dir, imports: []string{c.imports}})
		if (len(got) > 0) != c.banned {
			t.Errorf("%s importing %s: violations %q, want some: %v", c.dir, c.imports, got, c.banned)
		}
	}
}

func TestClockCallsAreFoundByAnyName(t *testing.T) {
	const text = `package x
import tm "time"
var a = tm.Now
func f() { _ = tm.Since(tm.Now()) }
`
	r := &tree{fset: token.NewFileSet()}
	syntax, err := parser.ParseFile(r.fset, "x.go", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	calls(&source{syntax: syntax}, "time", func(sel *ast.SelectorExpr) { found = append(found, sel.Sel.Name) })
	if got, want := strings.Join(found, " "), "Now Since Now"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestNounsImportOnlyTheStandardLibrary(t *testing.T) {
	banned := []string{"os", "net", "io/fs", "io/ioutil", "syscall", "log", "database/sql", "crypto/rand"}
	for _, s := range repository(t).shipped() {
		if s.dir != "agent" {
			continue
		}
		for _, im := range s.imports {
			if first, _, _ := strings.Cut(im, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s: the nouns use the standard library only, so that everything can use them", s.path, im)
			}
			if underAny(im, banned) {
				t.Errorf("%s imports %s: the nouns do no input, output or logging", s.path, im)
			}
		}
	}
}

func TestShippedBinaryStartsNoProgram(t *testing.T) {
	r := repository(t)
	linked := r.linked("cmd/frostline")
	for _, s := range r.shipped() {
		if !linked[s.dir] {
			continue
		}
		for _, im := range s.imports {
			if im == "os/exec" {
				t.Errorf("%s imports os/exec and is linked by cmd/frostline: the agent starts no program; "+
					"its unit forbids it, and a minimal system has none", s.path)
			}
		}
	}
}

// drivers are the packages that define a driver: by sensors.Define or DefineScanner, or
// upstream.Define.
func drivers(r *tree) map[string]bool {
	found := map[string]bool{}
	for _, s := range r.shipped() {
		note := func(sel *ast.SelectorExpr) {
			if strings.HasPrefix(sel.Sel.Name, "Define") {
				found[s.dir] = true
			}
		}
		calls(s, module+"/sensors", note)
		calls(s, module+"/sync/upstream", note)
	}
	return found
}

func TestDriversAreStrangers(t *testing.T) {
	r := repository(t)
	isDriver := drivers(r)
	for _, s := range r.shipped() {
		for _, im := range s.imports {
			dir, ok := ownDir(im)
			if !ok || !isDriver[dir] || dir == s.dir {
				continue
			}
			if isDriver[s.dir] {
				t.Errorf("%s imports the driver %s: drivers do not import each other, so that any can be removed "+
					"with its folder; what two share is a package of its own", s.path, dir)
			}
			if under(s.dir, "agent") {
				t.Errorf("%s imports the driver %s: the agent gets drivers from the generated lists "+
					"(sensors/all, sync/all) alone", s.path, dir)
			}
		}
	}
}

func TestSystemClock(t *testing.T) {
	free := []string{"agent/clock", "internal/lab", "internal/bench", "internal/peers"}
	banned := map[string]bool{"Now": true, "Since": true, "Until": true}
	r := repository(t)
	for _, s := range r.shipped() {
		for _, im := range s.syntax.Imports {
			if im.Path.Value == `"time"` && im.Name != nil && im.Name.Name == "." {
				t.Errorf("%s: a dot import of time hides who asks for the time", s.path)
			}
		}
		if underAny(s.dir, free) {
			continue
		}
		calls(s, "time", func(sel *ast.SelectorExpr) {
			if banned[sel.Sel.Name] {
				t.Errorf("%s: time.%s: only agent/clock asks the system for the time; a gateway may boot in 1970 and "+
					"its clock may step, so durations come from clock.Elapsed and dates from a clock.Clock",
					r.fset.Position(sel.Pos()), sel.Sel.Name)
			}
		})
	}
}

func prefixed(prefix string, in []string) []string {
	var out []string
	for _, s := range in {
		out = append(out, prefix+s)
	}
	return out
}
