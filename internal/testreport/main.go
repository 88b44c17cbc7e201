// Command testreport runs `go test -json` with its arguments, shows the packages as they
// finish and the output of what failed, and ends with a line that names what was left out.
//
//	go run ./internal/testreport [-permit REGEXP] [flags and packages of go test]
//
// It exits with 1 if a test failed, if a package did not build, or, with CI=true in the
// environment, if a test was skipped for a reason that -permit does not match.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
)

func main() {
	permit, args, err := arguments(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(2)
	}
	ok, err := run(permit, args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

// arguments takes a leading -permit from the arguments; the rest is for go test.
func arguments(args []string) (permit *regexp.Regexp, rest []string, err error) {
	if len(args) == 0 || args[0] != "-permit" {
		return nil, args, nil
	}
	if len(args) < 2 {
		return nil, nil, errors.New("-permit wants a regular expression")
	}
	permit, err = regexp.Compile(args[1])
	return permit, args[2:], err
}

func run(permit *regexp.Regexp, args []string) (ok bool, err error) {
	// The terminal sends an interrupt to go test as well: let it end, and report. (Not
	// signal.Ignore, which the tests would inherit.)
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	goTool := os.Getenv("GO")
	if goTool == "" {
		goTool = "go"
	}
	cmd := exec.Command(goTool, append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return false, fmt.Errorf("pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("start %s test: %w", goTool, err)
	}
	r := newReport(os.Stdout)
	readErr := r.read(stdout)
	exit := cmd.Wait()
	ok = exit == nil && readErr == nil && r.broken == 0
	if os.Getenv("CI") == "true" {
		if n := r.unexpected(permit); n > 0 {
			fmt.Printf("CI leaves nothing out: %s skipped\n", count(n, "test"))
			ok = false
		}
	}
	r.finish()
	var status *exec.ExitError
	if exit != nil && !errors.As(exit, &status) {
		return false, fmt.Errorf("wait for %s test: %w", goTool, exit)
	}
	return ok, readErr
}

// eachLine calls f with each line, however long, without its end.
func eachLine(in io.Reader, f func(string)) error {
	b := bufio.NewReader(in)
	for {
		line, err := b.ReadString('\n')
		if line != "" {
			f(strings.TrimSuffix(line, "\n"))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
	}
}
