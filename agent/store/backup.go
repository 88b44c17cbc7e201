package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"
)

const (
	backupPages = 1024                 // copied in one step, between commits: 1 MiB
	backupPause = 2 * time.Millisecond // between two steps, so that commits come first
)

// Backup copies the store to file while it runs, in short steps between commits; the copy
// is that of the moment it ends. The copy is marked: opened as a store it begins a new
// epoch. An existing file is refused.
func (db *DB) Backup(ctx context.Context, file string) error {
	if err := db.backup(ctx, file); err != nil {
		return fmt.Errorf("store: backup to %s: %w", file, err)
	}
	return nil
}

func (db *DB) backup(ctx context.Context, file string) (err error) {
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(os.ErrExist, err)
	}
	partial := file + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := db.copyPages(ctx, partial); err != nil {
		return errors.Join(err, removeCopy(partial))
	}
	if err := markCopy(partial); err != nil {
		return errors.Join(fmt.Errorf("mark the copy: %w", err), removeCopy(partial))
	}
	if err := os.Rename(partial, file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

func removeCopy(path string) error {
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyPages steps SQLite's online backup on the writing connection: what is committed
// meanwhile goes to the copy as well, so that the copying need not begin again.
func (db *DB) copyPages(ctx context.Context, to string) error {
	var c copying
	defer c.abandon(db)
	for {
		err := db.do(ctx, func(w *writer) error { return c.step(w, to) })
		if err != nil || c.done {
			return err
		}
		if !pause(ctx, backupPause) {
			return ctx.Err()
		}
	}
}

// copying is a backup under way. The writer's goroutine owns it.
type copying struct {
	pool *sql.DB
	conn *sql.Conn
	from *sql.Conn // the writing connection it began on
	b    *sqlite3.SQLiteBackup
	done bool
}

// foreign is an error of the copy, whose disk is not the store's: it means nothing for the store.
type foreign struct{ error }

// Unwrap is the error itself.
func (f foreign) Unwrap() error { return f.error }

// step copies some pages. Its errors are foreign.
func (c *copying) step(w *writer, to string) error {
	if err := c.advance(w, to); err != nil {
		return foreign{err}
	}
	return nil
}

func (c *copying) advance(w *writer, to string) error {
	if c.b == nil {
		if err := c.begin(w.s.conn, to); err != nil {
			return errors.Join(err, c.close())
		}
	}
	if c.from != w.s.conn {
		return errors.Join(errors.New("the store was opened again meanwhile"), c.close())
	}
	done, err := c.b.Step(backupPages)
	if err != nil || done {
		c.done = err == nil
		return errors.Join(err, c.close())
	}
	return nil
}

func (c *copying) begin(from *sql.Conn, to string) (err error) {
	c.from = from
	c.pool = sql.OpenDB(connector{dsn: dsn(to, "mode=rwc&_synchronous=FULL")})
	c.pool.SetMaxOpenConns(1)
	if c.conn, err = c.pool.Conn(background); err != nil {
		return err
	}
	return c.conn.Raw(func(dst any) error {
		return from.Raw(func(src any) error {
			c.b, err = dst.(*sqlite3.SQLiteConn).Backup("main", src.(*sqlite3.SQLiteConn), "main")
			return err
		})
	})
}

func (c *copying) close() (err error) {
	if c.b != nil {
		err = c.b.Close()
		c.b = nil
	}
	if c.conn != nil {
		err = errors.Join(err, c.conn.Close())
		c.conn = nil
	}
	if c.pool != nil {
		err = errors.Join(err, c.pool.Close())
		c.pool = nil
	}
	return err
}

// abandon ends a copy that its caller gave up, on the writer's goroutine.
func (c *copying) abandon(db *DB) {
	if c.done {
		return
	}
	db.do(background, func(*writer) error { return c.close() }) //nolint:errcheck // the copy is incomplete and removed anyway
}

// markCopy marks a backup, so that whoever opens it begins a new epoch, and plays no WAL into it
// that lies where it was put.
func markCopy(path string) error {
	pool, conn, err := openWriter(path)
	if err != nil {
		return err
	}
	err = insert(conn, "INSERT OR REPLACE INTO state VALUES (?, ?)", noteCopy, []byte{1})
	if err == nil {
		_, err = conn.ExecContext(background, fmt.Sprintf("PRAGMA application_id=%d", copyID))
	}
	if err == nil {
		_, err = conn.ExecContext(background, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return errors.Join(err, conn.Close(), pool.Close())
}
