package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/frostline/frostline/agent/clock"
)

// tend does a step of each of the store's own works, between commits.
func (w *writer) tend() error {
	if err := w.checkpoint(); err != nil {
		return err
	}
	if _, err := w.countSome(); err != nil {
		return fmt.Errorf("count hours: %w", err)
	}
	if w.s.hours.isDue() && w.s.replay() == nil {
		if err := w.flushHours(); err != nil {
			return fmt.Errorf("keep hours: %w", err)
		}
	}
	more, err := w.retain()
	if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	w.s.busy = more
	w.clearAside()
	return nil
}

func (hs *hourly) isDue() bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return hs.due
}

// replay is the counting of the records since the last flush, after a start; nil once it
// is done. A flush before would leave them out for ever.
func (s *session) replay() *counting {
	for i := range s.counting {
		if s.counting[i].boot == nil {
			return &s.counting[i]
		}
	}
	return nil
}

// clearAside clears store-newer once nobody keeps the set-aside file any more, and
// store-damaged once the salvage is over and people had the time to see that it was.
func (w *writer) clearAside() {
	if found, err := filepath.Glob(w.s.path + ".newer-*"); err == nil && len(found) == 0 {
		w.db.cond.Clear("store-newer")
	}
	if w.s.aside == nil && elapsed()-time.Duration(w.db.damagedAt.Load()) >= w.db.opt.showFor {
		w.db.cond.Clear("store-damaged")
	}
}

// checkpoint has the WAL moved into the file once it is long enough to be worth it.
func (w *writer) checkpoint() error {
	keep := w.db.opt.Keep
	limit := int64(walLimit)
	if keep.Bytes > 0 {
		limit = min(limit, max(keep.Bytes, leastBytes)/16)
	}
	if limit != w.s.walLimit { // what the WAL is cut to when it is begun again
		if _, err := w.s.conn.ExecContext(background, fmt.Sprintf("PRAGMA journal_size_limit=%d", 2*limit)); err != nil {
			return fmt.Errorf("limit the WAL: %w", err)
		}
		w.s.walLimit = limit
	}
	// A WAL that was moved is written again from its start and keeps its length: its length
	// says something only while it grows, else what was committed since the last time.
	size := sizeOf(w.s.path + "-wal")
	grown := size > w.s.walSize
	w.s.walSize = size
	if size < limit || !grown && size <= 2*limit && w.s.walPages*pageSize < limit {
		return nil
	}
	select {
	case w.checkpoints <- checkpoint{w.s, limit}:
		w.s.walPages = 0
	default: // one is under way
		w.s.walSize = 0
	}
	return nil
}

// checkpoint is an order to move a session's WAL, and how long it may stay.
type checkpoint struct {
	s     *session
	limit int64
}

// runCheckpoints moves pages from the WAL to the file on a connection of its own, so that
// no commit waits for it.
func runCheckpoints(ctx context.Context, orders <-chan checkpoint, log *slog.Logger) {
	for {
		var o checkpoint
		select {
		case <-ctx.Done():
			return
		case o = <-orders:
		}
		began := clock.Elapsed()
		var pages, moved int
		err := o.s.moveWAL(o.limit, &pages, &moved)
		if err != nil {
			log.Debug("no checkpoint", slog.Any("err", err))
			continue
		}
		log.Debug("checkpoint", slog.Int("pages", pages), slog.Int("moved", moved), slog.Duration("took", clock.Elapsed()-began))
	}
}

// moveWAL does a checkpoint. Its connection is opened for it and closed after it: one that
// stayed open while the file is set aside would touch the wrong WAL when it closes.
func (s *session) moveWAL(limit int64, pages, moved *int) error {
	s.checkpointing.Lock()
	defer s.checkpointing.Unlock()
	if s.gone {
		return nil
	}
	pool, conn, err := openCheckpointer(s.path)
	if err != nil {
		return err
	}
	var busy int
	err = conn.QueryRowContext(background, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, pages, moved)
	if err == nil && sizeOf(s.path+"-wal") > 2*limit {
		// Hardly anything is left to be moved, so the writer is kept out only for the cutting.
		// A reader in the way leaves it to the next time.
		err = conn.QueryRowContext(background, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, pages, moved)
	}
	return errors.Join(err, conn.Close(), pool.Close())
}
