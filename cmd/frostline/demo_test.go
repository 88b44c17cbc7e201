package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/frostline/frostline/agent/control"
)

// command is this test binary as the command line.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = append([]string{"frostline"}, args...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	return cmd
}

// runDemo runs the demo and returns its summary and what it wrote to standard error.
func runDemo(t *testing.T, args ...string) (summary, string) {
	t.Helper()
	cmd := command(t, append([]string{"demo", "--json"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	var s summary
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || d.More() {
		t.Fatalf("standard output is not one object: %v", err)
	}
	// What the far side has and has not yet acknowledged is both delivered and waiting.
	sum := s.Delivered + s.Waiting + s.Lost
	if s.Stored < s.Measured || s.Delivered > s.Stored || sum < s.Stored || s.Waiting == 0 && sum != s.Stored {
		t.Errorf("it does not add up: %+v", s)
	}
	if s.Lost != 0 || s.Doubled != 0 || s.Measured == 0 {
		t.Errorf("%+v", s)
	}
	return s, errs.String()
}

// TestDemo runs the first quarter of an hour: an alarm is raised and cleared, an outage ends,
// and everything arrives. A second run in the same directory goes on in the same store.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, text := runDemo(t, "--for", "4s", "--speed", "240", "--seed", "3", "--dir", dir)
	if first.Waiting != 0 || first.Alarms == 0 || first.Simulated < 15*60 {
		t.Errorf("%+v", first)
	}
	inOrder(t, text, `A morning in a warehouse, 240 times faster`, `07:0\d:\d\d  network lost`, `07:(0\d|1[0-4]):\d\d  network is back`)
	inOrder(t, text, `07:0\d:\d\d  ALARM  Vaccine cold room temperature`, `07:(0\d|1[0-4]):\d\d  over:  Vaccine cold room temperature`)

	config := filepath.Join(dir, "names.yaml")
	if err := os.WriteFile(config, []byte("site: lab\ngateway: gw-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	export := command(t, "store", "export", "-c", config, "--dir", filepath.Join(dir, "store"))
	records, err := export.Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(records, []byte("\n")); int64(n) != first.Stored {
		t.Errorf("%d records exported, %d stored", n, first.Stored)
	}
	second, _ := runDemo(t, "--for", "1s", "--speed", "60", "--seed", "3", "--dir", dir)
	if second.Stored >= first.Stored {
		t.Errorf("the second run counts the first's: %+v", second)
	}
	stat := command(t, "store", "stat", "--json", "--dir", filepath.Join(dir, "store"))
	answer, err := stat.Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(answer, []byte(`"reason"`)); n != 1 {
		t.Errorf("%d epochs after two clean runs", n)
	}
}

// TestDemoScenarios: each built-in scenario, high speeds, and a user's file run.
func TestDemoScenarios(t *testing.T) {
	t.Parallel()
	scenario := filepath.Join(t.TempDir(), "mine.yaml")
	text, err := os.ReadFile("../../sensors/emulated/scenarios/warehouse-morning.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("title: A morning in a warehouse"), []byte("title: My own morning"), 1)
	if err := os.WriteFile(scenario, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, speed, title string }{
		{"truck", "300", "A refrigerated truck's round"}, {"cold-room", "3600", "A vaccine cold room"}, {scenario, "1", "My own morning"},
	} {
		_, errs := runDemo(t, "--for", "1s", "--scenario", c.name, "--speed", c.speed)
		inOrder(t, errs, `(?m)^`+regexp.QuoteMeta(c.title)+`, `+c.speed+` times faster`)
	}
}

// inOrder reports a pattern that does not match text after the one before it.
func inOrder(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		at := regexp.MustCompile(p).FindStringIndex(text)
		if at == nil {
			t.Errorf("nothing like %s in order in:\n%s", p, text)
			return
		}
		text = text[at[1]:]
	}
}

// TestDemoSummaryIsReadable: without --json the summary is lines for people.
func TestDemoSummaryIsReadable(t *testing.T) {
	t.Parallel()
	out, err := command(t, "demo", "--for", "6s", "--speed", "10").Output()
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, string(out), `Stop with Ctrl-C`, `Freezer -\d+\.\d\d °C.* \| 0 alarms active \| \d+ waiting \| far side: \d+ received, 0 missing, 0 doubled`, `measured +\d+  readings`, `lost +0  records`, `alarms +\d+`)
	if bytes.ContainsRune(out, '\x1b') {
		t.Error("escape sequences where there is no terminal")
	}
}

// A demo that ends within its scripted outage says why records wait, to people alone.
func TestDemoSaysWhyRecordsWait(t *testing.T) {
	const why = "Records wait because the demo ended within the outage of its script."
	for _, c := range []struct {
		s    summary
		want bool
	}{
		{summary{Waiting: 7, linkDown: true}, true},
		{summary{Waiting: 7}, false},
		{summary{linkDown: true}, false},
	} {
		var b strings.Builder
		if err := new(demo).tell(&b, c.s, ""); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), why) != c.want {
			t.Errorf("%+v: %s", c.s, b.String())
		}
		if text, err := json.Marshal(c.s); err != nil || bytes.Contains(text, []byte("ink")) {
			t.Errorf("JSON: %s, %v", text, err)
		}
	}
}

// pages reads the screens that the demo draws on a terminal.
type pages struct {
	from *bufio.Reader
	all  bytes.Buffer
}

var escapes = regexp.MustCompile("\x1b\\[[?0-9;]*[a-zA-Z]")

// next is the next whole page, without its escape sequences.
func (p *pages) next(t *testing.T) []string {
	t.Helper()
	var page bytes.Buffer
	for {
		chunk, err := p.from.ReadBytes('J') // the end of a page is ESC [ J
		p.all.Write(chunk)
		page.Write(chunk)
		if err != nil {
			t.Fatalf("no page: %v: %q", err, page.String())
		}
		if at := bytes.LastIndex(page.Bytes(), []byte("\x1b[H")); at >= 0 && bytes.HasSuffix(chunk, []byte("\x1b[J")) {
			text := escapes.ReplaceAllString(page.String()[at:], "")
			return strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
		}
	}
}

// TestDemoScreen looks at the live screen on a terminal, at two sizes, and ends it with Ctrl-C.
func TestDemoScreen(t *testing.T) {
	t.Parallel()
	cmd := command(t, "demo", "--seed", "3")
	cmd.Env = append(cmd.Env, "TERM=xterm-256color", "NO_COLOR=")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	p := &pages{from: bufio.NewReader(tty)}
	look := func(cols, rows int, want ...string) {
		t.Helper()
		for {
			lines := p.next(t)
			text := strings.Join(lines, "\n")
			missing := ""
			for _, w := range want {
				if !regexp.MustCompile(w).MatchString(text) {
					missing = w
				}
			}
			if missing != "" {
				continue // the context ends a wait for ever
			}
			for _, line := range lines {
				if columns(line) > cols || len(lines) > rows {
					t.Errorf("a page of %d lines with %q does not fit %dx%d", len(lines), line, cols, rows)
				}
			}
			return
		}
	}
	look(80, 24, "Vaccine cold room", `cr1-air +\d+\.\d\d °C [↑→↓]`, "Alarms", "Stock", `\d+ waiting`, `far side: \d+ received`, "What happens")
	if err := pty.Setsize(tty, &pty.Winsize{Cols: 120, Rows: 40}); err != nil {
		t.Fatal(err)
	}
	look(120, 40, `cr1-air +\d+\.\d\d °C [↑→↓] [+-]\d+\.\d/h`, "In another terminal: frostline status --dir ")
	if _, err := tty.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	rest, err := io.ReadAll(p.from)
	if err != nil && !errors.Is(err, syscall.EIO) { // EIO is how Linux ends a terminal
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	inOrder(t, p.all.String(), `\x1b\[\?1049h`, `\x1b\[\?25l`, `\x1b\[\?7l`)
	inOrder(t, string(rest), `\x1b\[\?7h`, `\x1b\[\?25h`, `\x1b\[\?1049l`, `measured +\d+  readings`)
}

// startAgent runs an agent in a directory of its own until the test ends, and returns its
// config once it answers.
func startAgent(t *testing.T, stderr io.Writer) (config string, agent *exec.Cmd) {
	t.Helper()
	dir := t.TempDir()
	config = filepath.Join(dir, "gw.yaml")
	text := "site: lab\ngateway: gw-1\nweb: {listen: \"off\"}\nstore: {dir: " + dir + "/store, commit_within: 100ms, keep: {free: 1MiB}}\n" +
		"sensors: [{id: load, driver: synthetic, points: 50, every: 1s}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	agent = command(t, "run", "-c", config)
	agent.Stderr = stderr
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	c := control.NewClient(filepath.Join(dir, "store"))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var s control.Status
	for c.Get(t.Context(), "status", &s) != nil {
		<-tick.C
	}
	return config, agent
}
