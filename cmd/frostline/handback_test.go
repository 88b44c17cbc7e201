package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What root makes in an agent's store belongs to the agent afterwards.
func TestHandBack(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "frostline.db")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	want := uint32(os.Geteuid())
	if want == 0 {
		want = 4242
		if err := os.Chown(dir, int(want), int(want)); err != nil {
			t.Fatal(err)
		}
	}
	if err := handBack(dir); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
		t.Fatalf("the file belongs to %d, want %d", got, want)
	}
}
