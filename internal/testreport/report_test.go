package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func stream(t *testing.T, events ...event) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	for _, e := range events {
		if err := json.NewEncoder(&b).Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}

func reported(t *testing.T, events ...event) (*report, string) {
	t.Helper()
	var out strings.Builder
	r := newReport(&out)
	if err := r.read(stream(t, events...)); err != nil {
		t.Fatal(err)
	}
	r.finish()
	return r, out.String()
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	return lines[len(lines)-1]
}

func TestLastLineSaysThatNothingWasLeftOut(t *testing.T) {
	r, out := reported(t,
		event{Action: "run", Package: "p", Test: "TestA"},
		event{Action: "pass", Package: "p", Test: "TestA"},
		event{Action: "pass", Package: "p", Elapsed: 1},
		event{Action: "skip", Package: "empty"},
	)
	if got, want := lastLine(out), "left out: nothing"; got != want {
		t.Errorf("last line is %q, want %q", got, want)
	}
	if !strings.Contains(out, "1 passed, 0 failed, 0 skipped; 1 packages, 0 of them failed") {
		t.Errorf("totals are wrong in:\n%s", out)
	}
	if n := r.unexpected(nil); n != 0 {
		t.Errorf("%d tests unexpectedly skipped, want 0: a package without tests is none", n)
	}
}

func TestLastLineGathersSkipsByReason(t *testing.T) {
	skip := func(test, reason string) []event {
		return []event{
			{Action: "output", Package: "p", Test: test, Output: "=== RUN   " + test + "\n"},
			{Action: "output", Package: "p", Test: test, Output: "    peer_test.go:31: " + reason + "\n"},
			{Action: "output", Package: "p", Test: test, Output: "--- SKIP: " + test + " (0.00s)\n"},
			{Action: "skip", Package: "p", Test: test},
		}
	}
	events := append(skip("TestA", "mosquitto: not found"), skip("TestB", "no vectors")...)
	events = append(events, skip("TestC", "mosquitto: not found")...)
	events = append(events, event{Action: "pass", Package: "p"})
	r, out := reported(t, events...)
	if got, want := lastLine(out), "left out: mosquitto: not found: 2 tests; no vectors: 1 test"; got != want {
		t.Errorf("last line is %q, want %q", got, want)
	}
	if n := r.unexpected(regexp.MustCompile("^mosquitto")); n != 1 {
		t.Errorf("%d tests unexpectedly skipped, want 1", n)
	}
}

func TestSkipWithoutReasonIsNamedAsSuch(t *testing.T) {
	_, out := reported(t,
		event{Action: "output", Package: "p", Test: "TestA", Output: "--- SKIP: TestA (0.00s)\n"},
		event{Action: "skip", Package: "p", Test: "TestA"},
		event{Action: "pass", Package: "p"},
	)
	if got, want := lastLine(out), "left out: no reason given: 1 test"; got != want {
		t.Errorf("last line is %q, want %q", got, want)
	}
}

func TestShowsOutputOfFailedAndUnfinishedTestsOnly(t *testing.T) {
	r, out := reported(t,
		event{Action: "output", Package: "p", Test: "TestGood", Output: "quiet\n"},
		event{Action: "pass", Package: "p", Test: "TestGood"},
		event{Action: "output", Package: "p", Test: "TestBad", Output: "    a_test.go:1: wrong sum\n"},
		event{Action: "fail", Package: "p", Test: "TestBad"},
		event{Action: "output", Package: "p", Test: "TestHung", Output: "panic: test timed out\n"},
		event{Action: "output", Package: "p", Output: "-test.shuffle 7\n"},
		event{Action: "fail", Package: "p"},
	)
	for _, want := range []string{"wrong sum", "test timed out", "-test.shuffle 7", "FAIL  p"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "quiet") {
		t.Errorf("output of a passed test is shown:\n%s", out)
	}
	if r.broken != 1 || r.failures != 1 {
		t.Errorf("broken %d, failures %d, want 1 and 1", r.broken, r.failures)
	}
}

func TestShowsBuildErrorsAndStrangeLines(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	in := stream(t,
		event{Action: "build-output", ImportPath: "p", Output: "p/a.go:1:1: undefined: x\n"},
		event{Action: "build-fail", ImportPath: "p"},
		event{Action: "fail", Package: "p"},
	)
	in.WriteString("no event at all")
	if err := r.read(in); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"undefined: x", "no event at all"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
	if r.broken != 1 {
		t.Errorf("broken %d, want 1", r.broken)
	}
}

func TestArguments(t *testing.T) {
	permit, rest, err := arguments([]string{"-permit", "^peer", "-race", "./..."})
	if err != nil || permit.String() != "^peer" || strings.Join(rest, " ") != "-race ./..." {
		t.Errorf("got %v %q %v", permit, rest, err)
	}
	if _, _, err := arguments([]string{"-permit"}); err == nil {
		t.Error("no error for a -permit without expression")
	}
	if permit, rest, err := arguments([]string{"./..."}); permit != nil || len(rest) != 1 || err != nil {
		t.Errorf("got %v %q %v", permit, rest, err)
	}
}
