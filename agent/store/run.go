package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// condemned is what readers found; the writer takes it from here.
type condemned struct{ err atomic.Pointer[error] }

// condemn has the writer replace the file: what was read is not what was written.
func (db *DB) condemn(err error) {
	db.condemned.err.CompareAndSwap(nil, &err)
	db.poke()
}

// Run writes until ctx is done, then commits what is queued, marks the store clean and
// closes it. A disk that hangs at the end is given up after 5 s, with an error; what was
// queued is then lost. Run may be called once.
func (db *DB) Run(ctx context.Context) error {
	db.mu.Lock()
	if db.running || db.closed {
		db.mu.Unlock()
		return fmt.Errorf("store: run: %w", ErrClosed)
	}
	db.running = true
	s, opening := db.session, db.opening
	db.session = nil
	db.mu.Unlock()

	bg, stop := context.WithCancel(context.Background())
	w := &writer{db: db, ctx: bg, stop: stop, retry: firstRetry}
	checkpoints := make(chan checkpoint, 1)
	w.checkpoints = checkpoints
	w.background.Add(2)
	go func() { defer w.background.Done(); db.watchDisk(bg) }()
	go func() { defer w.background.Done(); runCheckpoints(bg, checkpoints, db.log) }()

	done := make(chan error, 1)
	go func() { done <- w.run(ctx, s, opening) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		timeout := time.NewTimer(db.opt.stopWithin)
		defer timeout.Stop()
		select {
		case err = <-done:
		case <-timeout.C:
			err = errors.New("the disk hangs")
		}
	}
	stop()
	items := db.shut()
	for _, it := range items {
		it.ticket.finish(ErrClosed)
	}
	if err != nil {
		return fmt.Errorf("store: stop: %w", err)
	}
	w.background.Wait()
	db.unlock()
	return nil
}

// shut refuses everything from now on and returns what nobody will commit.
func (db *DB) shut() []*item {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.closed = true
	for _, j := range db.q.jobs {
		j.done <- ErrClosed
	}
	db.q.jobs = nil
	return db.q.takeAll()
}

// watchDisk raises store-hanging while the writer is stuck inside the disk. It sleeps while
// all is well: a ticker would wake the processor for nothing.
func (db *DB) watchDisk(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-db.stuck.C:
		}
		raised := false
		for since, hung := db.hanging(); hung; since, hung = db.hanging() {
			raised = true
			db.mu.Lock()
			db.q.sick = true
			db.mu.Unlock()
			db.cond.Raise("store-hanging", fmt.Sprintf("an access to the disk has not returned for %s", since.Truncate(time.Second)))
			select {
			case <-ctx.Done():
				return
			case <-time.After(watchEvery):
			}
		}
		if raised {
			db.cond.Clear("store-hanging")
		}
	}
}
