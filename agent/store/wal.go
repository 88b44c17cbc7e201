package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// The WAL's format: https://sqlite.org/fileformat2.html#the_write_ahead_log
const (
	walHeaderSize   = 32
	frameHeaderSize = 24
	walMagic        = 0x377f0682 // or with the lowest bit set: checksums over big-endian words
)

// checkWAL finds a WAL in which committed transactions follow a frame that does not check.
// SQLite would drop them without a word. One commit after the bad frame is what a power cut
// in the middle of a commit leaves behind; two are not: each commit is synced before the
// next begins.
func checkWAL(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	header := make([]byte, walHeaderSize)
	if _, err := io.ReadFull(f, header); err != nil {
		return nil //nolint:nilerr // shorter than a header: nothing was ever committed to it
	}
	w, ok := parseWALHeader(header)
	frame := make([]byte, frameHeaderSize+w.page)
	good, commits := ok, 0
	frames := 0
	for {
		if _, err := io.ReadFull(f, frame); err != nil {
			break // the end, or half a frame
		}
		frames++
		if !ok {
			continue
		}
		if good && w.check(frame) {
			continue
		}
		good = false
		if w.ours(frame) && binary.BigEndian.Uint32(frame[4:]) != 0 {
			commits++
		}
	}
	switch {
	case !ok && frames > 1 && !zero(header):
		return fmt.Errorf("%w: the WAL's header does not check", errDamaged)
	case commits >= 2:
		return fmt.Errorf("%w: %d commits in the WAL follow a frame that does not check", errDamaged, commits)
	}
	return nil
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// walState is a WAL's running checksum.
type walState struct {
	page   int
	order  binary.ByteOrder
	salts  [8]byte
	s0, s1 uint32
}

func parseWALHeader(h []byte) (w walState, ok bool) {
	w.page = pageSize
	magic := binary.BigEndian.Uint32(h)
	if magic&^1 != walMagic {
		return w, false
	}
	w.order = binary.LittleEndian
	if magic&1 != 0 {
		w.order = binary.BigEndian
	}
	if page := binary.BigEndian.Uint32(h[8:]); page >= 512 && page <= 65536 && page&(page-1) == 0 {
		w.page = int(page)
	}
	copy(w.salts[:], h[16:24])
	w.sum(h[:24])
	return w, w.s0 == binary.BigEndian.Uint32(h[24:]) && w.s1 == binary.BigEndian.Uint32(h[28:])
}

func (w *walState) sum(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		w.s0 += w.order.Uint32(b) + w.s1
		w.s1 += w.order.Uint32(b[4:]) + w.s0
	}
}

func (w *walState) ours(frame []byte) bool { return string(frame[8:16]) == string(w.salts[:]) }

func (w *walState) check(frame []byte) bool {
	if !w.ours(frame) {
		return false
	}
	w.sum(frame[:8])
	w.sum(frame[frameHeaderSize:])
	return w.s0 == binary.BigEndian.Uint32(frame[16:]) && w.s1 == binary.BigEndian.Uint32(frame[20:])
}
