package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/frostline/frostline/agent"
)

// transaction is one commit: what goes in, and what the session is afterwards. It is
// planned once; until its outcome is known it stays as it is.
type transaction struct {
	items   []*item
	states  map[string]namedState
	acks    map[Cursor]ack
	dates   []dating
	pushed  tally
	records []agent.Record // with positions
	extra   func(conn *sql.Conn) error
	then    func() // once it is known to have taken place

	packs []pack
	segs  []segment
	defs  []agent.DefID
	boots map[agent.BootID]boot
	notes map[string][]byte

	cat     *catalog
	epoch   agent.Epoch
	seq     agent.Seq
	next    int64
	newest  int64
	counts  dropped
	removed bool          // extra removed records
	dropped []agent.Tally // and nobody had taken these
	lost    int64         // records a set-aside file did not give
	own     bool          // not from the queue: on failure there is nothing to give back
}

// pack is a row of log about to be written. first indexes the transaction's records.
type pack struct {
	id    int64
	head  packHead
	first int
	body  []byte
}

// planner lays records out for one transaction.
type planner struct {
	s     *session
	from  agent.ClockTrust
	tx    *transaction
	cat   *catalog // a copy once cloned
	fresh struct{ segs, defs, boots bool }
}

func (w *writer) newPlanner(tx *transaction) *planner {
	s := w.s
	tx.epoch, tx.seq, tx.next, tx.newest, tx.counts = s.epoch, s.seq, s.next, s.newest, s.counts
	tx.boots, tx.notes = map[agent.BootID]boot{}, map[string][]byte{}
	cat := *s.cat
	return &planner{s: s, from: w.db.opt.DateFrom, tx: tx, cat: &cat}
}

// plan gives the transaction's records their positions and packs them.
func (w *writer) plan(tx *transaction) error {
	p := w.newPlanner(tx)
	s, now := w.s, w.db.opt.Now()
	tx.records = w.recycled()
	if s.begin != nil {
		tx.records = append(tx.records, agent.OfEvent(agent.Event{At: now, Kind: agent.EventEpoch, Epoch: s.begin}))
		tx.notes[noteEpoch] = binary.LittleEndian.AppendUint64(nil, uint64(s.epoch))
	}
	if !s.opened {
		tx.notes[noteClean] = []byte{0}
		tx.notes[noteCopy] = []byte{0}
		if w.db.opt.MachineID != "" {
			tx.notes[noteMachine] = []byte(w.db.opt.MachineID)
		}
		tx.notes[noteVersion] = []byte(w.db.opt.Version)
	}
	if !tx.pushed.empty() {
		gap := &agent.Gap{Reason: agent.GapMemory, Counts: tx.pushed.tallies(), From: tx.pushed.from, To: tx.pushed.to}
		tx.records = append(tx.records, agent.OfEvent(agent.Event{At: now, Kind: agent.EventGap, Gap: gap}))
		for _, t := range gap.Counts {
			tx.counts.Memory += t.Count
		}
	}
	tx.counts.Damage += tx.lost
	for _, t := range tx.dropped {
		tx.counts.Retention += t.Count
	}
	at := map[string]int{} // how many of the records each state knows of
	for name := range tx.states {
		at[name] = len(tx.records)
	}
	for _, it := range tx.items {
		tx.records = append(tx.records, it.records...)
		for _, s := range it.states {
			if tx.states[s.name].order == s.order {
				at[s.name] = len(tx.records)
			}
		}
	}
	for name, n := range at {
		tx.notes[placeNote(name)] = encodePosition(agent.Position{Epoch: tx.epoch, Seq: tx.seq + agent.Seq(n) - 1})
	}
	w.planned = tx.records
	for _, d := range tx.dates {
		p.date(d, now)
	}
	if err := p.pack(tx.records); err != nil {
		return err
	}
	if tx.counts != s.counts {
		text, err := json.Marshal(tx.counts)
		if err != nil {
			return err
		}
		tx.notes[noteDropped] = text
	}
	tx.cat = p.cat
	return nil
}

// recycled is the storage of the last planned transaction's records: the next one is planned
// only once the fate of the last is known, and then nobody needs its copy of them any more.
func (w *writer) recycled() []agent.Record {
	clear(w.planned) // holds no scan and no event alive
	if cap(w.planned) > 2*maxCommit {
		return nil // what one large Append took is not kept
	}
	return w.planned[:0]
}

// pack gives records positions and lays them out as packs.
func (p *planner) pack(records []agent.Record) error {
	if len(records) == 0 {
		return nil
	}
	p.segment(p.tx.epoch, p.tx.seq)
	for first := 0; first < len(records); {
		h := packHead{
			clockContext: p.context(&records[first]),
			kind:         codeOf(records[first].Kind()),
			pos:          agent.Position{Epoch: p.tx.epoch, Seq: p.tx.seq},
			base:         millis(records[first].At().Mono),
		}
		end := first
		for ; end < len(records) && end-first < maxPack; end++ {
			r := &records[end]
			if end > first && (codeOf(r.Kind()) != h.kind || p.context(r) != h.clockContext) {
				break
			}
			r.Position = agent.Position{Epoch: h.pos.Epoch, Seq: h.pos.Seq + agent.Seq(end-first)}
		}
		h.n = end - first
		body, err := encodePack(h, records[first:end], p.number)
		if err != nil {
			return err
		}
		p.tx.packs = append(p.tx.packs, pack{p.tx.next, h, first, body})
		p.tx.next += int64(h.n)
		p.tx.seq += agent.Seq(h.n)
		first = end
	}
	return nil
}

// segment makes the next offset stand for the position.
func (p *planner) segment(epoch agent.Epoch, seq agent.Seq) {
	want := agent.Position{Epoch: epoch, Seq: seq}
	if len(p.cat.segs) > 0 && p.cat.position(p.tx.next) == want {
		return
	}
	if !p.fresh.segs {
		p.cat.segs, p.fresh.segs = slices.Clone(p.cat.segs), true
	}
	seg := segment{p.tx.next, epoch, seq}
	if n := len(p.cat.segs); n > 0 && p.cat.segs[n-1].start == seg.start {
		p.cat.segs = p.cat.segs[:n-1] // it stood for nothing
	}
	p.cat.segs = append(p.cat.segs, seg)
	p.tx.segs = append(p.tx.segs, seg)
}

// number is a definition's number in this store, a new one if need be.
func (p *planner) number(id agent.DefID) uint64 {
	if n, ok := p.cat.defs.of[id]; ok {
		return n
	}
	if !p.fresh.defs {
		p.cat.defs, p.fresh.defs = p.cat.defs.clone(), true
	}
	n := p.cat.defs.next
	p.cat.defs.add(n, id)
	p.tx.defs = append(p.tx.defs, id)
	return n
}

// take moves what is queued into a transaction; nil if there is nothing to commit.
func (w *writer) take() *transaction {
	db := w.db
	db.mu.Lock()
	defer db.mu.Unlock()
	q := &db.q
	q.trim(false, 0)
	if q.rushed {
		q.lastRun = elapsed()
	}
	q.waiting, q.rushed = false, false
	tx := &transaction{states: map[string]namedState{}, acks: q.acks, dates: q.dates, pushed: q.pushed}
	n := 0
	for n < maxCommit && len(tx.items) < len(q.items) {
		it := q.items[len(tx.items)]
		tx.items = append(tx.items, it)
		n += len(it.records)
		for _, s := range it.states {
			tx.keep(s)
		}
	}
	q.items = append([]*item(nil), q.items[len(tx.items):]...)
	q.records -= n
	q.flying = n
	q.acks, q.dates, q.pushed = map[Cursor]ack{}, nil, tally{}
	if len(q.items) == 0 {
		// A state saved later than an Append must not be kept without it.
		for _, s := range q.states {
			tx.keep(s)
		}
		q.states = map[string]namedState{}
	} else {
		q.waiting, q.due = true, elapsed()
	}
	if len(tx.items) == 0 && len(tx.states) == 0 && len(tx.acks) == 0 && len(tx.dates) == 0 && tx.pushed.empty() && w.s.begin == nil {
		return nil
	}
	return tx
}

func (tx *transaction) keep(s namedState) {
	if old, ok := tx.states[s.name]; !ok || old.order < s.order {
		tx.states[s.name] = s
	}
}

// giveBack undoes take for a transaction that is known not to have taken place.
func (w *writer) giveBack(tx *transaction) {
	if tx.own {
		return
	}
	q := &w.db.q
	w.db.mu.Lock()
	defer w.db.mu.Unlock()
	for _, it := range tx.items {
		q.records += len(it.records)
	}
	q.items = append(append([]*item(nil), tx.items...), q.items...)
	q.flying = 0
	for _, s := range tx.states {
		q.put(s)
	}
	for c, a := range tx.acks {
		if _, newer := q.acks[c]; !newer {
			q.acks[c] = a
		}
	}
	q.dates = append(slices.Clone(tx.dates), q.dates...)
	q.pushed.add(tx.pushed)
	q.waiting, q.due = true, elapsed()
}

// exec writes the transaction. On an error its outcome is that of verify.
func (w *writer) exec(tx *transaction) (err error) {
	conn := w.s.conn
	if err := w.db.opt.Fault("begin"); err != nil {
		return err
	}
	if _, err := conn.ExecContext(background, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			conn.ExecContext(background, "ROLLBACK") //nolint:errcheck // SQLite may have rolled back already
		}
	}()
	if err := w.write(conn, tx); err != nil {
		return err
	}
	if tx.extra != nil {
		if err := tx.extra(conn); err != nil {
			return err
		}
	}
	if err := w.db.opt.Fault("commit"); err != nil {
		return err
	}
	if _, err := conn.ExecContext(background, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return w.db.opt.Fault("committed")
}

func (w *writer) write(conn *sql.Conn, tx *transaction) error {
	for _, p := range tx.packs {
		if _, err := w.s.insertPack.ExecContext(background, p.id, int(p.head.kind), p.head.n, p.body); err != nil {
			return fmt.Errorf("insert %d records at %s: %w", p.head.n, p.head.pos, err)
		}
	}
	for _, s := range tx.segs {
		if err := insert(conn, "INSERT OR REPLACE INTO segments VALUES (?, ?, ?)", s.start, int64(s.epoch), int64(s.first)); err != nil {
			return fmt.Errorf("insert segment: %w", err)
		}
	}
	for _, id := range tx.defs {
		var text []byte
		if d, ok := w.db.Definition(id); ok {
			var err error
			if text, err = json.Marshal(d); err != nil {
				return fmt.Errorf("definition %s: %w", id, err)
			}
		}
		if err := insert(conn, "INSERT INTO definitions VALUES (?, ?, ?)", int64(tx.cat.defs.of[id]), int64(id), text); err != nil {
			return fmt.Errorf("insert definition: %w", err)
		}
	}
	for id, b := range tx.boots {
		if err := putBoot(conn, id, b); err != nil {
			return fmt.Errorf("keep boot: %w", err)
		}
	}
	for name, value := range tx.notes {
		if err := w.put(name, value); err != nil {
			return err
		}
	}
	for _, s := range tx.states {
		if err := w.put(userNote(s.name), s.value); err != nil {
			return err
		}
	}
	for c, a := range tx.acks {
		if err := w.put(cursorNote(c), CursorState{a.at, a.note}.encode()); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) put(name string, value []byte) error {
	if _, err := w.s.putState.ExecContext(background, name, value); err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func insert(conn execer, query string, args ...any) error {
	_, err := conn.ExecContext(background, query, args...)
	return err
}

func putBoot(conn execer, id agent.BootID, b boot) error {
	var wall any
	if b.dated {
		wall = b.wall
	}
	return insert(conn, "INSERT OR REPLACE INTO boots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		id[:], b.first, b.mono, wall, int(b.trust), b.ended, b.after, b.before, b.upto)
}

// verify asks the file whether a transaction that ended in an error took place all the same.
func (w *writer) verify(tx *transaction) (took bool, err error) {
	if len(tx.packs) == 0 {
		mark, marked := tx.notes[noteMark]
		if !marked {
			return false, nil // nothing in it hurts when done twice
		}
		kept, _, err := getNote(w.s.conn, noteMark)
		return err == nil && slices.Equal(kept, mark), err
	}
	first := tx.packs[0]
	var body []byte
	err = w.s.conn.QueryRowContext(background, "SELECT body FROM log WHERE id = ?", first.id).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !slices.Equal(body, first.body) {
		return false, fmt.Errorf("%w: another pack stands at %d", errDamaged, first.id)
	}
	return true, nil
}

// applied makes a committed transaction visible and resolves its tickets.
func (w *writer) applied(tx *transaction) {
	s, db := w.s, w.db
	s.seq, s.next, s.newest, s.counts, s.epoch = tx.seq, tx.next, tx.newest, tx.counts, tx.epoch
	s.cat = tx.cat
	if _, marked := tx.notes[noteClean]; marked {
		s.opened = true
	}
	s.walPages += 3
	for _, p := range tx.packs {
		s.walPages += int64(len(p.body)) / (pageSize / 2)
	}
	if len(tx.notes[noteEpoch]) > 0 {
		s.begin = nil
	}
	s.reader.cat.Store(s.cat)
	for _, p := range tx.packs {
		if p.head.kind != codeReadings {
			s.reader.rare.Store(max(s.reader.rare.Load(), p.id+int64(p.head.n)-1))
		}
	}
	s.reader.head.Store(s.next - 1)
	if tx.removed {
		s.reader.waits.forget()
	}
	for i := range tx.packs {
		w.observe(tx, &tx.packs[i])
	}
	db.mu.Lock()
	db.q.flying, db.q.sick = 0, false
	db.mu.Unlock()
	for _, it := range tx.items {
		if it.pushed {
			it.ticket.finish(ErrPushedOut)
			continue
		}
		it.ticket.finish(nil)
	}
	db.wakeWatchers()
}

// observe counts a committed pack's readings into their hours.
func (w *writer) observe(tx *transaction, p *pack) {
	t := tx.cat.timing(&p.head)
	if c := w.s.replay(); c != nil {
		c.to = max(c.to, tx.next)
		return
	}
	if t.known && !tx.cat.boots[p.head.boot].countsApart(&p.head, p.id) {
		w.s.hours.mu.Lock()
		defer w.s.hours.mu.Unlock()
		for i := range p.head.n {
			r := &tx.records[p.first+i]
			w.s.hours.observe(r, millis(r.At().Mono)+t.offset)
		}
	}
}

func cloneBoots(m map[agent.BootID]boot) map[agent.BootID]boot { return maps.Clone(m) }
