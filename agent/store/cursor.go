package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/frostline/frostline/agent"
)

// Cursor is how far an upstream has taken one lane.
type Cursor struct {
	Upstream agent.UpstreamID // the operator's name for it
	Lane     string           // urgent or main
}

// CursorState is where a cursor stands.
type CursorState struct {
	Position agent.Position // the last record taken
	Note     []byte         // the pump's own, saved with it
}

func (s CursorState) encode() []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 16+len(s.Note)), uint64(s.Position.Epoch))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.Position.Seq))
	return append(b, s.Note...)
}

func decodeCursor(b []byte) (CursorState, error) {
	if len(b) < 16 {
		return CursorState{}, fmt.Errorf("%w: cursor of %d bytes", errDamaged, len(b))
	}
	return CursorState{
		Position: agent.Position{
			Epoch: agent.Epoch(binary.LittleEndian.Uint64(b)),
			Seq:   agent.Seq(binary.LittleEndian.Uint64(b[8:])),
		},
		Note: append([]byte{}, b[16:]...),
	}, nil
}

// CursorAt is where c stands; ok is false if it never moved.
func (r *Reader) CursorAt(ctx context.Context, c Cursor) (s CursorState, ok bool, err error) {
	type found struct {
		CursorState
		ok bool
	}
	f, err := guard(ctx, func() (found, error) {
		v, ok, err := getNote(r.pool, cursorNote(c))
		if err != nil || !ok {
			return found{}, err
		}
		s, err := decodeCursor(v)
		return found{s, true}, err
	})
	if err != nil {
		return CursorState{}, false, fmt.Errorf("store: cursor %s/%s: %w", c.Upstream, c.Lane, r.report(err))
	}
	return f.CursorState, f.ok, nil
}

// CursorAt is where c stands, including what Acked said and no commit has kept yet; ok is
// false if it never moved.
func (db *DB) CursorAt(ctx context.Context, c Cursor) (s CursorState, ok bool, err error) {
	db.mu.Lock()
	a, pending := db.q.cursors[c]
	db.mu.Unlock()
	if pending {
		return CursorState{a.at, append([]byte{}, a.note...)}, true, nil
	}
	r, err := db.reader()
	if err != nil {
		return CursorState{}, false, fmt.Errorf("store: cursor %s/%s: %w", c.Upstream, c.Lane, err)
	}
	return r.CursorAt(ctx, c)
}

// Acked moves c to p: the far side took everything up to there. It is held in memory and
// rides on the next record commit, or on one of its own at most CommitWithin later; losing
// it means only that records are sent again.
func (db *DB) Acked(_ context.Context, c Cursor, p agent.Position, note []byte) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return fmt.Errorf("store: acked %s/%s: %w", c.Upstream, c.Lane, ErrClosed)
	}
	a := ack{p, append([]byte{}, note...)}
	db.q.acks[c], db.q.cursors[c] = a, a
	if db.q.schedule(false, db.linger()) {
		db.poke()
	}
	return nil
}

// Waiting is how many records of the given kinds (of all if none is given) come after c:
// what its upstream has not taken. It is cheap except for the first call of a cursor.
func (r *Reader) Waiting(ctx context.Context, c Cursor, kinds ...agent.Kind) (int64, error) {
	s, ok, err := r.CursorAt(ctx, c)
	if err != nil {
		return 0, err
	}
	return r.waiting(ctx, c, s.Position, ok, kinds)
}

// Waiting is how many records of the given kinds come after c; see Reader.Waiting.
func (db *DB) Waiting(ctx context.Context, c Cursor, kinds ...agent.Kind) (int64, error) {
	s, ok, err := db.CursorAt(ctx, c)
	if err != nil {
		return 0, err
	}
	r, err := db.reader()
	if err != nil {
		return 0, fmt.Errorf("store: waiting: %w", err)
	}
	return r.waiting(ctx, c, s.Position, ok, kinds)
}

func (r *Reader) waiting(ctx context.Context, c Cursor, p agent.Position, moved bool, kinds []agent.Kind) (int64, error) {
	var at int64
	if moved && !p.IsZero() {
		at, _ = r.cat.Load().offset(p)
	}
	counts, err := guard(ctx, func() (kindCounts, error) { return r.waits.after(r, c, at) })
	if err != nil {
		return 0, fmt.Errorf("store: waiting for %s/%s: %w", c.Upstream, c.Lane, r.report(err))
	}
	var n int64
	for k, in := range selectKinds(kinds) {
		if in {
			n += counts[k]
		}
	}
	return n, nil
}

// countWindow is how many offsets are counted in one read transaction.
const countWindow = 1 << 20

// kindCounts counts records by kind code.
type kindCounts [kindCodes]int64

// waits remembers how many records follow each cursor, so that only what moved is counted.
type waits struct {
	mu    sync.Mutex
	known map[Cursor]*waitCount
	life  int // counts forget: what was counted before is not kept after
}

type waitCount struct {
	at, head int64 // records after at, up to and including head, are counted
	counts   kindCounts
}

func (w *waits) init() { w.known = map[Cursor]*waitCount{} }

// forget is called after a removal: what was counted may be gone.
func (w *waits) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.known)
	w.life++
}

func (w *waits) after(r *Reader, c Cursor, at int64) (kindCounts, error) {
	w.mu.Lock()
	var known waitCount
	life := w.life
	if k := w.known[c]; k != nil {
		known = *k
	}
	w.mu.Unlock()
	head := r.head.Load()
	fresh := known.head == 0 || at < known.at || at > known.head
	if fresh {
		known = waitCount{at: at, head: at}
	}
	added, err := r.count(known.head+1, head+1)
	if err != nil {
		return kindCounts{}, err
	}
	taken, err := r.count(known.at+1, at+1)
	if err != nil {
		return kindCounts{}, err
	}
	for k := range known.counts {
		known.counts[k] += added[k]
		if !fresh {
			known.counts[k] -= taken[k]
		}
	}
	known.at, known.head = at, max(head, at)
	w.mu.Lock()
	if w.life == life {
		w.known[c] = &known
	}
	w.mu.Unlock()
	return known.counts, nil
}

// count counts the records with offsets in [from, to), in windows short enough to hold no
// read transaction for long.
func (r *Reader) count(from, to int64) (kindCounts, error) {
	var total kindCounts
	for from < to {
		end := min(to, from+countWindow)
		if err := r.countIn(from, end, &total); err != nil {
			return total, err
		}
		if end < to { // jump over holes
			var next int64
			err := r.pool.QueryRowContext(background, "SELECT coalesce(min(id), ?2) FROM log WHERE id > ?1 - ?3 AND id + n > ?1", end, to, maxPack).Scan(&next)
			if err != nil {
				return total, err
			}
			end = max(end, min(next, to))
		}
		from = end
	}
	return total, nil
}

func (r *Reader) countIn(from, to int64, total *kindCounts) error {
	rows, err := r.pool.QueryContext(background, `SELECT kind, sum(min(id + n, ?2) - max(id, ?1)) FROM log
		WHERE id > ?1 - ?3 AND id < ?2 AND id + n > ?1 GROUP BY kind`, from, to, maxPack)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kind int
		var n int64
		if err := rows.Scan(&kind, &n); err != nil {
			return err
		}
		if kind > 0 && kind < int(kindCodes) {
			total[kind] += n
		}
	}
	return rows.Err()
}

// State is the newest value kept under name.
func (r *Reader) State(ctx context.Context, name string) (value []byte, ok bool, err error) {
	v, err := guard(ctx, func() (*[]byte, error) {
		v, ok, err := getNote(r.pool, userNote(name))
		if err != nil || !ok {
			return nil, err
		}
		return &v, nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("store: state %s: %w", name, r.report(err))
	}
	if v == nil {
		return nil, false, nil
	}
	return *v, true, nil
}

// State is the newest value kept under name, including one that no commit has kept yet.
func (db *DB) State(ctx context.Context, name string) (value []byte, ok bool, err error) {
	db.mu.Lock()
	v, pending := db.q.current[name]
	db.mu.Unlock()
	if pending {
		return append([]byte{}, v...), true, nil
	}
	r, err := db.reader()
	if err != nil {
		return nil, false, fmt.Errorf("store: state %s: %w", name, err)
	}
	return r.State(ctx, name)
}

// Forget drops the cursors and the quarantine of an upstream that is not configured any more.
func (db *DB) Forget(ctx context.Context, up agent.UpstreamID) error {
	err := db.do(ctx, func(w *writer) error { return w.forget(up) })
	if err != nil {
		return fmt.Errorf("store: forget %s: %w", up, err)
	}
	return nil
}

// cursors reads every cursor.
func (r *Reader) cursors() (map[Cursor]CursorState, error) {
	rows, err := r.pool.QueryContext(background, "SELECT name, value FROM state WHERE name >= ? AND name < ?", noteCursor, noteCursor+"~")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[Cursor]CursorState{}
	for rows.Next() {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		c, ok := parseCursorNote(name)
		if !ok {
			continue
		}
		if all[c], err = decodeCursor(value); err != nil {
			return nil, err
		}
	}
	return all, rows.Err()
}

func sortCursors(all []CursorStat) {
	slices.SortFunc(all, func(a, b CursorStat) int {
		return strings.Compare(string(a.Upstream)+"/"+a.Lane, string(b.Upstream)+"/"+b.Lane)
	})
}

func readDropped(q querier) (d dropped, err error) {
	v, ok, err := getNote(q, noteDropped)
	if err != nil || !ok {
		return d, err
	}
	if json.Unmarshal(v, &d) != nil {
		return d, fmt.Errorf("%w: dropped counts", errDamaged)
	}
	return d, nil
}
