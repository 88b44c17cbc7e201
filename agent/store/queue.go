package store

import (
	"context"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

const (
	keepInMemory = 10_000                // newest records kept while the disk refuses or hangs
	keepHealthy  = 50_000                // while it works: a burst faster than the disk waits here
	keepSlack    = 256                   // pushing out is done in one go for this many
	maxCommit    = 4096                  // records of one transaction, give or take an Append
	urgentEvery  = 20 * time.Millisecond // at most one urgent commit in this time
)

// Ticket tells when an Append is durable.
type Ticket struct {
	done chan struct{}
	err  error // once done is closed
}

// Done is closed when the fate of the records is known.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Wait returns nil once all records of the Append are durable, ErrPushedOut if some never
// will be, ErrClosed if the store closed before, or ctx's error.
func (t *Ticket) Wait(ctx context.Context) error {
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Ticket) finish(err error) {
	t.err = err
	close(t.done)
}

type namedState struct {
	name  string
	value []byte
	order uint64 // of all puts of this process: the later wins
}

// item is one Append.
type item struct {
	records []agent.Record
	states  []namedState
	urgent  bool
	pushed  bool // some of its records were pushed out
	ticket  *Ticket
}

// AppendOption changes what one Append does.
type AppendOption func(*item)

// Urgent has the records committed at once, at most one such commit every 20 ms.
func Urgent() AppendOption { return func(it *item) { it.urgent = true } }

// WithState commits the named state in the same transaction as the records.
func WithState(name string, value []byte) AppendOption {
	return func(it *item) {
		it.states = append(it.states, namedState{name: name, value: append([]byte{}, value...)})
	}
}

// job is work for the writer's goroutine beside commits.
type job struct {
	do   func(*writer) error
	done chan error
}

type ack struct {
	at   agent.Position
	note []byte
}

type dating struct {
	boot   agent.BootID
	offset int64 // milliseconds
	trust  agent.ClockTrust
}

// queue is what waits for the writer. DB.mu guards it.
type queue struct {
	items   []*item
	records int
	flying  int // records of the transaction under way: never pushed out, its outcome may be unknown
	since   time.Duration
	due     time.Duration // when the oldest of it must be committed; elapsed time
	waiting bool          // due is set
	rushed  bool          // due is that of an urgent item

	order   uint64
	states  map[string]namedState // of SaveState
	current map[string][]byte     // newest value of every name put by this process
	acks    map[Cursor]ack        // to be committed
	cursors map[Cursor]ack        // newest of every cursor moved by this process
	dates   []dating
	jobs    []job
	pushed  tally
	sick    bool          // the disk refuses
	lastRun time.Duration // when the last urgent commit began
}

// tally counts what was pushed out of memory.
type tally struct {
	counts   [kindCodes]int64
	from, to time.Time
}

func (t *tally) empty() bool { return t.counts == [kindCodes]int64{} }

func (t *tally) count(r *agent.Record) {
	t.counts[codeOf(r.Kind())]++
	if w := r.At().Wall; !w.IsZero() {
		if t.from.IsZero() || w.Before(t.from) {
			t.from = w
		}
		if w.After(t.to) {
			t.to = w
		}
	}
}

func (t *tally) add(u tally) {
	for k, n := range u.counts {
		t.counts[k] += n
	}
	if t.from.IsZero() || !u.from.IsZero() && u.from.Before(t.from) {
		t.from = u.from
	}
	if u.to.After(t.to) {
		t.to = u.to
	}
}

func (t *tally) tallies() []agent.Tally {
	var all []agent.Tally
	for k, n := range t.counts {
		if n > 0 {
			all = append(all, agent.Tally{Kind: kindCode(k).kind(), Count: n})
		}
	}
	return all
}

func (q *queue) init() {
	q.states = map[string]namedState{}
	q.current = map[string][]byte{}
	q.acks = map[Cursor]ack{}
	q.cursors = map[Cursor]ack{}
}

func (q *queue) takeAll() []*item {
	items := q.items
	q.items, q.records = nil, 0
	return items
}

// Append queues the records, in order, and returns at once: nothing of it waits for the
// disk. It takes the slice and what the records point to: the caller must not touch them
// afterwards. Positions are given at commit.
func (db *DB) Append(in []agent.Record, opts ...AppendOption) *Ticket {
	it := &item{records: in, ticket: &Ticket{done: make(chan struct{})}}
	for _, o := range opts {
		o(it)
	}
	hung := false
	if _, h := db.hanging(); h {
		hung = true
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		it.ticket.finish(ErrClosed)
		return it.ticket
	}
	for i := range it.states {
		db.q.order++
		it.states[i].order = db.q.order
		db.q.current[it.states[i].name] = it.states[i].value
	}
	if len(it.records) == 0 && len(it.states) == 0 {
		it.ticket.finish(nil)
		return it.ticket
	}
	db.q.items = append(db.q.items, it)
	db.q.records += len(it.records)
	db.q.trim(hung, keepSlack)
	if db.q.schedule(it.urgent, db.linger()) {
		db.poke()
	}
	return it.ticket
}

// linger is how long a commit may wait for company: a part of CommitWithin is left to the disk.
func (db *DB) linger() time.Duration { return db.opt.CommitWithin * 3 / 4 }

// schedule sees to it that there is a commit in time; it reports whether the writer must
// be told.
func (q *queue) schedule(urgent bool, linger time.Duration) bool {
	now := clock.Elapsed()
	due := now + linger
	if urgent {
		due = max(now, q.lastRun+urgentEvery)
	}
	if q.waiting && q.due <= due {
		q.rushed = q.rushed || urgent
		return q.records >= maxCommit
	}
	q.waiting, q.due = true, due
	q.rushed = q.rushed || urgent
	return true
}

// trim pushes the least valuable and oldest records out once there are more than slack
// too many: routine readings first, alarms last.
func (q *queue) trim(hung bool, slack int) {
	limit := keepHealthy
	if hung || q.sick {
		limit = keepInMemory
	}
	over := q.records + q.flying - limit
	if over <= slack {
		return
	}
	over = min(over, q.records)
	for k := codeReadings; k < kindCodes && over > 0; k++ {
		over -= q.pushOut(k, over)
	}
	q.dropEmpty()
}

func (q *queue) pushOut(k kindCode, most int) int {
	kind, n := k.kind(), 0
	for _, it := range q.items {
		if n == most {
			break
		}
		before := n
		kept := it.records[:0]
		for i := range it.records {
			if n < most && it.records[i].Kind() == kind {
				q.pushed.count(&it.records[i])
				n++
				continue
			}
			kept = append(kept, it.records[i])
		}
		clear(it.records[len(kept):])
		it.records = kept
		it.pushed = it.pushed || n > before
	}
	q.records -= n
	return n
}

// dropEmpty resolves items that lost all their records. Their states stay.
func (q *queue) dropEmpty() {
	kept := q.items[:0]
	for _, it := range q.items {
		if len(it.records) > 0 || !it.pushed {
			kept = append(kept, it)
			continue
		}
		for _, s := range it.states {
			q.put(s)
		}
		it.ticket.finish(ErrPushedOut)
	}
	clear(q.items[len(kept):])
	q.items = kept
}

// put keeps the newer of two states of one name.
func (q *queue) put(s namedState) {
	if old, ok := q.states[s.name]; !ok || old.order < s.order {
		q.states[s.name] = s
	}
}

// SaveState keeps a small named blob. It rides on the next record commit, or on one of
// its own at most CommitWithin later.
func (db *DB) SaveState(name string, value []byte) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return
	}
	db.q.order++
	value = append([]byte{}, value...)
	db.q.put(namedState{name, value, db.q.order})
	db.q.current[name] = value
	if db.q.schedule(false, db.linger()) {
		db.poke()
	}
}

// Date gives the boot's undated records their wall time: mono + offset (Unix time). The
// first call for a boot wins; what was dated once is never dated again. Undated records of
// earlier boots stop waiting: they never get a date.
func (db *DB) Date(boot agent.BootID, offset time.Duration, trust agent.ClockTrust) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return
	}
	for _, d := range db.q.dates {
		if d.boot == boot {
			return
		}
	}
	db.q.dates = append(db.q.dates, dating{boot, millis(offset), trust})
	if db.q.schedule(true, 0) {
		db.poke()
	}
}

// Define makes definitions known at once and appends those that are new as records.
func (db *DB) Define(defs []agent.Definition) {
	now := db.opt.Now()
	var fresh []agent.Record
	db.defsMu.Lock()
	for _, d := range defs {
		if _, known := db.defs[d.ID]; known {
			continue
		}
		db.defs[d.ID] = d
		fresh = append(fresh, agent.OfEvent(agent.Event{At: now, Kind: agent.EventDefinition, Definition: &d}))
	}
	db.defsMu.Unlock()
	if len(fresh) > 0 {
		db.Append(fresh)
	}
}

// Definition finds what a point was when it was read.
func (db *DB) Definition(id agent.DefID) (agent.Definition, bool) {
	db.defsMu.RLock()
	defer db.defsMu.RUnlock()
	d, ok := db.defs[id]
	return d, ok
}

// do has the writer's goroutine run f, and waits for it or for ctx.
func (db *DB) do(ctx context.Context, f func(*writer) error) error {
	j := job{do: f, done: make(chan error, 1)}
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return ErrClosed
	}
	db.q.jobs = append(db.q.jobs, j)
	db.mu.Unlock()
	db.poke()
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
