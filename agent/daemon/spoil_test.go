package daemon

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// overwrite puts a file in the place of another.
func overwrite(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o640); err != nil {
		t.Fatal(err)
	}
}

// cut shortens a file.
func cut(t *testing.T, path string, to func(int64) int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, to(info.Size())); err != nil {
		t.Fatal(err)
	}
}

// noise spoils pages of a database, counted from 0.
func noise(t *testing.T, path string, pages ...int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int(binary.BigEndian.Uint16(text[16:]))
	for _, p := range pages {
		for i := p * size; i < (p+1)*size && i < len(text); i++ {
			text[i] = byte(i*7 + 13)
		}
	}
	overwrite(t, path, text)
}

// userVersion sets the schema version in a database's header.
func userVersion(t *testing.T, path string, version uint32) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(text[60:], version)
	overwrite(t, path, text)
}

// strayFile reports whether a database was set aside.
func strayFile(t *testing.T, dir string) bool {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		base := filepath.Base(n)
		if strings.Contains(base, "damaged") || strings.Contains(base, "newer") {
			return true
		}
	}
	return false
}
