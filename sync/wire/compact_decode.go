package wire

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"math"
	"time"

	"github.com/frostline/frostline/agent"
)

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
		if v/pow10[scales[p]] != before[p] || v == math.MinInt64 {
			return syntax("value out of range")
		}
		b.Records[i].Reading.Value, b.Records[i].Reading.Raw = agent.Value(v), agent.Value(v)
	}
	for i := range b.Records {
		if bits[i]&bitRaw != 0 {
			b.Records[i].Reading.Raw += agent.Value(in.varint())
			if b.Records[i].Reading.Raw == math.MinInt64 {
				return syntax("raw value out of range")
			}
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
