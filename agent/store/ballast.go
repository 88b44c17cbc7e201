package store

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// makeRoom is the answer to a full disk: the ballast is given up, and what keep allows to
// remove is removed.
func (w *writer) makeRoom() {
	path := filepath.Join(w.s.dir, ballastName)
	if err := os.Remove(path); err == nil {
		w.db.log.Warn("ballast given up to make room")
	} else if !errors.Is(err, fs.ErrNotExist) {
		w.db.log.Warn("ballast cannot be given up", slog.Any("err", err))
	}
	w.ret.ballast = elapsed()
	keep, upstreams := w.db.opt.Keep, w.db.opt.Upstreams
	if keep.Free <= 0 && keep.Bytes <= 0 || w.s.conn == nil || w.flight != nil {
		return
	}
	said := w.ret.noRoom // what shrink commits counts as healthy, and must not make it be said again
	taken, err := w.taken(upstreams)
	if err == nil {
		_, err = w.shrink(ballastSize, taken)
	}
	if err == nil {
		_, err = w.s.conn.ExecContext(background, "PRAGMA wal_checkpoint(RESTART)")
	}
	w.ret.noRoom = said || err != nil
	if err != nil && !said {
		w.db.log.Warn("no room made on the full disk", slog.Any("err", err))
	}
}

// tendBallast puts the ballast back once there is room for it.
func (w *writer) tendBallast(keep Keep) {
	if w.ret.ballast != 0 && elapsed()-w.ret.ballast < passEvery {
		return
	}
	w.ret.ballast = elapsed()
	path := filepath.Join(w.s.dir, ballastName)
	if sizeOf(path) == ballastSize {
		return
	}
	var fsys unix.Statfs_t
	if err := unix.Statfs(w.s.dir, &fsys); err != nil {
		return
	}
	if int64(fsys.Bavail)*int64(fsys.Bsize) < max(keep.Free, 0)+8*ballastSize { //nolint:unconvert // they are narrower on some architectures
		return
	}
	if err := writeBallast(path); err != nil {
		w.db.log.Debug("no ballast", slog.Any("err", err))
		os.Remove(path) //nolint:errcheck // the next look tries again
	}
}

func writeBallast(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, ballastSize)
	if errors.Is(err, unix.EOPNOTSUPP) {
		_, err = f.Write(make([]byte, ballastSize))
	}
	return errors.Join(err, f.Close())
}
