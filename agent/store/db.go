// Package store keeps every record of the gateway in SQLite: one append-only sequence,
// packed; what upstreams have taken; small named states; hourly summaries.
//
// Append never waits for the disk. One goroutine, started by Run, owns the writing
// connection; readers have a pool of their own. DESIGN.md says why things are as they are.
//
// Lock order: DB.mu before nothing; DB.defsMu before nothing; neither is held over a
// disk access.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

// Options are what Open needs. Dir and Now must be set.
type Options struct {
	Dir          string               // created if missing; holds frostline.db and its companions
	CommitWithin time.Duration        // a record is durable at most this long after Append; 0 is 1 s
	Keep         Keep                 // what retention holds the store to
	Now          func() agent.Instant // the agent's clock: dates the store's own events, tells the age of records
	DateFrom     agent.ClockTrust     // records of at least this trust are dated by their own wall time; ClockUnset is ClockHeld
	MachineID    string               // of this machine; another one than stored begins a new epoch. Empty: not compared
	Version      string               // of the agent, for the record
	Upstreams    []UpstreamRef        // configured upstreams: what retention waits for
	Conditions   Conditions           // what is wrong, for status; may be nil
	Log          *slog.Logger         // may be nil

	// Fault is fault injection for tests and the lab: it is called on the goroutine that
	// writes, before each stage (attach, begin, commit, committed), and its error is the
	// disk's; while it does not return, the disk hangs. nil: the disk alone decides.
	Fault func(stage string) error

	openWithin time.Duration // how long Open waits for a disk that hangs; 0 is 2 s
	stopWithin time.Duration // how long Run waits for the disk at the end; 0 is 5 s
	hangAfter  time.Duration // a disk access longer than this is a hanging disk; 0 is 2 s
	showFor    time.Duration // how long damage is at least in status; 0 is 20 s
}

// Keep limits the store; zero is no limit.
type Keep struct {
	Age   time.Duration // older records that every configured upstream has taken are removed
	Bytes int64         // of the database file and its WAL
	Free  int64         // bytes left free on the disk
}

// UpstreamRef is a configured upstream. One without a cursor holds everything back if it
// begins from the oldest record, and nothing if it begins from now.
type UpstreamRef struct {
	ID      agent.UpstreamID
	FromNow bool
}

// Conditions takes what is wrong with the store.
type Conditions interface {
	Raise(code, detail string)
	Clear(code string)
}

type noConditions struct{}

func (noConditions) Raise(string, string) {}
func (noConditions) Clear(string)         {}

// Errors of the store.
var (
	ErrClosed      = errors.New("store is closed")
	ErrUnavailable = errors.New("store is not available: the disk refuses or hangs")
	ErrPushedOut   = errors.New("records were pushed out of memory while the disk refused; a gap record says so")
)

// DB is the store. Its methods are safe for concurrent use.
type DB struct {
	opt  Options
	log  *slog.Logger
	cond Conditions

	wake chan struct{} // capacity 1: the writer has something to look at
	live atomic.Pointer[Reader]
	busy atomic.Int64 // since when the writer is inside the disk, in clock.Elapsed nanoseconds; 0 is not

	stuck *time.Timer // fires once the writer has been inside the disk for too long

	condemned condemned
	damagedAt atomic.Int64 // when damage was last declared, as busy

	defsMu sync.RWMutex
	defs   map[agent.DefID]agent.Definition

	mu       sync.Mutex
	q        queue
	watchers map[chan struct{}]struct{}
	lock     *os.File
	session  *session    // attached in Open, until Run takes it
	opening  chan opened // an attach that Open did not wait for
	running  bool
	closed   bool
}

type opened struct {
	s   *session
	err error
}

// Open opens or creates the store in o.Dir. It fails only where another agent has the
// store or ctx is done. A damaged or newer file is set aside under a new name and a fresh
// store begun; a disk that refuses or hangs leaves a DB that keeps records in memory and
// tries again while Run runs.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Now == nil || o.Dir == "" {
		return nil, errors.New("store: open: Dir and Now must be set")
	}
	if abs, err := filepath.Abs(o.Dir); err == nil {
		o.Dir = abs
	}
	setDefaults(&o)
	db := newDB(o)
	db.opening = make(chan opened, 1)
	go func() {
		s, err := db.attach()
		db.opening <- opened{s, err}
	}()
	timeout := time.NewTimer(o.openWithin)
	defer timeout.Stop()
	select {
	case done := <-db.opening:
		db.opening = nil
		if errors.Is(done.err, ErrLocked) {
			return nil, fmt.Errorf("store: open %s: %w", o.Dir, done.err)
		}
		if done.err != nil {
			db.raise(done.err)
			break
		}
		db.adopt(done.s)
		db.session = done.s
	case <-timeout.C:
		db.cond.Raise("store-hanging", "opening the store has not returned")
	case <-ctx.Done():
		// The attach finishes by itself; what it opened is closed then.
		go func(opening chan opened) {
			if done := <-opening; done.s != nil {
				done.s.close()
			}
			db.unlock()
		}(db.opening)
		return nil, fmt.Errorf("store: open %s: %w", o.Dir, ctx.Err())
	}
	return db, nil
}

// newDB makes a DB without a file; o has its defaults.
func newDB(o Options) *DB {
	db := &DB{
		opt: o, log: o.Log, cond: o.Conditions,
		wake:     make(chan struct{}, 1),
		stuck:    time.NewTimer(o.hangAfter),
		defs:     map[agent.DefID]agent.Definition{},
		watchers: map[chan struct{}]struct{}{},
	}
	db.stuck.Stop() // until the writer enters the disk
	db.q.init()
	return db
}

func setDefaults(o *Options) {
	if o.CommitWithin <= 0 {
		o.CommitWithin = time.Second
	}
	if o.DateFrom == agent.ClockUnset {
		o.DateFrom = agent.ClockHeld
	}
	if o.Conditions == nil {
		o.Conditions = noConditions{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.openWithin == 0 {
		o.openWithin = 2 * time.Second
	}
	if o.hangAfter == 0 {
		o.hangAfter = 2 * time.Second
	}
	if o.showFor == 0 {
		o.showFor = 20 * time.Second
	}
	if o.stopWithin == 0 {
		o.stopWithin = 5 * time.Second
	}
	if o.Fault == nil {
		o.Fault = func(string) error { return nil }
	}
}

// Close frees a store that was opened and never run. A running one is closed by its Run.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed || db.running {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	s := db.session
	db.session = nil
	items := db.q.takeAll()
	db.mu.Unlock()
	for _, it := range items {
		it.ticket.finish(ErrClosed)
	}
	if r := db.live.Swap(nil); r != nil {
		r.Close()
	}
	if s != nil {
		s.close()
	}
	db.unlock()
	return nil
}

func (db *DB) unlock() {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.lock != nil {
		db.lock.Close() //nolint:errcheck // nothing was written to it
		db.lock = nil
	}
}

// adopt makes an attached session's definitions and records readable.
func (db *DB) adopt(s *session) {
	db.defsMu.Lock()
	for id, d := range s.defs {
		if _, known := db.defs[id]; !known {
			db.defs[id] = d
		}
	}
	db.defsMu.Unlock()
	s.reader.damaged = db.condemn
	db.live.Store(s.reader)
	for _, n := range s.news {
		if n.code == "store-damaged" {
			db.damagedAt.Store(int64(elapsed()))
		}
		db.cond.Raise(n.code, n.detail)
		db.log.Error("store set aside", slog.String("condition", n.code), slog.String("detail", n.detail))
	}
}

// raise declares the condition that err stands for and clears its siblings.
func (db *DB) raise(err error) {
	code := "store-failing"
	if troubleOf(err) == troubleFull {
		code = "store-full"
	}
	for _, other := range []string{"store-full", "store-failing"} {
		if other != code {
			db.cond.Clear(other)
		}
	}
	db.cond.Raise(code, err.Error())
}

func (db *DB) path() string { return filepath.Join(db.opt.Dir, fileName) }

// poke wakes the writer.
func (db *DB) poke() {
	select {
	case db.wake <- struct{}{}:
	default:
	}
}

// Watch returns a channel that receives after commits (one wake-up may stand for several)
// and a function that ends it.
func (db *DB) Watch() (wake <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	db.mu.Lock()
	db.watchers[ch] = struct{}{}
	db.mu.Unlock()
	return ch, func() {
		db.mu.Lock()
		delete(db.watchers, ch)
		db.mu.Unlock()
	}
}

func (db *DB) wakeWatchers() {
	db.mu.Lock()
	defer db.mu.Unlock()
	for ch := range db.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// enterDisk and leaveDisk bracket everything of the writer that may hang.
func (db *DB) enterDisk() {
	db.busy.Store(int64(clock.Elapsed()))
	db.stuck.Reset(db.opt.hangAfter)
}

func (db *DB) leaveDisk() {
	db.busy.Store(0)
	db.stuck.Stop()
}

// hanging reports whether the writer has been inside the disk for too long.
func (db *DB) hanging() (time.Duration, bool) {
	since := db.busy.Load()
	if since == 0 {
		return 0, false
	}
	d := clock.Elapsed() - time.Duration(since)
	return d, d >= db.opt.hangAfter
}
