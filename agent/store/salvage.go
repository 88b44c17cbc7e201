package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

const (
	salvagePacks = 64                     // of one transaction
	salvagePause = 20 * time.Millisecond  // between two, so that commits come first
	farOffset    = int64(1) << 60         // beyond any offset
	salvageRetry = 500 * time.Millisecond // while the store takes nothing
)

// salvage is the reading of a set-aside file. It is kept in the store, so that it goes on
// after a restart; each step and its progress are one transaction.
type salvage struct {
	File  string `json:"file"` // name in the store's directory
	Cause string `json:"cause"`
	Head  int64  `json:"head"`  // the file's last offset, as far as known; 0 is unknown
	Taken int64  `json:"taken"` // offset up to which everything was taken: keeps its place
	From  int64  `json:"from"`  // offset to go on from
	Read  int64  `json:"read"`  // records salvaged
	Lost  []span `json:"lost,omitempty"`
	// OpenEnd: where the file ended is not known, so more may be lost than Lost says.
	OpenEnd bool `json:"open_end,omitempty"`

	dir string
}

// found is a pack of a set-aside file.
type found struct {
	id   int64
	head packHead
	body []byte
}

func (sv *salvage) lose(s span) { sv.Lost = append(sv.Lost, s) }

// loseEnd gives up everything from an offset on.
func (sv *salvage) loseEnd(from int64) {
	sv.OpenEnd = true
	if sv.Head >= max(from, 1) {
		sv.lose(span{First: max(from, 1), Last: sv.Head})
	}
}

func (sv *salvage) path() string { return filepath.Join(sv.dir, sv.File) }

// holds reports whether the set-aside file has the pack.
func (sv *salvage) holds(p pack) bool {
	pool := openReaders(sv.path())
	defer pool.Close() //nolint:errcheck // it only read
	var body []byte
	err := pool.QueryRowContext(background, "SELECT body FROM log WHERE id = ?", p.id).Scan(&body)
	return err == nil && slices.Equal(body, p.body)
}

// startSalvage reads the set-aside file in the background.
func (w *writer) startSalvage() {
	ctx, cancel := context.WithCancel(w.ctx)
	w.endSalvage = cancel
	sv := *w.s.aside
	w.background.Add(1)
	go func() {
		defer w.background.Done()
		w.db.salvage(ctx, &sv)
	}()
}

// stopSalvage ends the reading; it goes on with the next session.
func (w *writer) stopSalvage() {
	if w.endSalvage != nil {
		w.endSalvage()
		w.endSalvage = nil
	}
}

// salvage runs on its own goroutine and hands what it reads to the writer.
func (db *DB) salvage(ctx context.Context, sv *salvage) {
	log := db.log.With(slog.String("file", sv.File))
	log.Info("salvage begins", slog.Int64("from", sv.From))
	f, err := openFound(sv)
	if err == nil {
		defer f.close()
		if err = f.readAll(ctx, db); err == nil {
			err = f.carveAll(ctx, db)
		}
	}
	if err != nil && ctx.Err() == nil {
		// Nothing to be read at all, or no longer: what was found so far is what there is.
		log.Warn("salvage ends early", slog.Any("err", err))
		sv.OpenEnd = true
		if sv.Head > sv.From {
			sv.lose(span{First: max(sv.From, 1), Last: sv.Head})
		}
	}
	if ctx.Err() != nil {
		return
	}
	if err := db.persist(ctx, func(w *writer) error { return w.endOfSalvage(sv, f) }); err != nil {
		log.Warn("salvage is not finished", slog.Any("err", err))
		return
	}
	log.Info("salvage is done", slog.Int64("records", sv.Read), slog.Int("lost_ranges", len(sv.Lost)))
}

// persist has the writer do f, again and again while the store takes nothing.
func (db *DB) persist(ctx context.Context, f func(*writer) error) error {
	for {
		err := db.do(ctx, f)
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return err
		}
		if t := troubleOf(err); t == troubleDamaged {
			return err
		}
		if !pause(ctx, salvageRetry) {
			return ctx.Err()
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// foundFile is an open set-aside file.
type foundFile struct {
	sv   *salvage
	pool *sql.DB
	cat  *catalog // its own segments, as far as readable
}

func openFound(sv *salvage) (*foundFile, error) {
	if _, err := os.Stat(sv.path()); err != nil {
		return nil, err
	}
	f := &foundFile{sv: sv, pool: openReaders(sv.path()), cat: newCatalog()}
	if loadSegments(f.pool, f.cat) != nil {
		f.cat.segs = nil
	}
	return f, nil
}

func (f *foundFile) close() { f.pool.Close() } //nolint:errcheck // it only read

// readAll goes through the file by its b-tree.
func (f *foundFile) readAll(ctx context.Context, db *DB) error {
	sv := f.sv
	for ctx.Err() == nil {
		from, lost := sv.From, slices.Clone(sv.Lost)
		batch, next, err := f.next(from)
		if err != nil {
			return err
		}
		if next < 0 {
			break
		}
		sv.From = next
		if err := f.hand(ctx, db, batch); err != nil {
			if ctx.Err() == nil {
				sv.From, sv.Lost = from, lost
			}
			return err
		}
		if !pause(ctx, salvagePause) {
			return ctx.Err()
		}
	}
	return ctx.Err()
}

func (f *foundFile) hand(ctx context.Context, db *DB, batch []found) error {
	sv := f.sv
	return db.persist(ctx, func(w *writer) error {
		before := *sv
		before.Lost = slices.Clone(sv.Lost)
		err := w.takeFound(sv, batch)
		if err != nil {
			*sv = before
		}
		return err
	})
}

// next reads the next packs. next is where to go on, -1 at the end.
func (f *foundFile) next(from int64) (batch []found, next int64, err error) {
	batch, err = f.query(from, salvagePacks)
	if len(batch) > 0 {
		last := batch[len(batch)-1]
		return f.checked(batch), last.id + int64(max(last.head.n, 1)), nil
	}
	if err == nil {
		return nil, -1, nil
	}
	// The place cannot be read. Look for the next that can: double the distance, then halve.
	bad, good := int64(0), int64(0)
	for step := int64(1); from+step < farOffset; step *= 2 {
		if _, err := f.query(from+step, 1); err == nil {
			good = step
			break
		}
		bad = step
	}
	if good == 0 {
		f.sv.loseEnd(from)
		return nil, -1, nil
	}
	for good-bad > 1 {
		mid := bad + (good-bad)/2
		if _, err := f.query(from+mid, 1); err == nil {
			good = mid
		} else {
			bad = mid
		}
	}
	batch, err = f.query(from+good, 1)
	if err != nil || len(batch) == 0 {
		f.sv.loseEnd(from)
		return nil, -1, nil //nolint:nilerr // it was just readable; what cannot be read is lost
	}
	if batch[0].id > max(from, 1) {
		f.sv.lose(span{First: max(from, 1), Last: batch[0].id - 1})
	}
	return nil, batch[0].id, nil
}

func (f *foundFile) query(from int64, limit int) ([]found, error) {
	rows, err := f.pool.QueryContext(background, "SELECT id, kind, n, body FROM log WHERE id >= ? ORDER BY id LIMIT ?", from, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var batch []found
	for rows.Next() {
		var p found
		var kind int
		if err := rows.Scan(&p.id, &kind, &p.head.n, &p.body); err != nil {
			return batch, err
		}
		p.head.kind = kindCode(kind)
		batch = append(batch, p)
	}
	return batch, rows.Err()
}

// checked drops packs whose bytes do not check and notes them as lost.
func (f *foundFile) checked(batch []found) []found {
	good := batch[:0]
	for _, p := range batch {
		h, _, err := decodeHead(p.body)
		if err != nil || h.n != p.head.n {
			f.sv.lose(span{First: p.id, Last: p.id + int64(max(p.head.n, 1)) - 1, Kind: p.head.kind})
			continue
		}
		p.head = h
		good = append(good, p)
	}
	return good
}

// packDefinitions finds the definition events of a pack.
func packDefinitions(h *packHead, rest []byte, fn func(number uint64, d agent.Definition)) {
	if h.kind != codeEvents {
		return
	}
	d := decoder{b: rest}
	for range h.n {
		number := d.uvarint()
		d.varint()
		text := d.take64(d.uvarint())
		if d.bad {
			return
		}
		var e agent.Event
		if number != 0 && json.Unmarshal(text, &e) == nil && e.Definition != nil {
			fn(number, *e.Definition)
		}
	}
}

// learn adds definitions found in a set-aside file under the numbers they had there.
func (w *writer) learn(defs map[uint64]agent.Definition) error {
	tx := &transaction{}
	p := w.newPlanner(tx)
	cat := *p.cat
	cat.defs = cat.defs.clone()
	fresh := map[uint64]agent.Definition{}
	for number, d := range defs {
		if _, taken := cat.defs.id(number); taken {
			continue
		}
		cat.defs.add(number, d.ID)
		fresh[number] = d
	}
	if len(fresh) == 0 {
		return nil
	}
	tx.cat = &cat
	tx.extra = func(conn *sql.Conn) error {
		for number, d := range fresh {
			text, err := json.Marshal(d)
			if err != nil {
				return err
			}
			if err := insert(conn, "INSERT INTO definitions VALUES (?, ?, ?)", int64(number), int64(d.ID), text); err != nil {
				return err
			}
		}
		return nil
	}
	if err := w.commitOwn(tx); err != nil {
		return err
	}
	w.db.defsMu.Lock()
	defer w.db.defsMu.Unlock()
	for _, d := range fresh {
		w.db.defs[d.ID] = d
	}
	return nil
}

// takeFound stores found packs under their old positions: what was taken at its old
// offset, the rest after the newest, so that every cursor still comes to it.
func (w *writer) takeFound(sv *salvage, batch []found) error {
	tx := &transaction{}
	p := w.newPlanner(tx)
	boot := w.db.opt.Now().Boot
	for _, f := range batch {
		h, rest, err := decodeHead(f.body)
		if err != nil {
			return err
		}
		sv.Read += int64(h.n)
		if has, err := w.hasFound(p, &h, f.body); has || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		first := len(tx.records)
		tx.records, err = decodeRecords(tx.records, &h, rest, timing{}, 0, h.n, &w.s.cat.defs)
		if err != nil {
			tx.records = tx.records[:first]
			sv.lose(span{f.id, f.id + int64(h.n) - 1, h.kind})
			sv.Read -= int64(h.n)
			continue
		}
		id := f.id
		if f.id+int64(h.n)-1 > sv.Taken {
			id = p.place(h)
		}
		if _, known := p.cat.boots[h.boot]; !known {
			p.putBoot(h.boot, bootOf(id, &h, h.boot == boot))
		}
		tx.packs = append(tx.packs, pack{id, h, first, f.body})
	}
	tx.cat = p.cat
	note, err := json.Marshal(sv)
	if err != nil {
		return err
	}
	tx.notes[noteSalvage] = note
	tx.removed = true // counts below known heads change
	return w.commitOwn(tx)
}

// hasFound reports whether the pack is in the store already: a step that ended in an error
// may have taken place all the same, and one through pages begins anew after a restart.
func (w *writer) hasFound(p *planner, h *packHead, body []byte) (bool, error) {
	at, known := p.s.cat.offset(h.pos)
	if !known {
		return false, nil
	}
	var have []byte
	err := w.s.conn.QueryRowContext(background, "SELECT body FROM log WHERE id = ?", at).Scan(&have)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return slices.Equal(have, body), err
}

func bootOf(id int64, h *packHead, running bool) boot {
	b := boot{first: id, mono: h.base, ended: !running}
	if h.dated {
		b = boot{first: id, mono: h.base, dated: true, wall: h.offset, trust: h.trust}
	}
	return b
}

// place makes the next free offset stand for the pack's position.
func (p *planner) place(h packHead) int64 {
	if n := len(p.cat.segs); n > 0 {
		last := p.cat.segs[n-1]
		at := last.start + int64(h.pos.Seq) - int64(last.first)
		if last.epoch == h.pos.Epoch && at >= p.tx.next && at < p.tx.next+farOffset/1024 {
			p.tx.next = at // a hole in the offsets costs nothing
		}
	}
	p.segment(h.pos.Epoch, h.pos.Seq)
	id := p.tx.next
	p.tx.next += int64(h.n)
	return id
}

// endOfSalvage writes the gap record for what could not be read and forgets the order.
func (w *writer) endOfSalvage(sv *salvage, f *foundFile) error {
	tx := &transaction{}
	gap := &agent.Gap{Reason: agent.GapDamage, Source: sv.File, Detail: fmt.Sprintf("%s; %d records salvaged", sv.Cause, sv.Read)}
	var counts kindCounts
	for _, l := range sv.Lost {
		if f != nil {
			gap.Ranges = append(gap.Ranges, f.cat.ranges(l)...)
		}
		counts[l.Kind] += l.Last - l.First + 1
	}
	var lost int64
	for _, n := range counts {
		lost += n
	}
	t := tally{counts: counts}
	t.counts[0] = 0
	gap.Counts = t.tallies()
	switch {
	case sv.OpenEnd:
		gap.Detail += "; where it ended is not known"
	case len(sv.Lost) == 0:
		gap = nil
	}
	if gap != nil {
		tx.items = []*item{{
			records: []agent.Record{agent.OfEvent(agent.Event{At: w.db.opt.Now(), Kind: agent.EventGap, Gap: gap})},
			ticket:  &Ticket{done: make(chan struct{})},
		}}
	}
	tx.lost = lost
	if err := w.plan(tx); err != nil {
		return err
	}
	tx.extra = func(conn *sql.Conn) error { return insert(conn, "DELETE FROM state WHERE name = ?", noteSalvage) }
	if err := w.commitOwn(tx); err != nil {
		return err
	}
	w.s.aside = nil
	return nil
}
