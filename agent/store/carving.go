package store

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sort"

	"github.com/frostline/frostline/agent"
)

// carving goes through a set-aside file's pages for what its b-tree did not give, and
// through its WAL for what follows a torn frame. What it remembers grows with the number
// of holes, not of records.
type carving struct {
	f     *foundFile
	ctx   context.Context
	db    *DB
	have  []span // offsets handed over, ascending
	at    map[int64]agent.Position
	batch []found
	err   error
	known bool // the segments could be read: they say where a pack belongs
}

// carveAll does the whole of it. Where the b-tree gave everything it does nothing.
func (f *foundFile) carveAll(ctx context.Context, db *DB) error {
	c := &carving{f: f, ctx: ctx, db: db, at: map[int64]agent.Position{}, known: len(f.cat.segs) > 0}
	wal := checkWAL(f.sv.path()+"-wal") != nil
	if len(f.sv.Lost) == 0 && !f.sv.OpenEnd && !wal {
		return nil
	}
	defs := map[uint64]agent.Definition{}
	c.pages(db, func(_ int64, body []byte) {
		if h, rest, err := decodeHead(body); err == nil {
			packDefinitions(&h, rest, func(n uint64, d agent.Definition) { defs[n] = d })
		}
	})
	if len(defs) > 0 {
		if err := db.persist(ctx, func(w *writer) error { return w.learn(defs) }); err != nil {
			return err
		}
	}
	c.pages(db, c.found)
	c.flush()
	if c.err == nil {
		c.close()
	}
	return c.err
}

func (c *carving) pages(db *DB, fn func(id int64, body []byte)) {
	for _, wal := range []bool{false, true} {
		path := c.f.sv.path()
		if wal {
			path += "-wal"
		}
		if err := carve(path, wal, fn); err != nil && !errors.Is(err, os.ErrNotExist) {
			db.log.Warn("set-aside pages cannot be read", slog.Any("err", err))
		}
	}
}

// found takes a carved pack if it is one that is missing.
func (c *carving) found(id int64, body []byte) {
	if c.err != nil || c.ctx.Err() != nil {
		c.err = errors.Join(c.err, c.ctx.Err())
		return
	}
	h, rest, err := decodeHead(body)
	if err != nil || id < 1 || !c.missing(id, &h) || !c.legible(&h, rest) || !c.take(span{First: id, Last: id + int64(h.n) - 1}) {
		return
	}
	c.at[id] = h.pos
	c.batch = append(c.batch, found{id, h, body})
	if len(c.batch) == salvagePacks {
		c.flush()
	}
}

// missing reports whether the b-tree did not give the pack.
func (c *carving) missing(id int64, h *packHead) bool {
	sv := c.f.sv
	if c.known && c.f.cat.position(id) != h.pos {
		return false // a page of an older life of the file
	}
	if id > sv.Head {
		return id >= sv.From
	}
	return slices.ContainsFunc(sv.Lost, func(l span) bool { return id >= l.First && id+int64(h.n)-1 <= l.Last })
}

// legible reports whether the store knows every definition that the pack names.
func (c *carving) legible(h *packHead, rest []byte) bool {
	r := c.db.live.Load()
	if r == nil {
		return false
	}
	_, err := decodeRecords(nil, h, rest, timing{}, 0, h.n, &r.cat.Load().defs)
	return err == nil
}

// take adds a span to those handed over; false if any of it is there already.
func (c *carving) take(s span) bool {
	i := sort.Search(len(c.have), func(i int) bool { return c.have[i].Last >= s.First })
	if i < len(c.have) && c.have[i].First <= s.Last {
		return false
	}
	c.have = slices.Insert(c.have, i, s)
	for i > 0 && c.have[i-1].Last+1 == s.First && c.known {
		c.have[i-1].Last = c.have[i].Last
		c.have = slices.Delete(c.have, i, i+1)
		i--
	}
	if i+1 < len(c.have) && c.have[i].Last+1 == c.have[i+1].First && c.known {
		c.have[i].Last = c.have[i+1].Last
		c.have = slices.Delete(c.have, i+1, i+2)
	}
	return true
}

func (c *carving) flush() {
	if c.err != nil || len(c.batch) == 0 {
		return
	}
	slices.SortFunc(c.batch, func(a, b found) int { return cmp.Compare(a.id, b.id) })
	c.err = c.f.hand(c.ctx, c.db, c.batch)
	c.batch = nil
	if c.err == nil && !pause(c.ctx, salvagePause) {
		c.err = c.ctx.Err()
	}
}

// close works out what is still lost.
func (c *carving) close() {
	sv := c.f.sv
	if !c.known {
		c.segments()
	}
	head := sv.Head
	for _, s := range c.have {
		sv.Lost = without(sv.Lost, s.First, s.Last)
		if s.First > head+1 && c.known && head > 0 {
			sv.lose(span{First: head + 1, Last: s.First - 1})
		}
		head = max(head, s.Last)
	}
	sv.Head = head
	if c.known {
		return
	}
	next := int64(1)
	for _, s := range c.have {
		if s.First > next {
			sv.lose(span{First: next, Last: s.First - 1})
		}
		next = s.Last + 1
	}
}

// segments rebuilds the map of offsets to positions from what was carved.
func (c *carving) segments() {
	end := int64(1) // the first offset that no earlier segment holds
	for _, s := range c.have {
		pos := c.at[s.First]
		if c.f.cat.position(s.First) != pos {
			start := max(end, s.First-int64(pos.Seq)+1)
			c.f.cat.segs = append(c.f.cat.segs, segment{start, pos.Epoch, pos.Seq - agent.Seq(s.First-start)})
		}
		end = s.Last + 1
	}
}
