package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/store"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitDone},
		{errors.New("anything"), exitFailed},
		{usagef("how"), exitUsage},
		{fmt.Errorf("x: %w", &config.Errors{List: []config.Error{{}}}), exitUsage},
		{fmt.Errorf("x: %w", control.ErrUsage), exitUsage},
		{fmt.Errorf("x: %w", control.ErrUnreachable), exitUnreachable},
		{fmt.Errorf("x: %w", store.ErrDamaged), exitDamaged},
		{fmt.Errorf("x: %w", control.ErrNotPermitted), exitNotPermitted},
		{fmt.Errorf("x: %w", os.ErrPermission), exitNotPermitted},
		{&silentError{&exitError{exitDamaged, store.ErrDamaged}}, exitDamaged},
	} {
		if got := report(new(bytes.Buffer), c.err); got != c.want {
			t.Errorf("%v: code %d, want %d", c.err, got, c.want)
		}
	}
}

// TestNotPermitted runs verbs as somebody who may not touch the store, or not read the
// config. Root may touch everything, so root's verbs run as nobody.
func TestNotPermitted(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	inside := filepath.Join(dir, "store")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "gw.yaml")
	if err := os.WriteFile(file, []byte("site: lab\ngateway: gw-1\nstore: {dir: "+inside+"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code := func(args ...string) int {
		t.Helper()
		cmd := command(t, args...)
		if os.Getuid() == 0 {
			cmd.Path = "/proc/self/exe" // the binary's directory is root's
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		t.Logf("%v: %s", args, out)
		return exit.ExitCode()
	}
	if os.Getuid() != 0 {
		if err := os.Chmod(inside, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(inside, 0o700) }) // so that it can be removed
	}
	for _, args := range [][]string{{"status"}, {"alarms"}, {"tail"}, {"store", "stat"}, {"alarms", "ack", "all", "--as", "Li Wei", "--comment", "seen"}, {"store", "check"}} {
		if got := code(append(args, "-c", file)...); got != exitNotPermitted {
			t.Errorf("%v: code %d, want %d", args, got, exitNotPermitted)
		}
	}
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	if got := code("check", "-c", file); got != exitNotPermitted {
		t.Errorf("a config that may not be read: code %d, want %d", got, exitNotPermitted)
	}
}

// TestPipes: `tail` ends with its reader and on Ctrl-C without a word, `store export` too,
// and an agent goes on without anybody who reads its journal.
func TestPipes(t *testing.T) {
	t.Parallel()
	journal, gone, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	config, agent := startAgent(t, gone)

	for name, end := range map[string]func(tail *exec.Cmd, out *os.File) error{
		"ctrl-c":      func(tail *exec.Cmd, _ *os.File) error { return tail.Process.Signal(os.Interrupt) },
		"broken pipe": func(_ *exec.Cmd, out *os.File) error { return out.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			out, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			tail := command(t, "tail", "-c", config)
			var errs bytes.Buffer
			tail.Stdout, tail.Stderr = in, &errs
			if err := tail.Start(); err != nil {
				t.Fatal(err)
			}
			_ = in.Close() // the child has its own
			if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if err := end(tail, out); err != nil {
				t.Fatal(err)
			}
			err = tail.Wait()
			if name == "ctrl-c" && err != nil {
				t.Error(err)
			}
			if errs.Len() > 0 {
				t.Errorf("it says %q", errs.String())
			}
		})
	}
	export := command(t, "store", "export", "-c", config)
	var errs bytes.Buffer
	export.Stdout, export.Stderr = gone, &errs
	_ = export.Run() // it ends with SIGPIPE, as everything in a pipe
	if errs.Len() > 0 {
		t.Errorf("export says %q", errs.String())
	}
	if err := agent.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := agent.Wait(); err != nil {
		t.Errorf("an agent without a journal: %v", err)
	}
	_ = gone.Close()
}
