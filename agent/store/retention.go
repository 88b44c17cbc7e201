package store

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frostline/frostline/agent"
)

const (
	ballastSize = 1 << 20
	stepPacks   = 500               // removed or looked at in one step
	passEvery   = 10 * time.Second  // between two looks at the age of records
	dropQuiet   = 20 * time.Second  // without a removal of something untaken: store-dropping is over
	sparePages  = 64                // unused pages that are kept for the next commits
	vacuumPages = 1024              // given back to the file system in one step
	leastBytes  = 1 << 20           // a smaller keep.bytes is not kept: the store needs room to work
	forever     = math.MaxInt64 / 2 // an offset after all records
)

// retention is what the writer remembers between steps.
type retention struct {
	resume   int64 // where the pass over taken records goes on
	passed   time.Duration
	dropped  time.Duration // when something untaken was last removed
	dropping bool
	ballast  time.Duration
	noRoom   bool // could be made on the full disk, and that was said; until a commit takes
}

// takenUpTo is, for each kind, the offset up to which every configured upstream has taken it.
type takenUpTo [kindCodes]int64

// laneOf is the lane that carries a kind.
func laneOf(k kindCode) string {
	if k == codeAlarms {
		return "urgent"
	}
	return "main"
}

func (w *writer) taken(upstreams []UpstreamRef) (takenUpTo, error) {
	var t takenUpTo
	for k := range t {
		t[k] = forever
	}
	for _, up := range upstreams {
		lanes := map[string]int64{}
		for _, lane := range []string{"urgent", "main"} {
			v, ok, err := getNote(w.s.conn, cursorNote(Cursor{up.ID, lane}))
			if err != nil {
				return t, err
			}
			switch {
			case ok:
				c, err := decodeCursor(v)
				if err != nil {
					return t, err
				}
				lanes[lane], _ = w.s.cat.offset(c.Position)
			case up.FromNow:
				lanes[lane] = forever
			}
		}
		for k := range t {
			t[k] = min(t[k], lanes[laneOf(kindCode(k))])
		}
	}
	return t, nil
}

// victim is a pack that may be removed.
type victim struct {
	id    int64
	head  packHead
	bytes int64
	wall  int64 // Unix milliseconds of its first record; 0 where unknown
}

func (v *victim) end() int64 { return v.id + int64(v.head.n) }

// space is how the store and its disk are filled, in bytes.
type space struct {
	live, file, wal, free int64
}

func (w *writer) space() (space, error) {
	var pages, unused int64
	var sp space
	if err := w.s.conn.QueryRowContext(background, "PRAGMA page_count").Scan(&pages); err != nil {
		return sp, err
	}
	if err := w.s.conn.QueryRowContext(background, "PRAGMA freelist_count").Scan(&unused); err != nil {
		return sp, err
	}
	sp.live = (pages - unused) * pageSize
	sp.file, sp.wal = sizeOf(w.s.path), sizeOf(w.s.path+"-wal")
	var fsys unix.Statfs_t
	if err := unix.Statfs(w.s.dir, &fsys); err != nil {
		return sp, err
	}
	sp.free = int64(fsys.Bavail) * int64(fsys.Bsize) //nolint:unconvert // they are narrower on some architectures
	return sp, nil
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// over is how many bytes the store must give up.
func (sp space) over(k Keep) int64 {
	var over int64
	if k.Bytes > 0 {
		limit := max(k.Bytes, leastBytes)
		over = sp.live + min(2*walLimit, limit/4) - limit // live, its WAL, and what is unused
	}
	if k.Free > 0 {
		reclaimable := max(0, sp.file-sp.live) // comes back by itself with vacuum and checkpoint
		over = max(over, k.Free-sp.free-reclaimable)
	}
	return over
}

// retain does one step of retention. more is true if another should follow at once.
func (w *writer) retain() (more bool, err error) {
	keep, upstreams := w.db.opt.Keep, w.db.opt.Upstreams
	w.tendBallast(keep)
	if w.ret.dropping && elapsed()-w.ret.dropped > dropQuiet {
		w.ret.dropping = false
		w.db.cond.Clear("store-dropping")
	}
	sp, err := w.space()
	if err != nil {
		return false, err
	}
	over := sp.over(keep)
	aged := keep.Age > 0 && (w.ret.resume > 0 || elapsed()-w.ret.passed > passEvery || w.ret.passed == 0)
	if over <= 0 && !aged {
		return w.vacuum()
	}
	taken, err := w.taken(upstreams)
	if err != nil {
		return false, err
	}
	if over > 0 {
		// A little more than needed, so that not every commit is followed by a removal.
		more, err = w.shrink(over+max(keep.Bytes/64, 64<<10), taken)
	} else {
		more, err = w.expire(keep.Age, taken)
	}
	if err != nil {
		return false, err
	}
	again, err := w.vacuum()
	return more || again, err
}

// expire removes taken records that are older than age, oldest first.
func (w *writer) expire(age time.Duration, taken takenUpTo) (more bool, err error) {
	now := w.db.opt.Now()
	if now.Trust == agent.ClockUnset || now.Wall.IsZero() {
		return false, nil
	}
	cutoff := now.Wall.Add(-age).UnixMilli()
	all, err := w.victims("id >= ?1", w.ret.resume)
	if err != nil {
		return false, err
	}
	guarded, err := w.quarantined()
	if err != nil {
		return false, err
	}
	var out []victim
	young := false
	for _, v := range all {
		if v.wall >= cutoff && v.wall != 0 {
			young = true
			break
		}
		if v.wall != 0 && v.end() <= taken[v.head.kind]+1 && v.end() < w.s.next && !guarded.in(v.id, v.end()) {
			out = append(out, v)
		}
	}
	if err := w.remove(out, false, cutoff); err != nil {
		return false, err
	}
	if young || len(all) < stepPacks {
		w.ret.resume, w.ret.passed = 0, elapsed()
		return false, nil
	}
	w.ret.resume = all[len(all)-1].id + 1
	return true, nil
}

// shrink removes records of at least want bytes, if one step allows: taken ones first,
// then untaken readings, scans, events and stock, alarms last, the oldest first.
func (w *writer) shrink(want int64, taken takenUpTo) (more bool, err error) {
	guarded, err := w.quarantined()
	if err != nil {
		return false, err
	}
	isTaken := func(v *victim) bool {
		return v.end() <= taken[v.head.kind]+1 && !guarded.in(v.id, v.end())
	}
	any := func(*victim) bool { return true }
	out, got, err := w.choose("id >= ?1", want, func(v *victim) bool { return v.id <= slicesMax(taken) && isTaken(v) })
	if err != nil || len(out) > 0 {
		return w.removed(out, got < want, false, err)
	}
	for k := codeReadings; k < kindCodes; k++ {
		where := fmt.Sprintf("id >= ?1 AND kind = %d AND kind <> 1", k)
		if k == codeReadings {
			where = "id >= ?1 AND kind = 1"
		}
		out, got, err = w.choose(where, want, any)
		if err != nil || len(out) > 0 {
			return w.removed(out, got < want, true, err)
		}
	}
	return false, nil
}

func (w *writer) removed(out []victim, more, untaken bool, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	return more, w.remove(out, untaken, 0)
}

func slicesMax(t takenUpTo) int64 {
	m := int64(0)
	for _, v := range t[1:] {
		m = max(m, v)
	}
	return m
}

// choose picks the oldest packs that fit, up to want bytes, looking at no more than a
// few steps' worth.
func (w *writer) choose(where string, want int64, fit func(*victim) bool) (out []victim, got int64, err error) {
	var from int64
	for range 8 {
		all, err := w.victims(where, from)
		if err != nil {
			return nil, 0, err
		}
		for _, v := range all {
			if v.end() >= w.s.next || !fit(&v) {
				continue // the last pack stays: it tells the next offset
			}
			out = append(out, v)
			if got += v.bytes; got >= want || len(out) == stepPacks {
				return out, got, nil
			}
		}
		if len(all) < stepPacks {
			break
		}
		from = all[len(all)-1].id + 1
	}
	return out, got, nil
}

func (w *writer) victims(where string, from int64) ([]victim, error) {
	rows, err := w.s.conn.QueryContext(background,
		"SELECT id, n, length(body), substr(body, 1, 96) FROM log WHERE "+where+" ORDER BY id LIMIT ?2", from, stepPacks)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []victim
	for rows.Next() {
		var v victim
		var n int
		var start sql.RawBytes
		if err := rows.Scan(&v.id, &n, &v.bytes, &start); err != nil {
			return nil, err
		}
		if v.head, _, err = parseHead(start); err != nil {
			return nil, fmt.Errorf("pack at %d: %w", v.id, err)
		}
		v.bytes += 16
		t := w.s.cat.timing(&v.head)
		switch {
		case t.known:
			v.wall = v.head.base + t.offset
		case t.undated != nil && !t.undated.Before.IsZero():
			v.wall = t.undated.Before.UnixMilli()
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// remove deletes the packs. What nobody had taken becomes a gap record in the same
// transaction. hoursBefore, if not 0, is the Unix millisecond before which hours go too.
func (w *writer) remove(out []victim, untaken bool, hoursBefore int64) error {
	if len(out) == 0 && hoursBefore == 0 {
		return nil
	}
	tx := &transaction{removed: len(out) > 0}
	tx.extra = func(conn *sql.Conn) error {
		for _, v := range out {
			if err := insert(conn, "DELETE FROM log WHERE id = ?", v.id); err != nil {
				return fmt.Errorf("remove pack at %d: %w", v.id, err)
			}
		}
		if hoursBefore == 0 {
			return nil
		}
		return insert(conn, "DELETE FROM hours WHERE hour < ?", hourOf(hoursBefore))
	}
	if !untaken {
		p := w.newPlanner(tx)
		tx.cat = p.cat
		return w.commitOwn(tx)
	}
	gap := gapOf(agent.GapRetention, out)
	it := &item{
		records: []agent.Record{agent.OfEvent(agent.Event{At: w.db.opt.Now(), Kind: agent.EventGap, Gap: gap})},
		ticket:  &Ticket{done: make(chan struct{})},
	}
	tx.items = []*item{it}
	tx.dropped = gap.Counts
	if err := w.plan(tx); err != nil {
		return err
	}
	if err := w.commitOwn(tx); err != nil {
		return err
	}
	if !w.ret.dropping {
		w.db.log.Warn("untaken records removed to stay inside keep", slog.Int("packs", len(out)))
	}
	w.ret.dropping, w.ret.dropped = true, elapsed()
	w.db.cond.Raise("store-dropping", fmt.Sprintf("%d records in the last step", total(gap.Counts)))
	return nil
}

func total(counts []agent.Tally) (n int64) {
	for _, t := range counts {
		n += t.Count
	}
	return n
}

// gapOf describes packs that are gone: ranges and tallies per kind.
func gapOf(reason agent.GapReason, gone []victim) *agent.Gap {
	g := &agent.Gap{Reason: reason}
	var counts kindCounts
	last := map[agent.Kind]int{} // index of the kind's last range
	for _, v := range gone {
		kind, first := v.head.kind.kind(), v.head.pos.Seq
		end := first + agent.Seq(v.head.n) - 1
		counts[v.head.kind] += int64(v.head.n)
		if i, ok := last[kind]; ok && g.Ranges[i].Epoch == v.head.pos.Epoch && g.Ranges[i].Last+1 == first {
			g.Ranges[i].Last = end
		} else {
			last[kind] = len(g.Ranges)
			g.Ranges = append(g.Ranges, agent.Range{Epoch: v.head.pos.Epoch, First: first, Last: end, Kind: kind})
		}
		if at := timeOf(v.wall); v.wall != 0 {
			if g.From.IsZero() || at.Before(g.From) {
				g.From = at
			}
			if at.After(g.To) {
				g.To = at
			}
		}
	}
	t := tally{counts: counts}
	g.Counts = t.tallies()
	return g
}

// offsets is a small set of offsets.
type offsets map[int64]struct{}

func (o offsets) in(from, end int64) bool {
	for at := range o {
		if at >= from && at < end {
			return true
		}
	}
	return false
}

// quarantined are the records that some upstream may still be sent again.
func (w *writer) quarantined() (offsets, error) {
	upstreams := w.db.opt.Upstreams
	set := offsets{}
	for _, up := range upstreams {
		rows, err := w.s.conn.QueryContext(background, "SELECT epoch, seq FROM quarantine WHERE upstream = ?", string(up.ID))
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var epoch, seq int64
			if err := rows.Scan(&epoch, &seq); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			at, _ := w.s.cat.offset(agent.Position{Epoch: agent.Epoch(epoch), Seq: agent.Seq(seq)})
			set[at] = struct{}{}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// vacuum gives unused pages back to the file system, a few at a time, and keeps some for
// the next commits.
func (w *writer) vacuum() (more bool, err error) {
	var unused int64
	if err := w.s.conn.QueryRowContext(background, "PRAGMA freelist_count").Scan(&unused); err != nil {
		return false, err
	}
	if unused <= sparePages {
		return false, nil
	}
	rows, err := w.s.conn.QueryContext(background, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", min(vacuumPages, unused-sparePages)))
	if err != nil {
		return false, err
	}
	for rows.Next() { // each row is one page
	}
	return unused > sparePages+vacuumPages, errors.Join(rows.Err(), rows.Close())
}
