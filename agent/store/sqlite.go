package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

const (
	fileName    = "frostline.db"
	lockName    = "frostline.lock"
	ballastName = "frostline.ballast"

	// pageSize is of a file created by us. A commit of 100 readings is half a kilobyte and
	// changes two or three pages, each of which goes to the WAL whole: measured per reading,
	// 144 B with pages of 4096 bytes, 105 B with 2048, 84 B with 1024; reading is as fast.
	pageSize      = 1024
	walLimit      = 4 << 20 // bytes of WAL before a checkpoint: a page that many commits touch is then written to the file once
	applicationID = 0x46726f73
)

// background is for statements on the hot path: a context that can be canceled costs the
// driver a goroutine for each. Who calls them watches its own context.
var background = context.Background()

type connector struct {
	dsn  string
	hook func(*sqlite3.SQLiteConn) error
}

func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{ConnectHook: c.hook} }

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.Driver().Open(c.dsn) }

func dsn(path, query string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query
}

// createFile creates the database file: page size and auto_vacuum can be chosen only now.
func createFile(path string) error {
	pool, conn, err := openConn(connector{
		dsn: dsn(path, "mode=rwc&_auto_vacuum=incremental&_synchronous=FULL&_busy_timeout=2000"),
		hook: func(c *sqlite3.SQLiteConn) error {
			_, err := c.Exec(fmt.Sprintf("PRAGMA page_size=%d", pageSize), nil)
			return err
		},
	})
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(background, "VACUUM") // writes the first page
	return errors.Join(err, conn.Close(), pool.Close())
}

// openWriter opens the one connection that writes.
func openWriter(path string) (*sql.DB, *sql.Conn, error) {
	return openConn(connector{
		dsn: dsn(path, "mode=rw&_journal_mode=WAL&_synchronous=FULL&_busy_timeout=2000&_cache_size=-512&_txlock=immediate"),
		hook: func(c *sqlite3.SQLiteConn) error {
			_, err := c.Exec(fmt.Sprintf("PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=%d", 2*walLimit), nil)
			return err
		},
	})
}

// openCheckpointer opens the connection that only moves pages from the WAL to the file.
func openCheckpointer(path string) (*sql.DB, *sql.Conn, error) {
	return openConn(connector{
		dsn: dsn(path, "mode=rw&_synchronous=FULL&_busy_timeout=0&_cache_size=-64"),
		hook: func(c *sqlite3.SQLiteConn) error {
			_, err := c.Exec(fmt.Sprintf("PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=%d", 2*walLimit), nil)
			return err
		},
	})
}

func openConn(c connector) (*sql.DB, *sql.Conn, error) {
	pool := sql.OpenDB(c)
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(background)
	if err != nil {
		return nil, nil, errors.Join(err, pool.Close())
	}
	var synchronous int
	if err = conn.QueryRowContext(background, "PRAGMA synchronous").Scan(&synchronous); err == nil && synchronous != 2 {
		err = fmt.Errorf("synchronous is %d in spite of FULL", synchronous)
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close(), pool.Close())
	}
	return pool, conn, nil
}

// openReaders opens the pool that only reads.
func openReaders(path string) *sql.DB {
	mode := "mode=ro"
	if is, err := isCopy(path); err == nil && is {
		mode += "&immutable=1" // what lies beside a backup is another database's
	}
	pool := sql.OpenDB(connector{
		dsn: dsn(path, mode+"&_query_only=1&_busy_timeout=2000&_cache_size=-256"),
		hook: func(c *sqlite3.SQLiteConn) error {
			_, err := c.Exec("PRAGMA mmap_size=0", nil)
			return err
		},
	})
	pool.SetMaxOpenConns(3)
	pool.SetMaxIdleConns(3)
	return pool
}

// trouble says what an error of SQLite or of the file system means for the store.
type trouble int

const (
	troubleNone    trouble = iota
	troubleFull            // there is no room
	troubleFailing         // the disk refuses
	troubleDamaged         // the file is not what was written
)

func troubleOf(err error) trouble {
	if err == nil || errors.As(err, new(foreign)) {
		return troubleNone
	}
	if errors.Is(err, errPack) || errors.Is(err, errUnknownDef) || errors.Is(err, errDamaged) {
		return troubleDamaged
	}
	var e sqlite3.Error
	if errors.As(err, &e) {
		switch {
		case e.Code == sqlite3.ErrCorrupt, e.Code == sqlite3.ErrNotADB, e.Code == sqlite3.ErrConstraint:
			return troubleDamaged
		case e.Code == sqlite3.ErrIoErr && e.ExtendedCode == sqlite3.ErrIoErrShortRead:
			return troubleDamaged
		case e.Code == sqlite3.ErrFull:
			return troubleFull
		}
		if noRoom(e.SystemErrno) {
			return troubleFull
		}
		return troubleFailing
	}
	var errno syscall.Errno
	if errors.As(err, &errno) && noRoom(errno) {
		return troubleFull
	}
	return troubleFailing
}

func noRoom(errno syscall.Errno) bool {
	return errno == syscall.ENOSPC || errno == syscall.EDQUOT || errno == syscall.EFBIG
}

// errDamaged is the cause where the store's own rules find the file damaged.
var errDamaged = errors.New("file is damaged")

// ErrLocked is what Open returns while another agent has the store.
var ErrLocked = errors.New("another agent has this store")

// lockStore takes the store's lock file for this process.
func lockStore(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o640)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
	}
	return f, nil
}

// syncDir makes renames in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
