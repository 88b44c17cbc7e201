package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

type migration struct {
	number int
	name   string
	text   string
	digest string
}

// SchemaVersion is the schema that this version of the agent writes.
func SchemaVersion() int { return len(migrations()) }

// migrations lists the embedded steps in order. A released step is never changed: its
// digest stands in the stores that took it.
func migrations() []migration {
	names, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil {
		panic("store: embedded schema: " + err.Error())
	}
	var all []migration
	for i, name := range names { // Glob sorts
		text, err := schemaFiles.ReadFile(name)
		if err != nil {
			panic("store: embedded schema: " + err.Error())
		}
		sum := sha256.Sum256(text)
		all = append(all, migration{i + 1, name, string(text), hex.EncodeToString(sum[:])})
	}
	return all
}

// errNewer says that a newer version of the agent wrote the file.
var errNewer = errors.New("schema is newer than this agent")

// peekVersion reads a database file's schema version from its header without opening it
// as a database: nothing in a newer file may be changed, not even its WAL. exists is
// false for a missing or empty file.
func peekVersion(path string) (version int, exists bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	header := make([]byte, 100)
	n, err := io.ReadFull(f, header)
	if err == io.EOF {
		return 0, false, nil
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, true, err
	}
	if n < len(header) || string(header[:16]) != "SQLite format 3\x00" {
		return 0, true, fmt.Errorf("%w: no database header", errDamaged)
	}
	return int(binary.BigEndian.Uint32(header[60:64])), true, nil
}

// migrate brings the schema up to date, each step in its own transaction.
func migrate(ctx context.Context, conn *sql.Conn) error {
	var version int
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	all := migrations()
	if version > len(all) {
		return fmt.Errorf("%w: %d, this agent knows %d", errNewer, version, len(all))
	}
	for _, m := range all[version:] {
		if err := migrateOne(ctx, conn, m); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", m.number, err)
		}
	}
	rows, err := conn.QueryContext(ctx, "SELECT n, digest FROM migrations")
	if err != nil {
		return fmt.Errorf("%w: migrations: %w", errDamaged, err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		var digest string
		if err := rows.Scan(&n, &digest); err != nil {
			return err
		}
		if n < 1 || n > len(all) || all[n-1].digest != digest {
			return fmt.Errorf("%w: migration %d is not the one this agent knows", errDamaged, n)
		}
	}
	return rows.Err()
}

func migrateOne(ctx context.Context, conn *sql.Conn, m migration) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing; before, the cause is returned
	script := m.text
	if m.number == 1 {
		script = fmt.Sprintf("PRAGMA application_id=%d; CREATE TABLE migrations (n INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL);", applicationID) + script
	}
	if _, err := tx.ExecContext(ctx, script); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO migrations VALUES (?, ?, ?)", m.number, m.name, m.digest); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d", m.number)); err != nil {
		return err
	}
	return tx.Commit()
}
