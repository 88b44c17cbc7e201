package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/flate"

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
	if err := flate.StatelessDeflate(&w, body, true, nil); err != nil {
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
