package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
)

// holdLimit is how long a state (a door, a contact) is taken to hold without a new sample
// when time in state is counted. States are recorded at every change and every `every:`.
const holdLimit = 15 * time.Minute

// primed is how many records before the first to be counted are looked at after a start,
// for what state things were in.
const primed = 10_000

const hourMillis = int64(time.Hour / time.Millisecond)

// Hour is one definition's hour. Long charts read hours instead of readings.
type Hour struct {
	Count  int64         // readings with a value
	Faults int64         // readings without
	Min    agent.Value   // meaningless if Count is 0
	Max    agent.Value   // as Min
	Known  time.Duration // for states: time during which the state was known
	On     time.Duration // for states: time of it in state 1

	sum sum128
}

// Mean is the arithmetic mean of the hour's values, rounded toward zero; ok is false
// without any.
func (h *Hour) Mean() (mean agent.Value, ok bool) {
	if h.Count == 0 {
		return 0, false
	}
	return agent.Value(h.sum.div(h.Count)), true
}

// sum128 is a signed 128-bit sum: an hour of large counters does not fit 64 bits.
type sum128 struct {
	hi int64
	lo uint64
}

func (s *sum128) add(t sum128) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, t.lo, 0)
	s.hi += t.hi + int64(carry)
}

func sumOf(v agent.Value) sum128 { return sum128{int64(v) >> 63, uint64(v)} }

func (s sum128) div(n int64) int64 {
	neg := s.hi < 0
	if neg {
		var borrow uint64
		s.lo, borrow = bits.Sub64(0, s.lo, 0)
		s.hi = -s.hi - int64(borrow)
	}
	q, _ := bits.Div64(uint64(s.hi)%uint64(n), s.lo, uint64(n))
	if neg {
		return -int64(q)
	}
	return int64(q)
}

func (h *Hour) merge(o *Hour) {
	if o.Count > 0 {
		if h.Count == 0 {
			h.Min, h.Max = o.Min, o.Max
		}
		h.Min, h.Max = min(h.Min, o.Min), max(h.Max, o.Max)
	}
	h.Count += o.Count
	h.Faults += o.Faults
	h.Known += o.Known
	h.On += o.On
	h.sum.add(o.sum)
}

// hourMap is hours by number since the Unix epoch, and definition.
type hourMap map[int64]map[agent.DefID]*Hour

func (m hourMap) at(hour int64, def agent.DefID) *Hour {
	if m[hour] == nil {
		m[hour] = map[agent.DefID]*Hour{}
	}
	h := m[hour][def]
	if h == nil {
		h = &Hour{}
		m[hour][def] = h
	}
	return h
}

func (m hourMap) merge(o hourMap) {
	for hour, defs := range o {
		for def, h := range defs {
			m.at(hour, def).merge(h)
		}
	}
}

// hourly counts readings into hours.
type hourly struct {
	isState func(agent.DefID) bool

	mu     sync.Mutex
	open   hourMap
	newest int64 // newest hour counted
	due    bool  // an hour is over
	last   map[agent.DefID]sample
}

type sample struct {
	at int64 // Unix milliseconds
	on bool
}

func newHourly(isState func(agent.DefID) bool) *hourly {
	return &hourly{isState: isState, open: hourMap{}, last: map[agent.DefID]sample{}}
}

func hourOf(ms int64) int64 {
	h := ms / hourMillis
	if ms%hourMillis < 0 {
		h--
	}
	return h
}

// observe counts a record whose wall time is ms. The caller holds mu where others look on.
func (hs *hourly) observe(r *agent.Record, ms int64) {
	if r.Type != agent.TypeReading {
		return
	}
	hour := hourOf(ms)
	if hour > hs.newest {
		hs.due = hs.due || hs.newest != 0
		hs.newest = hour
	}
	h := hs.open.at(hour, r.Reading.Def)
	hs.hold(r, ms)
	if !r.Reading.OK() {
		h.Faults++
		return
	}
	v := r.Reading.Value
	h.merge(&Hour{Count: 1, Min: v, Max: v, sum: sumOf(v)})
}

// prime notes the state that a record counted before was in.
func (hs *hourly) prime(r *agent.Record) {
	if r.Type == agent.TypeReading && r.Reading.OK() && hs.isState(r.Reading.Def) {
		hs.last[r.Reading.Def] = sample{r.Reading.At.Wall.UnixMilli(), r.Reading.Value != 0}
	}
}

// hold credits the time since the state's last sample.
func (hs *hourly) hold(r *agent.Record, ms int64) {
	def := r.Reading.Def
	if !hs.isState(def) {
		return
	}
	if was, ok := hs.last[def]; ok && ms > was.at {
		end := min(ms, was.at+millis(holdLimit))
		for at := was.at; at < end; {
			next := min(end, (hourOf(at)+1)*hourMillis)
			h, d := hs.open.at(hourOf(at), def), time.Duration(next-at)*time.Millisecond
			h.Known += d
			if was.on {
				h.On += d
			}
			at = next
		}
	}
	if !r.Reading.OK() {
		delete(hs.last, def)
		return
	}
	hs.last[def] = sample{ms, r.Reading.Value != 0}
}

// Hours calls fn for every hour that overlaps [from, to), by hour and definition, until it
// returns an error. Records without a wall time are in no hour.
func (r *Reader) Hours(ctx context.Context, from, to time.Time, fn func(hour time.Time, def agent.DefID, h Hour) error) error {
	return r.hours(ctx, from, to, nil, fn)
}

// Hours calls fn for every hour that overlaps [from, to), the open one included; see Reader.Hours.
func (db *DB) Hours(ctx context.Context, from, to time.Time, fn func(hour time.Time, def agent.DefID, h Hour) error) error {
	r, err := db.reader()
	if err != nil {
		return fmt.Errorf("store: hours: %w", err)
	}
	return r.hours(ctx, from, to, r.openHours, fn)
}

func (r *Reader) hours(ctx context.Context, from, to time.Time, open *hourly, fn func(time.Time, agent.DefID, Hour) error) error {
	first, end := hourOf(from.UnixMilli()), hourOf(to.UnixMilli()-1)+1
	const window = 24 * 7
	for ; first < end; first += window {
		last := min(end, first+window)
		m, err := guard(ctx, func() (hourMap, error) { return r.hourRows(first, last) })
		if err != nil {
			return fmt.Errorf("store: hours: %w", r.report(err))
		}
		if open != nil {
			open.mu.Lock()
			for hour, defs := range open.open {
				if hour >= first && hour < last {
					m.merge(hourMap{hour: defs})
				}
			}
			open.mu.Unlock()
		}
		if err := eachHour(m, fn); err != nil {
			return err
		}
	}
	return nil
}

func eachHour(m hourMap, fn func(time.Time, agent.DefID, Hour) error) error {
	hours := make([]int64, 0, len(m))
	for hour := range m {
		hours = append(hours, hour)
	}
	slices.Sort(hours)
	for _, hour := range hours {
		defs := make([]agent.DefID, 0, len(m[hour]))
		for def := range m[hour] {
			defs = append(defs, def)
		}
		slices.Sort(defs)
		for _, def := range defs {
			if err := fn(time.UnixMilli(hour*hourMillis).UTC(), def, *m[hour][def]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Reader) hourRows(from, to int64) (hourMap, error) {
	rows, err := r.pool.QueryContext(background, "SELECT hour, body FROM hours WHERE hour >= ? AND hour < ?", from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := hourMap{}
	for rows.Next() {
		var hour int64
		var body sql.RawBytes
		if err := rows.Scan(&hour, &body); err != nil {
			return nil, err
		}
		if err := decodeHours(body, &r.cat.Load().defs, func(def agent.DefID, h Hour) { m.at(hour, def).merge(&h) }); err != nil {
			return nil, fmt.Errorf("hour %d: %w", hour, err)
		}
	}
	return m, rows.Err()
}

// encodeHours packs one hour: version, CRC-32C of the rest, then for each definition its
// number, count, faults, min, max above min, sum, known and on in milliseconds.
func encodeHours(defs map[agent.DefID]*Hour, n *numbers) []byte {
	b := make([]byte, 5, 5+24*len(defs))
	b[0] = packVersion
	ids := make([]agent.DefID, 0, len(defs))
	for id := range defs {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b agent.DefID) int { return cmp.Compare(n.of[a], n.of[b]) })
	for _, id := range ids {
		h := defs[id]
		b = binary.AppendUvarint(b, n.of[id])
		b = binary.AppendUvarint(b, uint64(h.Count))
		b = binary.AppendUvarint(b, uint64(h.Faults))
		b = binary.AppendVarint(b, int64(h.Min))
		b = binary.AppendUvarint(b, uint64(h.Max-h.Min))
		b = binary.AppendVarint(b, h.sum.hi-int64(h.sum.lo)>>63)
		b = binary.AppendVarint(b, int64(h.sum.lo))
		b = binary.AppendUvarint(b, uint64(millis(h.Known)))
		b = binary.AppendUvarint(b, uint64(millis(h.On)))
	}
	binary.LittleEndian.PutUint32(b[1:5], crc32.Checksum(b[5:], castagnoli))
	return b
}

func decodeHours(body []byte, n *numbers, fn func(agent.DefID, Hour)) error {
	if len(body) < 5 || body[0] != packVersion || crc32.Checksum(body[5:], castagnoli) != binary.LittleEndian.Uint32(body[1:5]) {
		return fmt.Errorf("%w: hours", errPack)
	}
	d := decoder{b: body[5:]}
	for len(d.b) > 0 {
		id, known := n.id(d.uvarint())
		h := Hour{Count: int64(d.uvarint()), Faults: int64(d.uvarint())}
		h.Min = agent.Value(d.varint())
		h.Max = h.Min + agent.Value(d.uvarint())
		hi, lo := d.varint(), d.varint()
		h.sum = sum128{hi + lo>>63, uint64(lo)}
		h.Known = time.Duration(d.uvarint()) * time.Millisecond
		h.On = time.Duration(d.uvarint()) * time.Millisecond
		switch {
		case d.bad || h.Count < 0 || h.Faults < 0:
			return fmt.Errorf("%w: hours are cut", errPack)
		case !known:
			return errUnknownDef
		}
		fn(id, h)
	}
	return nil
}

// counting is hours of records already stored that still have to be counted: those since
// the last flush, after a start, or those of a boot that was dated late. It is done in
// steps between commits. While the former goes on, new records are left to it as well, so
// that states are seen in order.
type counting struct {
	from, to int64 // offsets [from, to)
	since    int64 // records before it only tell what state things were in
	boot     *agent.BootID
	acc      *hourly
	kept     bool // a boot's hours are in the table
}

// loadHours prepares the counting of what no flush has kept.
func (s *session) loadHours() error {
	states := map[agent.DefID]bool{} // a definition never changes; asked for every reading, by the writer alone
	s.hours = newHourly(func(id agent.DefID) bool {
		is, asked := states[id]
		if asked {
			return is
		}
		d, ok := s.reader.definition(id)
		if ok {
			states[id] = d.Quantity.Kind() == agent.State
		}
		return states[id]
	})
	s.reader.openHours = s.hours
	var upto int64
	v, ok, err := getNote(s.conn, noteHours)
	if err != nil {
		return err
	}
	if ok {
		if len(v) != 8 {
			return fmt.Errorf("%w: hours note", errDamaged)
		}
		upto = int64(binary.LittleEndian.Uint64(v))
	}
	if s.next > 1 {
		s.counting = append(s.counting, counting{from: max(1, upto+1-primed), since: upto + 1, to: s.next, acc: newHourly(s.hours.isState)})
	}
	for id, b := range s.cat.boots {
		s.countBoot(id, b)
	}
	return nil
}

func (s *session) countBoot(id agent.BootID, b boot) {
	if b.dated && b.upto > b.first {
		s.counting = append(s.counting, counting{from: b.first, to: b.upto, boot: &id, acc: newHourly(s.hours.isState)})
	}
}

// countSome does a step of the counting; done is true when nothing is left.
func (w *writer) countSome() (done bool, err error) {
	s := w.s
	if len(s.counting) == 0 {
		return true, nil
	}
	c := &s.counting[0]
	const packs = 64
	c.from, err = s.reader.packs(c.from, c.to, packs, func(id int64, h *packHead, rest []byte) error {
		if c.boot != nil && (h.dated || h.boot != *c.boot) {
			return nil
		}
		t := s.cat.timing(h)
		b := s.cat.boots[h.boot]
		if !t.known || c.boot == nil && b.countsApart(h, id) {
			return nil // in no hour, or counted with its boot
		}
		var err error
		w.scratch, err = decodeRecords(w.scratch[:0], h, rest, t, 0, maxPack, &s.cat.defs)
		for i := range w.scratch {
			r := &w.scratch[i]
			if id+int64(i) < c.since {
				c.acc.prime(r)
				continue
			}
			c.acc.observe(r, r.At().Wall.UnixMilli())
		}
		return err
	})
	if err != nil || c.from < c.to {
		return false, err
	}
	if c.boot != nil {
		err = w.keepBootHours(c)
	} else {
		s.hours.mu.Lock()
		s.hours.open.merge(c.acc.open)
		s.hours.due = s.hours.due || c.acc.due
		s.hours.newest = max(s.hours.newest, c.acc.newest)
		for def, l := range c.acc.last {
			if have, ok := s.hours.last[def]; !ok || have.at < l.at {
				s.hours.last[def] = l
			}
		}
		s.hours.mu.Unlock()
	}
	if err == nil {
		s.counting = slices.Delete(s.counting, 0, 1)
	}
	return false, err
}

func (w *writer) keepBootHours(c *counting) error {
	if c.kept {
		return nil
	}
	tx := &transaction{then: func() { c.kept = true }}
	p := w.newPlanner(tx)
	tx.notes[noteMark] = newMark()
	b := p.cat.boots[*c.boot]
	b.upto = -b.upto
	p.putBoot(*c.boot, b)
	tx.cat = p.cat
	tx.extra = func(conn *sql.Conn) error { return w.mergeHours(conn, c.acc.open) }
	return w.commitOwn(tx)
}

// flushHours writes the counted hours into the table.
func (w *writer) flushHours() error {
	hs := w.s.hours
	hs.mu.Lock()
	open := hs.open
	hs.mu.Unlock()
	tx := &transaction{then: func() {
		hs.mu.Lock()
		hs.open, hs.due = hourMap{}, false
		hs.mu.Unlock()
	}}
	p := w.newPlanner(tx)
	tx.cat = p.cat
	tx.notes[noteMark] = newMark()
	tx.notes[noteHours] = binary.LittleEndian.AppendUint64(nil, uint64(w.s.next-1))
	tx.extra = func(conn *sql.Conn) error { return w.mergeHours(conn, open) }
	return w.commitOwn(tx)
}

// newMark tells one transaction from any other: hours are merged, so one whose outcome was
// unknown must not be done again if it took place.
func newMark() []byte { return binary.LittleEndian.AppendUint64(nil, rand.Uint64()) }

func (w *writer) mergeHours(conn *sql.Conn, m hourMap) error {
	for hour, defs := range m {
		merged := map[agent.DefID]*Hour{}
		for id, h := range defs {
			c := *h
			merged[id] = &c
		}
		var body []byte
		err := conn.QueryRowContext(background, "SELECT body FROM hours WHERE hour = ?", hour).Scan(&body)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("hour %d: %w", hour, err)
		}
		if err == nil {
			err = decodeHours(body, &w.s.cat.defs, func(id agent.DefID, h Hour) {
				if have := merged[id]; have != nil {
					h.merge(have)
				}
				merged[id] = &h
			})
			if err != nil {
				return fmt.Errorf("hour %d: %w", hour, err)
			}
		}
		if err := insert(conn, "INSERT OR REPLACE INTO hours VALUES (?, ?)", hour, encodeHours(merged, &w.s.cat.defs)); err != nil {
			return fmt.Errorf("hour %d: %w", hour, err)
		}
	}
	return nil
}
