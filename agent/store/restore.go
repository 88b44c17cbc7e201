package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/frostline/frostline/agent"
)

// A backup is restored by putting it in the place of the database file. After a power cut the
// old file's WAL lies there still, and SQLite would play it into the copy. So a copy carries
// a mark in its header, outside of what a WAL hides, and whatever lies beside a marked file is
// set aside before anything opens it.

// copyID is the application id of a backup, until it is opened as a store.
const copyID = 0x46726f63

// headerID is where SQLite keeps the application id in a file (file format, section 1.3).
const headerID = 68

// isCopy reports whether the file is a backup that was never opened as a store.
func isCopy(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // only read
	var id [4]byte
	if _, err := f.ReadAt(id[:], headerID); err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil // too short for a database
		}
		return false, err
	}
	return binary.BigEndian.Uint32(id[:]) == copyID, nil
}

// adoptCopy makes a store of a backup that was put in the place of one. It can be cut off
// at any moment and done again.
func adoptCopy(path string, now agent.Instant) error {
	if is, err := isCopy(path); err != nil || !is {
		return err
	}
	if err := setForeignAside(path, now); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	pool, conn, err := openWriter(path)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	// Until the mark is gone from the file itself, nothing else may be committed to its WAL.
	_, err = conn.ExecContext(background, fmt.Sprintf("PRAGMA application_id=%d", applicationID))
	if err == nil {
		_, err = conn.ExecContext(background, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if err = errors.Join(err, conn.Close(), pool.Close()); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return syncFile(path)
}

// setForeignAside renames what an earlier database left beside a restored one.
func setForeignAside(path string, now agent.Instant) error {
	moved := false
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if info, err := os.Lstat(path + suffix); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		} else if info.Size() == 0 || suffix == "-shm" {
			if err := os.Remove(path + suffix); err != nil { // holds nothing that is not in the others
				return err
			}
			continue
		}
		if err := os.Rename(path+suffix, freeName(path+".before-restore-"+stampOf(now), suffix)); err != nil {
			return err
		}
		moved = true
	}
	if !moved {
		return nil
	}
	return syncDir(filepath.Dir(path))
}

// syncFile makes what is in a file durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
