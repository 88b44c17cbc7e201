// Package peers starts the real far sides that tests speak to: Mosquitto and influxd.
//
// Each peer is a process of its own on a free loopback port, with its own directory, and is
// ended by its process id when the test ends. It is for tests and for the measuring
// commands (RunMosquitto, Relay), which end what they started themselves: nothing that is
// shipped imports it.
//
// A peer that is not installed skips the test and says so; with CI=true in the environment it fails it.
package peers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// find is locate for a test: a program that is not there skips it.
func find(t testing.TB, name, env string, cached ...string) string {
	t.Helper()
	if os.Getenv("FROSTLINE_PEERS") == "off" {
		t.Skip("real peers are switched off (FROSTLINE_PEERS=off)")
	}
	path, err := locate(name, env, cached...)
	if err != nil {
		missing(t, "%v", err)
	}
	return path
}

// locate returns the path of a program: named by the environment variable env, lying below
// .cache at the repository's root, on the PATH, or in one of the system directories that
// a user's PATH often lacks.
func locate(name, env string, cached ...string) (string, error) {
	if p := os.Getenv(env); p != "" {
		if executable(p) {
			return p, nil
		}
		return "", fmt.Errorf("%s=%s is not a program", env, p)
	}
	if root, err := Root(); err == nil {
		for _, c := range cached {
			if p := filepath.Join(root, ".cache", c); executable(p) {
				return p, nil
			}
		}
	}
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"} {
		if p := filepath.Join(dir, name); executable(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: run `make test-deps`, or set %s to its path", name, env)
}

// missing skips the test, or fails it in CI, where nothing may be left out.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("peers: "+format, args...)
		return
	}
	t.Skipf("peers: "+format, args...)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Root is the repository's root: the nearest directory upward that has a go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("peers: find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("peers: find the repository: no go.mod above the working directory")
		}
		dir = up
	}
}

// FreePort returns a TCP port of 127.0.0.1 on which nothing listens at the moment.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("peers: find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("peers: find a free port: %w", err)
	}
	return port, nil
}
