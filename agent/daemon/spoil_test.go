package daemon

import (
	"bytes"
	"database/sql"
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

// flipBitOfRecords moves a database's WAL into its file and changes one bit of the records in
// the middle.
func flipBitOfRecords(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	var body []byte
	const middle = "SELECT body FROM log WHERE n > 100 LIMIT 1 OFFSET (SELECT count(*)/2 FROM log WHERE n > 100)"
	if err := db.QueryRowContext(t.Context(), middle).Scan(&body); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 40; i+16 < len(body); i++ { // a stretch that lies on one page
		if at := bytes.Index(text, body[i:i+16]); at >= 0 {
			text[at+8] ^= 1
			overwrite(t, path, text)
			return
		}
	}
	t.Fatalf("the %d bytes of records are not found in the file of %d", len(body), len(text))
}
