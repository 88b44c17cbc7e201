package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/frostline/frostline/agent"
)

// Report is what Check and Repair found.
type Report struct {
	File      string               `json:"file"`
	OK        bool                 `json:"ok"`
	Problems  []string             `json:"problems"` // at most maxProblems
	More      int                  `json:"more_problems,omitempty"`
	Records   map[agent.Kind]int64 `json:"records"`
	Packs     int64                `json:"packs"`
	Epochs    int                  `json:"epochs"`
	Explained int64                `json:"explained"` // positions missing and named by a gap record, or removed after they were taken
	Salvaging string               `json:"salvaging,omitempty"`
	SetAside  string               `json:"set_aside,omitempty"` // by Repair
}

const maxProblems = 100

func (rep *Report) problem(format string, args ...any) {
	if len(rep.Problems) == maxProblems {
		rep.More++
		return
	}
	rep.Problems = append(rep.Problems, fmt.Sprintf(format, args...))
}

// Check reads the whole store and says what is wrong with it: SQLite's own check, every
// pack, every position, every definition, every hour. It changes nothing, and may run
// beside an agent. An error is one of reading at all.
func Check(ctx context.Context, dir string) (Report, error) {
	path := filepath.Join(dir, fileName)
	rep := Report{File: path, Problems: []string{}, Records: map[agent.Kind]int64{}}
	if err := checkWAL(path + "-wal"); err != nil {
		rep.problem("%v", err)
	}
	r, err := OpenReadOnly(ctx, dir)
	if err != nil {
		if troubleOf(err) != troubleDamaged {
			return rep, fmt.Errorf("store: check: %w", err)
		}
		rep.problem("%v", err)
		return rep, nil
	}
	defer r.Close() //nolint:errcheck // it only read
	_, err = guard(ctx, func() (struct{}, error) { return struct{}{}, r.check(ctx, &rep) })
	if err != nil && troubleOf(err) == troubleDamaged {
		rep.problem("%v", err)
		err = nil
	}
	rep.OK = err == nil && len(rep.Problems) == 0
	if err != nil {
		return rep, fmt.Errorf("store: check: %w", err)
	}
	return rep, nil
}

func (r *Reader) check(ctx context.Context, rep *Report) error {
	if err := r.checkIntegrity(rep); err != nil {
		return err
	}
	c := positions{rep: rep, seen: map[agent.Epoch][]run{}, head: r.head.Load(), cat: r.cat.Load()}
	for from := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, err := c.page(r.pool, from)
		if err != nil {
			return err
		}
		if next == from {
			break
		}
		from = next
	}
	c.judge()
	if err := r.checkHours(rep); err != nil {
		return err
	}
	note, ok, err := getNote(r.pool, noteSalvage)
	if ok {
		rep.Salvaging = string(note)
	}
	return err
}

func (r *Reader) checkIntegrity(rep *Report) error {
	rows, err := r.pool.QueryContext(background, "PRAGMA integrity_check(20)")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			rep.problem("sqlite: %s", line)
		}
	}
	return rows.Err()
}

func (r *Reader) checkHours(rep *Report) error {
	rows, err := r.pool.QueryContext(background, "SELECT hour, body FROM hours")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var hour int64
		var body sql.RawBytes
		if err := rows.Scan(&hour, &body); err != nil {
			return err
		}
		err := decodeHours(body, &r.cat.Load().defs, func(def agent.DefID, h Hour) {
			mean, some := h.Mean()
			if some && (mean < h.Min || mean > h.Max) || h.On > h.Known || h.Known < 0 {
				rep.problem("hour %d, definition %s: mean %s is outside %s to %s, or %s on of %s", hour, def, mean, h.Min, h.Max, h.On, h.Known)
			}
		})
		if err != nil {
			rep.problem("hour %d: %v", hour, err)
		}
	}
	return rows.Err()
}

// run is a run of seqs.
type run struct{ first, last agent.Seq }

// positions checks that each position is there once, and that what is missing is explained.
type positions struct {
	rep     *Report
	head    int64 // what is committed meanwhile is not looked at
	cat     *catalog
	seen    map[agent.Epoch][]run
	gaps    []agent.Range
	scratch []agent.Record
}

// page checks a few packs, in a read transaction of its own.
func (c *positions) page(q querier, from int64) (next int64, err error) {
	rows, err := q.QueryContext(background, "SELECT id, kind, n, body FROM log WHERE id >= ? AND id <= ? ORDER BY id LIMIT 256", from, c.head)
	if err != nil {
		return from, err
	}
	defer rows.Close()
	next = from
	for rows.Next() {
		var id int64
		var kind, n int
		var body sql.RawBytes
		if err := rows.Scan(&id, &kind, &n, &body); err != nil {
			return from, err
		}
		if id < next {
			c.rep.problem("pack at %d overlaps the one before", id)
		}
		next = max(next+1, id+int64(max(n, 1)))
		c.pack(id, kind, n, body)
	}
	return next, rows.Err()
}

func (c *positions) pack(id int64, kind, n int, body []byte) {
	c.rep.Packs++
	h, rest, err := decodeHead(body)
	if err != nil {
		c.rep.problem("pack at %d (%s): %v", id, c.cat.position(id), err)
		return
	}
	if int(h.kind) != kind || h.n != n {
		c.rep.problem("pack at %d (%s): its row says %d records of kind %d, its bytes %d of %d", id, h.pos, n, kind, h.n, h.kind)
	}
	if at := c.cat.position(id); at != h.pos {
		c.rep.problem("pack at %d: the segments say %s, its bytes %s", id, at, h.pos)
	}
	c.scratch, err = decodeRecords(c.scratch[:0], &h, rest, c.cat.timing(&h), 0, h.n, &c.cat.defs)
	if err != nil {
		c.rep.problem("pack at %d (%s): %v", id, h.pos, err)
	}
	c.rep.Records[h.kind.kind()] += int64(h.n)
	for i := range c.scratch {
		if e := c.scratch[i].Event; e != nil && e.Gap != nil {
			c.gaps = append(c.gaps, e.Gap.Ranges...)
		}
	}
	c.add(h.pos.Epoch, run{h.pos.Seq, h.pos.Seq + agent.Seq(h.n) - 1})
}

func (c *positions) add(e agent.Epoch, r run) {
	runs := c.seen[e]
	if i := len(runs) - 1; i >= 0 && runs[i].last+1 == r.first {
		runs[i].last = r.last
		return
	}
	c.seen[e] = append(runs, r)
}

// judge looks for positions that are there twice. What is missing inside an epoch was
// removed after it was taken, which leaves no trace, or is named by a gap record.
func (c *positions) judge() {
	c.rep.Epochs = len(c.seen)
	for e, runs := range c.seen {
		slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(a.first, b.first) })
		for i := 1; i < len(runs); i++ {
			prev, r := runs[i-1], runs[i]
			if r.first <= prev.last {
				c.rep.problem("positions %s to %s are there twice", agent.Position{Epoch: e, Seq: r.first}, agent.Position{Epoch: e, Seq: min(prev.last, r.last)})
				continue
			}
			c.rep.Explained += int64(r.first - prev.last - 1)
		}
	}
	for _, g := range c.gaps {
		for _, r := range c.seen[g.Epoch] {
			if r.first <= g.Last && r.last >= g.First {
				c.rep.problem("a gap record says %s to %d is gone, and it is there", agent.Position{Epoch: g.Epoch, Seq: g.First}, g.Last)
				break
			}
		}
	}
}

// Repair sets the store of a stopped agent aside and begins a fresh one with everything
// that can be read, under its old positions; gap records name the rest. It returns a
// Check of the result.
func Repair(ctx context.Context, o Options) (Report, error) {
	rep, err := repair(ctx, o)
	if err != nil {
		return rep, fmt.Errorf("store: repair: %w", err)
	}
	return rep, nil
}

func repair(ctx context.Context, o Options) (Report, error) {
	lock, err := lockStore(o.Dir)
	if err != nil {
		return Report{}, err
	}
	setDefaults(&o)
	db := newDB(o)
	db.lock = lock
	s, err := db.replace(db.path(), errors.New("repair was asked for"))
	if err != nil {
		db.unlock()
		return Report{}, err
	}
	aside := s.aside.File
	db.adopt(s)
	db.session = s
	run, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- db.Run(run) }()
	err = db.awaitSalvage(ctx)
	stop()
	if err = errors.Join(err, <-done); err != nil {
		return Report{SetAside: aside}, err
	}
	rep, err := Check(ctx, o.Dir)
	rep.SetAside = aside
	return rep, err
}

// awaitSalvage returns when no set-aside file is left to be read.
func (db *DB) awaitSalvage(ctx context.Context) error {
	for {
		left := true
		if err := db.do(ctx, func(w *writer) error { left = w.s.aside != nil; return nil }); err != nil {
			return err
		}
		if !left {
			return nil
		}
		if !pause(ctx, salvageRetry/10) {
			return ctx.Err()
		}
	}
}
