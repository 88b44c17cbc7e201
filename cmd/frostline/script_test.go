package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/internal/peers"
)

// patience is how long a script waits for what must come: much longer than it takes, so
// that a slow machine fails no test.
const patience = 60 * time.Second

// TestScripts runs testdata/*.txt. Beside the usual commands they have
//
//	exits CODE CMD…      run CMD, which must end with this code
//	broker               start an MQTT broker; $BROKER is its URL
//	ready DIR            wait until the agent with this store answers
//	until PATTERN CMD…   run CMD until its standard output matches
//	never PATTERN CMD…   run CMD until its standard output does not match
//	signal NAME [VERB]   send TERM or HUP to the processes in the background, or to those of a verb
//	flip FILE            flip bits in the middle of the file's every page but the first
//	replace FILE OLD NEW replace text in a file
//	remember NAME RE     set $NAME to the first group of RE in the last standard output
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "service" { // the tests run as root or another service account
				return false, errors.New("no such condition")
			}
			return os.Getuid() < firstPerson, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"broker": func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Setenv("BROKER", peers.StartEmbedded(t, peers.EmbeddedOptions{}).URL())
			},
			"exits":    exits,
			"ready":    ready,
			"until":    until,
			"never":    func(ts *testscript.TestScript, _ bool, args []string) { until(ts, true, args) },
			"signal":   send,
			"flip":     flip,
			"replace":  replace,
			"remember": remember,
		},
	})
}

// await asks ok every so often until it is true.
func await(ts *testscript.TestScript, what string, ok func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := clock.Elapsed(); !ok(); <-tick.C {
		if clock.Elapsed()-began > patience {
			ts.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s ended with %d, not %s", strings.Join(args[1:], " "), code, args[0])
	}
}

func ready(ts *testscript.TestScript, _ bool, args []string) {
	c := control.NewClient(ts.MkAbs(args[0]))
	await(ts, "the agent with "+args[0], func() bool {
		var s control.Status
		return c.Get(context.Background(), "status", &s) == nil
	})
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[0])
	await(ts, strings.Join(args, " "), func() bool {
		err := ts.Exec(args[1], args[2:]...)
		return err == nil && pattern.MatchString(ts.ReadFile("stdout")) != neg
	})
}

func send(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}
	for _, cmd := range ts.BackgroundCmds() {
		if len(args) > 1 && cmd.Args[1] != args[1] {
			continue
		}
		ts.Check(cmd.Process.Signal(signals[args[0]]))
	}
}

func flip(ts *testscript.TestScript, _ bool, args []string) {
	const page = 4096
	path := ts.MkAbs(args[0])
	content, err := os.ReadFile(path)
	ts.Check(err)
	for at := page + page/2; at < len(content); at += page {
		for i := range 64 {
			content[at+i] ^= 0xff
		}
	}
	ts.Check(os.WriteFile(path, content, 0o600))
}

func replace(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	content, err := os.ReadFile(path)
	ts.Check(err)
	if !bytes.Contains(content, []byte(args[1])) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, bytes.ReplaceAll(content, []byte(args[1]), []byte(args[2])), 0o600))
}

func remember(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("the last output has no %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}
