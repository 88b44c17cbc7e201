package wire

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	kflate "github.com/klauspost/compress/flate"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// The compact encoding, byte by byte, is described in docs/wire.md. A batch of readings is
// a header, the definitions' ids, and columns compressed with DEFLATE; any other batch is
// its plain encoding compressed with DEFLATE.
const (
	compactVersion = 1

	headPlain = 1 << 0 // the rest is the length and the DEFLATE stream of a plain batch
	headHist  = 1 << 1

	// maxInflated bounds what a decoder unpacks, whatever a header claims.
	maxInflated = 16 << 20
)

// Bits of a reading in the first column.
const (
	bitFault = 1 << iota
	bitRaw
	bitMarks
	bitHeld
	bitUndated
	bitsKnown = 1<<iota - 1
)

// AppendCompact appends the batch in the compact encoding. It decodes to exactly the
// batch that the plain encoding decodes to. Errors are those of AppendBatch.
func AppendCompact(dst []byte, g Gateway, b upstream.Batch, defs upstream.Definitions) ([]byte, error) {
	if len(b.Records) > MaxRecords {
		return dst, ErrTooMany
	}
	var head, body []byte
	if allReadings(b.Records) {
		points, err := tabulate(b.Records, defs)
		if err != nil {
			return dst, err
		}
		if head, body, err = columns(g, &b, points); err != nil {
			return dst, err
		}
	} else {
		plain, err := AppendBatch(nil, g, b, defs)
		if err != nil {
			return dst, err
		}
		head, body = []byte{compactVersion, headPlain}, plain
	}
	if len(body) > maxInflated {
		return dst, ErrTooMany
	}
	out := append(dst, head...)
	out = binary.AppendUvarint(out, uint64(len(body)))
	w := sliceWriter{out}
	if err := kflate.StatelessDeflate(&w, body, true, nil); err != nil {
		return dst, fmt.Errorf("wire: deflate: %w", err)
	}
	return w.b, nil
}

type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

func allReadings(records []agent.Record) bool {
	for i := range records {
		if records[i].Type != agent.TypeReading {
			return false
		}
	}
	return len(records) > 0
}

// columns makes the header and the uncompressed columns of a batch of readings.
func columns(g Gateway, b *upstream.Batch, points *pointTable) (head, body []byte, err error) {
	flags := byte(0)
	if b.Hist {
		flags |= headHist
	}
	first, _ := ends(b.Records)
	head = append(head, compactVersion, flags)
	head = appendText(head, string(g.Site))
	head = appendText(head, string(g.Gateway))
	head = binary.BigEndian.AppendUint64(head, uint64(b.Epoch))
	head = binary.AppendUvarint(head, uint64(first))
	head = binary.AppendUvarint(head, uint64(b.Prev))
	head = binary.AppendUvarint(head, uint64(len(b.Records)))
	head = binary.AppendUvarint(head, uint64(len(points.rows)))
	for i := range points.rows {
		head = binary.BigEndian.AppendUint64(head, uint64(points.rows[i].def.ID))
	}
	var c columnWriter
	if err := c.readings(b.Records, points); err != nil {
		return nil, nil, err
	}
	return head, c.append(appendPoints(nil, points)), nil
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendPoints(dst []byte, points *pointTable) []byte {
	for i := range points.rows {
		dst = appendText(dst, string(points.rows[i].def.Point))
	}
	for i := range points.rows {
		dst = appendText(dst, string(points.rows[i].def.Zone))
	}
	for i := range points.rows {
		dst = appendText(dst, string(points.rows[i].def.Quantity))
	}
	for i := range points.rows {
		dst = appendText(dst, string(points.rows[i].def.Role))
	}
	return dst
}

// columnWriter collects the columns; their order in the body is that of its fields.
type columnWriter struct {
	scales, bits, seqs, points, times, values, raws, faults, marks, undated []byte
}

func (c *columnWriter) append(dst []byte) []byte {
	for _, column := range [][]byte{c.scales, c.bits, c.seqs, c.points, c.times, c.values, c.raws, c.faults, c.marks, c.undated} {
		dst = append(dst, column...)
	}
	return dst
}

func (c *columnWriter) readings(records []agent.Record, points *pointTable) error {
	c.scales = scales(records, points)
	before := make([]int64, len(points.rows))
	last := readingState{index: -1}
	for i := range records {
		r := &records[i]
		if r.Waiting() {
			return &RecordError{r.Position, ErrWaiting}
		}
		if i > 0 {
			c.seqs = binary.AppendUvarint(c.seqs, uint64(r.Position.Seq-records[i-1].Position.Seq-1))
		}
		index := points.index[r.Reading.Def]
		c.points = binary.AppendUvarint(c.points, uint64((index-last.index-1+len(before))%len(before)))
		last.index = index
		bits := c.reading(&r.Reading, &before[index], pow10[c.scales[index]])
		c.bits = append(c.bits, bits|c.instant(r, &last))
	}
	return nil
}

// readingState is what the next reading of a column is a difference to.
type readingState struct {
	index int
	ms    int64
	boot  agent.BootID
	mono  int64
}

func (c *columnWriter) instant(r *agent.Record, last *readingState) (bits byte) {
	at := r.Reading.At
	if r.Undated == nil {
		ms := millis(at.Wall)
		c.times = binary.AppendVarint(c.times, ms-last.ms)
		last.ms = ms
		if at.Trust == agent.ClockHeld {
			return bitHeld
		}
		return 0
	}
	after, hasAfter := boundMillis(r.Undated.After)
	before, hasBefore := boundMillis(r.Undated.Before)
	c.undated = append(c.undated, bitIf(at.Boot != last.boot, 1)|bitIf(hasAfter, 2)|bitIf(hasBefore, 4))
	if at.Boot != last.boot {
		c.undated = append(c.undated, at.Boot[:]...)
		last.boot = at.Boot
	}
	mono := at.Mono.Milliseconds()
	c.undated = binary.AppendVarint(c.undated, mono-last.mono)
	last.mono = mono
	if hasAfter {
		c.undated = binary.AppendVarint(c.undated, after)
	}
	if hasBefore {
		c.undated = binary.AppendVarint(c.undated, before)
	}
	return bitUndated
}

func bitIf(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

func (c *columnWriter) reading(r *agent.Reading, before *int64, scale int64) (bits byte) {
	if r.OK() {
		scaled := int64(r.Value) / scale
		c.values = binary.AppendVarint(c.values, scaled-*before)
		*before = scaled
		if r.Raw != r.Value {
			c.raws = binary.AppendVarint(c.raws, int64(r.Raw-r.Value))
			bits |= bitRaw
		}
	} else {
		c.faults = append(c.faults, byte(r.Fault))
		bits |= bitFault
	}
	if r.Marks != 0 {
		c.marks = binary.AppendUvarint(c.marks, uint64(r.Marks))
		bits |= bitMarks
	}
	return bits
}

var pow10 = [7]int64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000}

// scales finds per definition the largest power of ten, at most six, that divides all its values.
func scales(records []agent.Record, points *pointTable) []byte {
	s := bytes.Repeat([]byte{6}, len(points.rows))
	for i := range records {
		r := &records[i].Reading
		if !r.OK() {
			continue
		}
		p := &s[points.index[r.Def]]
		for int64(r.Value)%pow10[*p] != 0 {
			*p--
		}
	}
	return s
}

func inflate(stream []byte, size uint64) ([]byte, error) {
	if size > maxInflated {
		return nil, syntax("%d bytes unpacked", size)
	}
	in := bytes.NewReader(stream)
	z := flate.NewReader(in)
	body, err := io.ReadAll(io.LimitReader(z, int64(size)+1))
	if err != nil {
		return nil, syntax("deflate: %w", err)
	}
	if uint64(len(body)) != size || in.Len() > 0 {
		return nil, syntax("unpacked size is not %d", size)
	}
	return body, nil
}

func parseCompact(data []byte) (Batch, error) {
	in := columnReader{rest: data[1:]}
	flags := in.byte()
	if flags&headPlain != 0 {
		size := in.uvarint()
		if in.bad || flags != headPlain {
			return Batch{}, syntax("compact header")
		}
		plain, err := inflate(in.rest, size)
		if err != nil {
			return Batch{}, err
		}
		return parsePlain(plain)
	}
	b := Batch{Hist: flags&headHist != 0}
	b.From.Site = agent.SiteID(in.text())
	b.From.Gateway = agent.GatewayID(in.text())
	b.Epoch = agent.Epoch(in.uint64())
	b.First = agent.Seq(in.uvarint())
	b.Prev = agent.Seq(in.uvarint())
	records, points := in.uvarint(), in.uvarint()
	if in.bad || flags&^headHist != 0 || records == 0 || records > MaxRecords || points == 0 || points > records {
		return Batch{}, syntax("compact header")
	}
	if err := b.From.check(); err != nil {
		return Batch{}, err
	}
	defs := make([]agent.Definition, points)
	for i := range defs {
		defs[i].ID = agent.DefID(in.uint64())
	}
	size := in.uvarint()
	if in.bad || size < records {
		return Batch{}, syntax("compact header")
	}
	body, err := inflate(in.rest, size)
	if err != nil {
		return Batch{}, err
	}
	if err := b.parseColumns(body, int(records), defs); err != nil {
		return Batch{}, err
	}
	_, b.Last = ends(b.Records)
	return b, b.checkRange()
}

func (b *Batch) parseColumns(body []byte, records int, defs []agent.Definition) error {
	in := &columnReader{rest: body}
	for i := range defs {
		defs[i].Point = agent.PointID(in.text())
	}
	for i := range defs {
		defs[i].Zone = agent.ZoneID(in.text())
	}
	for i := range defs {
		defs[i].Quantity = agent.Quantity(in.text())
	}
	for i := range defs {
		defs[i].Role = agent.Role(in.text())
	}
	d := decoder{defs: map[agent.DefID]agent.Definition{}}
	for _, def := range defs {
		if err := d.define(def); err != nil {
			return err
		}
	}
	scales := in.take(len(defs))
	bits := in.take(records)
	if in.bad {
		return syntax("columns cut short")
	}
	b.defs = d.defs
	b.Records = make([]agent.Record, records)
	if err := b.parseReadings(in, bits, scales, defs); err != nil {
		return err
	}
	if in.bad || len(in.rest) > 0 {
		return syntax("columns do not end with the body")
	}
	return nil
}

// parseReadings fills the records column by column, in the order of the body.
func (b *Batch) parseReadings(in *columnReader, bits, scales []byte, defs []agent.Definition) error {
	seq := b.First
	for i := range b.Records {
		if i > 0 {
			seq += 1 + agent.Seq(in.uvarint())
		}
		b.Records[i].Position = agent.Position{Epoch: b.Epoch, Seq: seq}
		b.Records[i].Type = agent.TypeReading
		if bits[i]&^bitsKnown != 0 || bits[i]&bitFault != 0 && bits[i]&bitRaw != 0 || bits[i]&bitHeld != 0 && bits[i]&bitUndated != 0 {
			return syntax("bits %#x", bits[i])
		}
	}
	index := make([]int, len(b.Records))
	last := -1
	for i := range b.Records {
		step := in.uvarint()
		if step >= uint64(len(defs)) {
			return syntax("point %d of %d", step, len(defs))
		}
		last = (last + 1 + int(step)) % len(defs)
		index[i] = last
		b.Records[i].Reading.Def = defs[last].ID
	}
	if err := b.parseTimes(in, bits); err != nil {
		return err
	}
	if err := b.parseValues(in, bits, scales, index); err != nil {
		return err
	}
	return b.parseUndated(in, bits)
}

func (b *Batch) parseTimes(in *columnReader, bits []byte) error {
	ms := int64(0)
	for i := range b.Records {
		if bits[i]&bitUndated != 0 {
			continue
		}
		ms += in.varint()
		if ms > maxMillis || ms < -maxMillis {
			return syntax("time %d", ms)
		}
		at := agent.Instant{Wall: ofMillis(ms), Trust: agent.ClockSynced}
		if bits[i]&bitHeld != 0 {
			at.Trust = agent.ClockHeld
		}
		b.Records[i].Reading.At = at
	}
	return nil
}

func (b *Batch) parseValues(in *columnReader, bits, scales []byte, index []int) error {
	before := make([]int64, len(scales))
	for i := range b.Records {
		if bits[i]&bitFault != 0 {
			continue
		}
		p := index[i]
		if int(scales[p]) >= len(pow10) {
			return syntax("scale %d", scales[p])
		}
		before[p] += in.varint()
		v := before[p] * pow10[scales[p]]
		if v/pow10[scales[p]] != before[p] {
			return syntax("value out of range")
		}
		b.Records[i].Reading.Value, b.Records[i].Reading.Raw = agent.Value(v), agent.Value(v)
	}
	for i := range b.Records {
		if bits[i]&bitRaw != 0 {
			b.Records[i].Reading.Raw += agent.Value(in.varint())
		}
	}
	for i := range b.Records {
		if bits[i]&bitFault != 0 {
			b.Records[i].Reading.Fault = agent.Fault(in.byte())
			if b.Records[i].Reading.Fault == agent.FaultNone {
				return syntax("fault 0")
			}
		}
	}
	for i := range b.Records {
		if bits[i]&bitMarks != 0 {
			m := in.uvarint()
			if m == 0 || m > 1<<16-1 {
				return syntax("marks %d", m)
			}
			b.Records[i].Reading.Marks = agent.Marks(m)
		}
	}
	return nil
}

func (b *Batch) parseUndated(in *columnReader, bits []byte) error {
	var boot agent.BootID
	mono := int64(0)
	for i := range b.Records {
		if bits[i]&bitUndated == 0 {
			continue
		}
		has := in.byte()
		if has&1 != 0 {
			copy(boot[:], in.take(len(boot)))
		}
		mono += in.varint()
		u := &agent.Undated{}
		if has&2 != 0 {
			u.After = in.time()
		}
		if has&4 != 0 {
			u.Before = in.time()
		}
		if has > 7 || mono > maxMillis || mono < -maxMillis {
			return syntax("undated reading")
		}
		b.Records[i].Undated = u
		b.Records[i].Reading.At = agent.Instant{Mono: time.Duration(mono) * time.Millisecond, Boot: boot}
	}
	return nil
}

// columnReader reads from the front of rest. After the first failure it is bad and gives zeros.
type columnReader struct {
	rest []byte
	bad  bool
}

func (c *columnReader) take(n int) []byte {
	if c.bad || n > len(c.rest) {
		c.bad = true
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *columnReader) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *columnReader) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *columnReader) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 || c.bad {
		c.bad = true
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *columnReader) varint() int64 {
	v, n := binary.Varint(c.rest)
	if n <= 0 || c.bad {
		c.bad = true
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *columnReader) time() time.Time {
	ms := c.varint()
	if ms > maxMillis || ms < -maxMillis {
		c.bad = true
	}
	return ofMillis(ms)
}

func (c *columnReader) text() string {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.bad = true
		return ""
	}
	return string(c.take(int(n)))
}
