package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

const (
	firstRetry  = 100 * time.Millisecond
	lastRetry   = 5 * time.Second
	maintenance = time.Second // between looks at retention, WAL, ballast, hours
	watchEvery  = 250 * time.Millisecond
)

func elapsed() time.Duration { return clock.Elapsed() }

// writer is the one goroutine that writes. All fields are its own.
type writer struct {
	db *DB
	s  *session // nil while the file cannot be opened

	flight  *transaction // its outcome is unknown
	retry   time.Duration
	retryAt time.Duration
	tended  time.Duration // when maintenance was last done
	broken  error         // damage that was found; the file must be replaced
	scratch []agent.Record
	planned []agent.Record // of the last planned transaction; see recycled

	checkpoints chan<- checkpoint
	ret         retention
	endSalvage  context.CancelFunc
	background  sync.WaitGroup
	stop        context.CancelFunc // of background
	ctx         context.Context    // of background
}

func (w *writer) run(ctx context.Context, s *session, opening chan opened) error {
	if s != nil {
		if err := w.use(s); err != nil {
			w.failed(err)
		}
	}
	for ctx.Err() == nil {
		if opening != nil {
			opening = w.awaitOpening(ctx, opening)
			continue
		}
		w.db.enterDisk()
		w.step()
		w.db.leaveDisk()
		w.sleep(ctx)
	}
	if opening != nil { // what comes of it is closed when it comes
		go func() {
			if late := <-opening; late.s != nil {
				late.s.close()
			}
		}()
	}
	w.db.enterDisk()
	defer w.db.leaveDisk()
	return w.finish()
}

// awaitOpening waits for the attach that Open gave up waiting for.
func (w *writer) awaitOpening(ctx context.Context, opening chan opened) chan opened {
	select {
	case <-ctx.Done():
		return opening
	case done := <-opening:
		w.db.cond.Clear("store-hanging")
		if done.err != nil {
			w.failed(done.err)
			return nil
		}
		w.db.adopt(done.s)
		if err := w.use(done.s); err != nil {
			w.failed(err)
		}
		return nil
	}
}

// use makes a session the writer's.
func (w *writer) use(s *session) (err error) {
	w.s = s
	if err := w.prepare(); err != nil {
		return err
	}
	w.ret = retention{}
	if s.aside != nil {
		s.aside.dir = s.dir
		w.startSalvage()
	}
	return nil
}

func (w *writer) prepare() (err error) {
	if w.s.insertPack, err = w.s.conn.PrepareContext(background, "INSERT INTO log VALUES (?, ?, ?, ?)"); err != nil {
		return err
	}
	w.s.putState, err = w.s.conn.PrepareContext(background, "INSERT OR REPLACE INTO state VALUES (?, ?)")
	return err
}

// step does everything that is due.
func (w *writer) step() {
	if elapsed() < w.retryAt {
		return
	}
	if err := w.work(); err != nil {
		w.failed(err)
		return
	}
	w.retry, w.retryAt = firstRetry, 0
	w.db.mu.Lock()
	sick := w.db.q.sick
	w.db.q.sick = false
	w.db.mu.Unlock()
	if sick {
		w.healthy()
	}
}

// healthy clears what a disk that refuses had raised.
func (w *writer) healthy() {
	w.db.cond.Clear("store-full")
	w.db.cond.Clear("store-failing")
	w.ret.noRoom = false
}

func (w *writer) work() error {
	if err := w.ready(); err != nil {
		w.refuseJobs(err)
		return err
	}
	pause := maintenance
	if w.due() {
		if err := w.commit(); err != nil {
			return err
		}
		pause /= 2 // the processor is awake, and need not be woken for it apart
	}
	if err := w.runJobs(); err != nil {
		return err
	}
	much := w.s.walLimit > 0 && w.s.walPages*pageSize > w.s.walLimit // a burst: limits must be looked at sooner
	if elapsed()-w.tended < pause && w.s.idle() && !much {
		return nil
	}
	w.tended = elapsed()
	return w.tend()
}

// ready has a healthy file open.
func (w *writer) ready() error {
	if e := w.db.condemned.err.Swap(nil); e != nil {
		w.broken = *e
	}
	if w.broken != nil && w.s != nil {
		w.discard()
	}
	if w.s == nil {
		s, err := w.open()
		if err != nil {
			return err
		}
		w.broken = nil
		w.resolveFlight(s)
		w.db.adopt(s)
		return w.use(s)
	}
	if w.s.conn == nil {
		var err error
		if w.s.pool, w.s.conn, err = openWriter(w.s.path); err != nil {
			return fmt.Errorf("open again: %w", err)
		}
		return w.prepare()
	}
	return nil
}

func (w *writer) open() (*session, error) {
	if w.broken == nil {
		return w.db.attach()
	}
	path := w.db.path()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return w.db.attach()
	}
	return w.db.replace(path, w.broken)
}

// resolveFlight finds out whether the transaction under way when the file was found damaged
// is in the set-aside file, from which it will be salvaged.
func (w *writer) resolveFlight(s *session) {
	aside := s.aside
	if aside != nil {
		aside.dir = s.dir
	}
	tx := w.flight
	w.flight = nil
	if tx == nil {
		return
	}
	if aside == nil || len(tx.packs) == 0 || !aside.holds(tx.packs[0]) {
		w.giveBack(tx)
		return
	}
	w.db.mu.Lock()
	w.db.q.flying = 0
	w.db.mu.Unlock()
	for _, it := range tx.items {
		it.ticket.finish(nil)
	}
}

// discard closes a damaged file's connections. Its readers see an empty store until the
// fresh one is there.
func (w *writer) discard() {
	w.db.live.Store(nil)
	w.stopSalvage()
	w.s.close()
	w.s = nil
}

// failed declares what is wrong and when to try again.
func (w *writer) failed(err error) {
	db := w.db
	db.mu.Lock()
	first := !db.q.sick
	db.q.sick = true
	db.mu.Unlock()
	t := troubleOf(err)
	if first {
		db.log.Error("store does not take records", slog.Any("err", err))
	}
	switch {
	case t == troubleDamaged && w.broken == nil:
		w.broken = err
		w.retryAt = 0
		db.poke()
		return
	case t == troubleFull && w.s != nil:
		db.raise(err)
		w.makeRoom()
	default:
		db.raise(err)
	}
	if w.s != nil && w.s.conn != nil {
		w.disconnect()
	}
	w.retryAt = elapsed() + w.retry
	w.retry = min(2*w.retry, lastRetry)
}

// disconnect drops the writing connection: after an I/O error its state is not to be trusted.
func (w *writer) disconnect() {
	w.s.disconnect()
}

// due reports whether a commit is.
func (w *writer) due() bool {
	if w.flight != nil || w.s.begin != nil {
		return true
	}
	q := &w.db.q
	w.db.mu.Lock()
	defer w.db.mu.Unlock()
	return q.waiting && elapsed() >= q.due || q.records >= maxCommit
}

// commit writes what is queued.
func (w *writer) commit() error {
	if tx := w.flight; tx != nil {
		took, err := w.verify(tx)
		if err != nil {
			return err
		}
		w.flight = nil
		if took {
			w.succeeded(tx)
		} else {
			w.giveBack(tx)
		}
	}
	tx := w.take()
	if tx == nil {
		return nil
	}
	if err := w.plan(tx); err != nil {
		w.giveBack(tx)
		return err
	}
	return w.settle(tx)
}

// commitOwn commits a transaction of the store's own, without queued items.
func (w *writer) commitOwn(tx *transaction) error {
	if w.flight != nil {
		return fmt.Errorf("%w: what became of the last commit is not known", ErrUnavailable)
	}
	tx.own = true
	return w.settle(tx)
}

// settle executes a transaction and finds out what became of it.
func (w *writer) settle(tx *transaction) error {
	err := w.exec(tx)
	if err == nil {
		w.succeeded(tx)
		return nil
	}
	took, unknown := w.verify(tx)
	switch {
	case unknown != nil:
		w.flight = tx
	case took:
		w.succeeded(tx)
		return nil
	default:
		w.giveBack(tx)
	}
	return err
}

func (w *writer) succeeded(tx *transaction) {
	w.applied(tx)
	if tx.then != nil {
		tx.then()
	}
	w.s.reader.newest.Store(w.s.newest)
	for id, b := range tx.boots {
		w.s.countBoot(id, b)
	}
	w.healthy()
}

// sleep waits until something is due.
func (w *writer) sleep(ctx context.Context) {
	d := w.nextWake()
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-w.db.wake:
	}
}

func (w *writer) nextWake() time.Duration {
	now := elapsed()
	if w.retryAt > now {
		return w.retryAt - now
	}
	at := w.tended + maintenance
	if w.s != nil && !w.s.idle() {
		at = now
	}
	q := &w.db.q
	w.db.mu.Lock()
	defer w.db.mu.Unlock()
	if len(q.jobs) > 0 {
		return 0
	}
	if q.waiting {
		at = min(at, q.due)
	}
	return at - now
}

// idle reports whether no long work of the store's own is left.
func (s *session) idle() bool { return len(s.counting) == 0 && !s.busy }

func (w *writer) takeJobs() []job {
	w.db.mu.Lock()
	defer w.db.mu.Unlock()
	jobs := w.db.q.jobs
	w.db.q.jobs = nil
	return jobs
}

func (w *writer) refuseJobs(err error) {
	for _, j := range w.takeJobs() {
		j.done <- fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

func (w *writer) runJobs() error {
	jobs := w.takeJobs()
	for i, j := range jobs {
		err := j.do(w)
		j.done <- err
		if t := troubleOf(err); t == troubleFull || t == troubleDamaged {
			for _, rest := range jobs[i+1:] {
				rest.done <- fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			return err
		}
	}
	return nil
}

// inTransaction runs f in a transaction of its own.
func (w *writer) inTransaction(f func(conn *sql.Conn) error) error {
	tx := &transaction{extra: f}
	p := w.newPlanner(tx)
	tx.cat = p.cat
	return w.commitOwn(tx)
}

// finish commits what is queued, marks the file clean and closes it.
func (w *writer) finish() error {
	defer func() {
		w.stop()
		w.stopSalvage()
		w.db.live.Store(nil)
		if w.s != nil {
			w.s.close()
		}
	}()
	if w.s == nil {
		return nil
	}
	if err := w.ready(); err != nil {
		return err
	}
	for {
		if err := w.commit(); err != nil {
			return err
		}
		w.db.mu.Lock()
		left := len(w.db.q.items) + len(w.db.q.states) + len(w.db.q.acks)
		w.db.mu.Unlock()
		if left == 0 {
			break
		}
	}
	if err := w.runJobs(); err != nil {
		return err
	}
	w.stopSalvage()
	if w.s.replay() == nil && len(w.s.hours.open) > 0 {
		if err := w.flushHours(); err != nil {
			return err
		}
	}
	if err := w.inTransaction(func(*sql.Conn) error { return w.put(noteClean, []byte{1}) }); err != nil {
		return err
	}
	_, err := w.s.conn.ExecContext(background, "PRAGMA wal_checkpoint(TRUNCATE)")
	w.s.reader.Close() //nolint:errcheck // the writing connection is then the last, and tidies up
	return err
}
