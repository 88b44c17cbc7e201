package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/frostline/frostline/agent/config"
)

// Whatever becomes of a reload, systemd is told its end: a unit that is left "reloading" can
// be neither reloaded nor relied on.
func TestEveryReloadEndsForSystemd(t *testing.T) {
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml")
	for file, text := range map[string]string{good: "site: s\ngateway: g\n", bad: "sight: s\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	told := func(n int) string {
		t.Helper()
		var words []string
		for range n {
			buffer := make([]byte, 100)
			n, err := socket.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			words = append(words, string(buffer[:n]))
		}
		return strings.Join(words, " ")
	}
	for _, c := range []struct {
		name, file string
		underWay   bool
		want       string
		words      int
	}{
		{"a wrong config", bad, false, "RELOADING=1 READY=1", 2},
		{"no config", filepath.Join(dir, "none"), false, "RELOADING=1 READY=1", 2},
		{"another one is under way", good, true, "RELOADING=1 READY=1", 2},
		{"it goes on, and the next agent is ready in its time", good, false, "RELOADING=1", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &runner{path: c.file, reload: make(chan *config.Config, 1)}
			if c.underWay {
				r.reload <- nil
			}
			if err := r.reread(); (err == nil) != (c.words == 1) {
				t.Error(err)
			}
			if got := told(c.words); got != c.want {
				t.Errorf("systemd is told %s, want %s", got, c.want)
			}
		})
	}
}
