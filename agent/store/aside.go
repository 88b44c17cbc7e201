package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
)

// setAside renames the database and its companions; nothing in them changes.
func setAside(path, why string, now agent.Instant) (string, error) {
	aside := freeName(path+"."+why+"-"+stampOf(now), "")
	// The database first: if the power fails in between, a WAL without its database is
	// noticed, a database without its WAL is not.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("set aside: %w", err)
		}
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("set aside: %w", err)
	}
	return aside, nil
}

// stampOf is an instant for a file's name.
func stampOf(now agent.Instant) string {
	if now.Wall.IsZero() {
		return fmt.Sprintf("boot-%s-%ds", now.Boot.String()[:8], int64(now.Mono/time.Second))
	}
	return now.Wall.UTC().Format("20060102T150405Z")
}

// freeName is the name, or with a number the next one, under which there is no file yet.
func freeName(name, suffix string) string {
	free := name + suffix
	for i := 2; ; i++ {
		if _, err := os.Lstat(free); errors.Is(err, fs.ErrNotExist) {
			return free
		}
		free = fmt.Sprintf("%s-%d%s", name, i, suffix)
	}
}

// newestAside is the damaged file that was set aside last; empty if there is none.
func newestAside(path string) (string, error) {
	names, err := filepath.Glob(path + ".damaged-*")
	if err != nil {
		return "", err
	}
	newest, at := "", time.Time{}
	for _, name := range names {
		if strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-shm") {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		if newest == "" || info.ModTime().After(at) {
			newest, at = name, info.ModTime()
		}
	}
	return newest, nil
}

// reunite finishes a setting aside in which the power failed: the database was renamed and
// its WAL was not.
func reunite(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	aside, err := newestAside(path)
	if err != nil || aside == "" {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(aside + suffix); err == nil {
			continue
		}
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set aside: %w", err)
		}
	}
	return syncDir(filepath.Dir(path))
}

// unfinished is what a store that never had a record has to take over from a damaged one:
// the power failed after that was set aside and before the order to salvage it was kept.
func (s *session) unfinished() (*carry, error) {
	var used bool
	err := s.conn.QueryRowContext(background, "SELECT EXISTS (SELECT 1 FROM log) OR EXISTS (SELECT 1 FROM state)").Scan(&used)
	if err != nil || used {
		return nil, err
	}
	aside, err := newestAside(s.path)
	if err != nil || aside == "" {
		return nil, err
	}
	c := readCarry(aside)
	c.cause = "a damaged store was set aside before"
	s.news = append(s.news, notice{"store-damaged", "set aside as " + filepath.Base(aside)})
	return c, nil
}
