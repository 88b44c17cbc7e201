package store

import (
	"encoding/binary"
	"os"
)

// carve looks for packs in a damaged database file or WAL page by page, without its
// b-trees: on every table leaf (https://sqlite.org/fileformat2.html#b_tree_pages) it tries
// each cell as a row of log, following it through its overflow pages. A pack proves itself
// by its checksum, so guesses do no harm.
func carve(path string, isWAL bool, fn func(id int64, body []byte)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c := carver{f: f, fn: fn, frames: map[uint32]int64{}}
	if isWAL {
		c.begin, c.skip = walHeaderSize, frameHeaderSize
	}
	buf := make([]byte, c.skip+pageSize)
	for at := c.begin; ; at += int64(len(buf)) {
		if _, err := f.ReadAt(buf, at); err != nil {
			break // the end, or as far as the disk gives anything
		}
		if isWAL {
			c.frames[binary.BigEndian.Uint32(buf)] = at + int64(c.skip) // overflow pages come before the leaf or with it
		}
	}
	for at := c.begin; ; at += int64(len(buf)) {
		if _, err := f.ReadAt(buf, at); err != nil {
			return nil //nolint:nilerr // as above
		}
		c.page(buf[c.skip:])
	}
}

type carver struct {
	f      *os.File
	begin  int64
	skip   int
	frames map[uint32]int64 // WAL: where a page's last image begins
	fn     func(id int64, body []byte)
}

func (c *carver) page(page []byte) {
	const tableLeaf = 0x0d
	if page[0] != tableLeaf {
		return
	}
	cells := int(binary.BigEndian.Uint16(page[3:]))
	for i := range cells {
		at := 8 + 2*i
		if at+2 > len(page) {
			return
		}
		start := int(binary.BigEndian.Uint16(page[at:]))
		if start < 8 || start >= len(page) {
			continue
		}
		if id, body, ok := c.cell(page[start:]); ok {
			if h, _, err := decodeHead(body); err == nil && h.n > 0 {
				c.fn(id, append([]byte(nil), body...))
			}
		}
	}
}

// cell reads a cell as a row (NULL for the rowid, kind, n, body) of log.
func (c *carver) cell(b []byte) (id int64, body []byte, ok bool) {
	const most = 1 << 24 // no pack is larger
	r := recordReader{b: b}
	size, id := r.varint(), r.varint()
	if r.bad || size < 5 || size > most {
		return 0, nil, false
	}
	payload, ok := c.payload(r.b, int(size))
	if !ok {
		return 0, nil, false
	}
	d := recordReader{b: payload}
	headSize := d.varint()
	if d.bad || headSize < 5 || headSize > size {
		return 0, nil, false
	}
	var types [4]int64
	for i := range types {
		types[i] = d.varint()
	}
	if d.bad || len(payload)-len(d.b) != int(headSize) || types[0] != 0 {
		return 0, nil, false
	}
	for _, t := range types[1:3] {
		size, isInt := intSize(t)
		if !isInt || size > len(d.b) {
			return 0, nil, false
		}
		d.b = d.b[size:]
	}
	if t := types[3]; t < 12 || t%2 != 0 || (t-12)/2 != int64(len(d.b)) {
		return 0, nil, false
	}
	return id, d.b, true
}

// payload collects a cell's payload from its page and its overflow pages. How much stays on
// the leaf: https://sqlite.org/fileformat2.html#cell_payload_overflow_pages
func (c *carver) payload(b []byte, size int) ([]byte, bool) {
	const usable = pageSize
	if size <= usable-35 {
		return b[:min(size, len(b))], size <= len(b)
	}
	local := (usable-12)*32/255 - 23
	if k := local + (size-local)%(usable-4); k <= usable-35 {
		local = k
	}
	if local+4 > len(b) {
		return nil, false
	}
	payload := append(make([]byte, 0, size), b[:local]...)
	next := binary.BigEndian.Uint32(b[local:])
	buf := make([]byte, pageSize)
	for len(payload) < size {
		at, ok := c.frames[next]
		if c.skip == 0 {
			at, ok = (int64(next)-1)*pageSize, next > 0
		}
		if !ok {
			return nil, false
		}
		if _, err := c.f.ReadAt(buf, at); err != nil {
			return nil, false
		}
		next = binary.BigEndian.Uint32(buf)
		payload = append(payload, buf[4:min(len(buf), 4+size-len(payload))]...)
	}
	return payload, true
}

// intSize is the size of an integer of a serial type.
func intSize(t int64) (int, bool) {
	sizes := [...]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
	if t < 1 || t == 7 || t >= int64(len(sizes)) {
		return 0, false
	}
	return sizes[t], true
}

// recordReader reads SQLite's big-endian varints.
type recordReader struct {
	b   []byte
	bad bool
}

func (r *recordReader) varint() int64 {
	var v uint64
	for i := range 9 {
		if i >= len(r.b) {
			r.bad = true
			return 0
		}
		c := r.b[i]
		if i == 8 {
			v = v<<8 | uint64(c)
			r.b = r.b[9:]
			return int64(v)
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			r.b = r.b[i+1:]
			return int64(v)
		}
	}
	return 0
}
