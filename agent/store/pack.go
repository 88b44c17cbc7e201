package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"time"

	"github.com/frostline/frostline/agent"
)

// A pack is a run of consecutive records of one kind and one clock context, as one row
// of log. Its bytes are canonical and never change:
//
//	version     1 byte, packVersion
//	checksum    4 bytes little endian, CRC-32C of all that follows
//	kind        1 byte
//	flags       1 byte: flagDated, flagWall, trust in bits 2 and 3
//	epoch       8 bytes little endian
//	boot        16 bytes
//	first seq, count            uvarint
//	wall offset, base mono      varint, milliseconds
//	records
//
// Epoch and seq repeat what the segments table says, so that a pack found in a damaged
// file still knows its position.
const (
	packVersion = 1
	maxPack     = 512 // records; a reader that wants few decodes at most this many in vain

	flagDated = 1 << 0 // the offset is final
	flagWall  = 1 << 1 // the clock showed a wall time at all; not final without flagDated
)

// Flags of one reading.
const (
	readingFault = 1 << iota
	readingRaw
	readingMarks
	readingMono
	readingScale = 4 // bits 4 to 6: trailing decimal zeros of the value
)

var (
	errPack        = errors.New("pack is damaged")
	errUnknownDef  = errors.New("pack names an unknown definition")
	errPackVersion = errors.New("pack is of a newer version")
	castagnoli     = crc32.MakeTable(crc32.Castagnoli)
	pow10          = [8]int64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000}
)

// kindCode is a kind's number in the store. The numbers are never changed.
type kindCode uint8

const (
	codeReadings kindCode = iota + 1
	codeScans
	codeEvents
	codeStock
	codeAlarms
	kindCodes // one more than the last
)

func codeOf(k agent.Kind) kindCode {
	for i, known := range agent.Kinds() {
		if known == k {
			return kindCode(i + 1)
		}
	}
	return 0
}

func (c kindCode) kind() agent.Kind {
	if c == 0 || c >= kindCodes {
		return ""
	}
	return agent.Kinds()[c-1]
}

// clockContext is what all records of a pack share beside their kind.
type clockContext struct {
	boot   agent.BootID
	trust  agent.ClockTrust
	dated  bool
	wall   bool
	offset int64 // wall minus mono, milliseconds
}

// packHead is a pack without its records.
type packHead struct {
	clockContext
	kind kindCode
	pos  agent.Position // of the first record
	n    int
	base int64 // mono of the first record, milliseconds
}

func millis(d time.Duration) int64 { return int64(d / time.Millisecond) }

// encodePack writes records, which share kind and context, as a pack. number gives a
// definition's number in this store.
func encodePack(h packHead, records []agent.Record, number func(agent.DefID) uint64) ([]byte, error) {
	b := make([]byte, 5, 64+8*len(records))
	b[0] = packVersion
	flags := byte(h.trust) << 2
	if h.dated {
		flags |= flagDated
	}
	if h.wall {
		flags |= flagWall
	}
	b = append(b, byte(h.kind), flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.pos.Epoch))
	b = append(b, h.boot[:]...)
	b = binary.AppendUvarint(b, uint64(h.pos.Seq))
	b = binary.AppendUvarint(b, uint64(len(records)))
	b = binary.AppendVarint(b, h.offset)
	b = binary.AppendVarint(b, h.base)
	mono := h.base
	var def uint64
	for i := range records {
		r := &records[i]
		at := millis(r.At().Mono)
		if r.Type == agent.TypeReading {
			n := number(r.Reading.Def)
			b = appendReading(b, &r.Reading, int64(n-def), at-mono)
			def, mono = n, at
			continue
		}
		var noun any = r.Scan
		var n uint64
		if r.Type == agent.TypeEvent {
			noun = r.Event
			if r.Event.Definition != nil {
				n = number(r.Event.Definition.ID)
			}
		}
		text, err := json.Marshal(noun)
		if err != nil {
			return nil, fmt.Errorf("encode record: %w", err)
		}
		b = binary.AppendUvarint(b, n)
		b = binary.AppendVarint(b, at-mono)
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
		mono = at
	}
	binary.LittleEndian.PutUint32(b[1:5], crc32.Checksum(b[5:], castagnoli))
	return b, nil
}

func appendReading(b []byte, r *agent.Reading, def, mono int64) []byte {
	b = binary.AppendVarint(b, def)
	var flags byte
	value, scale := int64(r.Value), 0
	if r.Fault != agent.FaultNone {
		flags |= readingFault
	} else {
		for scale < 7 && value != 0 && value%10 == 0 {
			value /= 10
			scale++
		}
		flags |= byte(scale) << readingScale
		if r.Raw != r.Value {
			flags |= readingRaw
		}
	}
	if r.Marks != 0 {
		flags |= readingMarks
	}
	if mono != 0 {
		flags |= readingMono
	}
	b = append(b, flags)
	if mono != 0 {
		b = binary.AppendVarint(b, mono)
	}
	if r.Marks != 0 {
		b = binary.AppendUvarint(b, uint64(r.Marks))
	}
	if r.Fault != agent.FaultNone {
		return append(b, byte(r.Fault))
	}
	b = binary.AppendVarint(b, value)
	if r.Raw != r.Value {
		b = binary.AppendVarint(b, int64(r.Raw-r.Value)) // wraps and unwraps alike
	}
	return b
}

// decodeHead checks the pack's bytes and reads what its records share. rest holds the records.
func decodeHead(body []byte) (h packHead, rest []byte, err error) {
	if len(body) < 5+26 {
		return h, nil, fmt.Errorf("%w: %d bytes", errPack, len(body))
	}
	if crc32.Checksum(body[5:], castagnoli) != binary.LittleEndian.Uint32(body[1:5]) {
		return h, nil, fmt.Errorf("%w: checksum", errPack)
	}
	if body[0] != packVersion {
		return h, nil, fmt.Errorf("%w: %d", errPackVersion, body[0])
	}
	return parseHead(body)
}

// parseHead reads the head without checking the pack's checksum; body may be cut after the head.
func parseHead(body []byte) (h packHead, rest []byte, err error) {
	if len(body) < 5+26 {
		return h, nil, fmt.Errorf("%w: %d bytes", errPack, len(body))
	}
	d := decoder{b: body[5:]}
	h.kind = kindCode(d.byte())
	flags := d.byte()
	h.dated, h.wall = flags&flagDated != 0, flags&flagWall != 0
	h.trust = agent.ClockTrust(flags >> 2 & 3)
	h.pos.Epoch = agent.Epoch(binary.LittleEndian.Uint64(d.take(8)))
	copy(h.boot[:], d.take(16))
	h.pos.Seq = agent.Seq(d.uvarint())
	n := d.uvarint()
	h.offset = d.varint()
	h.base = d.varint()
	switch {
	case d.bad:
		return h, nil, fmt.Errorf("%w: head is cut", errPack)
	case h.kind == 0 || h.kind >= kindCodes:
		return h, nil, fmt.Errorf("%w: kind %d", errPack, h.kind)
	case n == 0 || n > maxPack || h.pos.Epoch == 0 || h.pos.Seq == 0 || uint64(h.pos.Seq)+n < n || h.pos.Seq >= 1<<62:
		return h, nil, fmt.Errorf("%w: %d records from %s", errPack, n, h.pos)
	case flags&^(flagDated|flagWall|3<<2) != 0 || h.trust > agent.ClockSynced:
		return h, nil, fmt.Errorf("%w: flags %#x", errPack, flags)
	case !inRange(h.offset) || !inRange(h.base):
		return h, nil, fmt.Errorf("%w: time", errPack)
	}
	h.n = int(n)
	return h, d.b, nil
}

// inRange reports whether milliseconds fit a time.Duration.
func inRange(ms int64) bool {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return ms >= -most && ms <= most
}

// timing is how a pack's records get their wall time.
type timing struct {
	known   bool
	offset  int64
	trust   agent.ClockTrust
	undated *agent.Undated
}

// decodeRecords appends the pack's records from index skip on, at most limit, to dst. All
// records are checked, wanted or not.
func decodeRecords(dst []agent.Record, h *packHead, rest []byte, t timing, skip, limit int, defs *numbers) ([]agent.Record, error) {
	if h.kind == codeReadings {
		return decodeReadings(dst, h, rest, t, skip, limit, defs)
	}
	d := decoder{b: rest}
	mono := h.base
	for i := range h.n {
		d.uvarint() // the definition's number, for salvage only
		mono += d.varint()
		text := d.take64(d.uvarint())
		if d.bad || !inRange(mono) {
			return dst, fmt.Errorf("%w: record %d", errPack, i)
		}
		if i < skip || i >= skip+limit {
			continue
		}
		r := agent.Record{Position: agent.Position{Epoch: h.pos.Epoch, Seq: h.pos.Seq + agent.Seq(i)}, Undated: t.undated}
		at := h.instant(t, mono)
		if h.kind == codeScans {
			s := &agent.Scan{}
			if err := json.Unmarshal(text, s); err != nil {
				return dst, fmt.Errorf("%w: record %d: %w", errPack, i, err)
			}
			s.At = at
			r.Type, r.Scan = agent.TypeScan, s
		} else {
			e := &agent.Event{}
			if err := json.Unmarshal(text, e); err != nil {
				return dst, fmt.Errorf("%w: record %d: %w", errPack, i, err)
			}
			e.At = at
			r.Type, r.Event = agent.TypeEvent, e
		}
		dst = append(dst, r)
	}
	if len(d.b) != 0 {
		return dst, fmt.Errorf("%w: %d bytes too many", errPack, len(d.b))
	}
	return dst, nil
}

func decodeReadings(dst []agent.Record, h *packHead, rest []byte, t timing, skip, limit int, defs *numbers) ([]agent.Record, error) {
	d := decoder{b: rest}
	mono := h.base
	var n uint64
	for i := range h.n {
		var r agent.Reading
		n += uint64(d.varint())
		flags := d.byte()
		if flags&readingMono != 0 {
			mono += d.varint()
		}
		if flags&readingMarks != 0 {
			r.Marks = agent.Marks(d.uvarint())
		}
		if flags&readingFault != 0 {
			r.Fault = agent.Fault(d.byte())
			if r.Fault == agent.FaultNone || flags&(readingRaw|7<<readingScale) != 0 {
				d.bad = true
			}
		} else if !d.value(&r, flags) {
			d.bad = true
		}
		if d.bad || flags&0x80 != 0 || !inRange(mono) {
			return dst, fmt.Errorf("%w: record %d", errPack, i)
		}
		if i < skip || i >= skip+limit {
			continue
		}
		def, ok := defs.id(n)
		if !ok {
			return dst, fmt.Errorf("%w: %d", errUnknownDef, n)
		}
		r.Def = def
		r.At = h.instant(t, mono)
		dst = append(dst, agent.Record{
			Position: agent.Position{Epoch: h.pos.Epoch, Seq: h.pos.Seq + agent.Seq(i)},
			Type:     agent.TypeReading, Reading: r, Undated: t.undated,
		})
	}
	if len(d.b) != 0 {
		return dst, fmt.Errorf("%w: %d bytes too many", errPack, len(d.b))
	}
	return dst, nil
}

func (d *decoder) value(r *agent.Reading, flags byte) bool {
	v, scale := d.varint(), pow10[flags>>readingScale&7]
	if hi, lo := bits.Mul64(abs(v), uint64(scale)); hi != 0 || lo > 1<<63 || (lo == 1<<63 && v > 0) {
		return false
	}
	r.Value = agent.Value(v * scale)
	r.Raw = r.Value
	if flags&readingRaw != 0 {
		r.Raw += agent.Value(d.varint())
	}
	return true
}

func abs(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func (h *packHead) instant(t timing, mono int64) agent.Instant {
	at := agent.Instant{Mono: time.Duration(mono) * time.Millisecond, Boot: h.boot, Trust: h.trust}
	if t.known {
		at.Wall = time.UnixMilli(mono + t.offset).UTC()
		at.Trust = t.trust
	}
	return at
}

// decoder reads from b and remembers whether it ever ran out.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		d.bad = true
		return make([]byte, n)
	}
	t := d.b[:n]
	d.b = d.b[n:]
	return t
}

func (d *decoder) take64(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	return d.take(int(n))
}

func (d *decoder) uvarint() uint64 {
	if len(d.b) > 0 && d.b[0] < 0x80 {
		v := d.b[0]
		d.b = d.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}
