package store

import (
	"encoding/binary"
	"io"
	"os"
)

// carve looks for packs in a damaged database file or WAL page by page, without its
// b-trees: on every table leaf (https://sqlite.org/fileformat2.html#b_tree_pages) it tries
// each cell as a row of log. A pack proves itself by its checksum. Packs that spill over
// into other pages are not found.
func carve(path string, isWAL bool, fn func(id int64, body []byte)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	skip := 0
	if isWAL {
		skip = frameHeaderSize
		if _, err := f.Seek(walHeaderSize, io.SeekStart); err != nil {
			return err
		}
	}
	buf := make([]byte, skip+pageSize)
	for {
		if _, err := io.ReadFull(f, buf); err != nil {
			return nil //nolint:nilerr // the end, or as far as the disk gives anything
		}
		carvePage(buf[skip:], fn)
	}
}

func carvePage(page []byte, fn func(id int64, body []byte)) {
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
		if id, body, ok := carveCell(page[start:]); ok {
			if h, _, err := decodeHead(body); err == nil && h.n > 0 {
				fn(id, append([]byte(nil), body...))
			}
		}
	}
}

// carveCell reads a cell as a row (NULL for the rowid, kind, n, body) of log.
func carveCell(b []byte) (id int64, body []byte, ok bool) {
	d := recordReader{b: b}
	size, id := d.varint(), d.varint()
	if d.bad || size < 0 || size > int64(len(d.b)) {
		return 0, nil, false
	}
	d.b = d.b[:size]
	all := len(d.b)
	headSize := d.varint()
	if d.bad || headSize < 5 || headSize > int64(all) {
		return 0, nil, false
	}
	var types [4]int64
	for i := range types {
		types[i] = d.varint()
	}
	if d.bad || all-len(d.b) != int(headSize) || types[0] != 0 {
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
