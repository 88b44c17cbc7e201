package barcode

import "unicode/utf8"

// longest is more than any symbology holds (QR code: 7 089 digits).
const longest = 8192

// code is what arrived between two terminators.
type code struct {
	text   string
	broken bool // cut off or too long: what there is of it must not be used
}

// splitter cuts a stream of bytes into codes. Its memory is bounded by longest.
type splitter struct {
	end  Terminator
	buf  []byte
	over bool // the code is too long; the rest of it is skipped
	cr   bool // the last byte was a CR, which ends a code if LF follows (crlf only)
	done []code
}

// open reports whether a code has begun.
func (s *splitter) open() bool { return len(s.buf) > 0 || s.over || s.cr }

// flush returns the codes that are complete.
func (s *splitter) flush() []code {
	done := s.done
	s.done = nil
	return done
}

// take takes the next byte.
func (s *splitter) take(b byte) {
	if s.cr { // crlf: a CR alone is part of the code, which is not readable then
		s.cr = false
		if b == '\n' {
			s.finish(false)
			return
		}
		s.add('\r')
	}
	switch {
	case s.end == CRLF && b == '\r':
		s.cr = true
	case s.end == CR && b == '\r', s.end == LF && b == '\n', s.end == Either && (b == '\r' || b == '\n'):
		s.finish(false)
	default:
		s.add(b)
	}
}

// silence is a gap: with a terminator it cuts the code off, without one it ends it.
func (s *splitter) silence() {
	s.cr = false
	s.finish(s.end != None)
}

func (s *splitter) add(b byte) {
	if len(s.buf) >= longest {
		s.over = true
		return
	}
	s.buf = append(s.buf, b)
}

// finish ends the code. An empty one is nothing: two terminators in a row.
func (s *splitter) finish(cutOff bool) {
	if len(s.buf) > 0 {
		c := code{broken: cutOff || s.over}
		if !c.broken {
			c.text = string(s.buf)
		}
		s.done = append(s.done, c)
	}
	s.buf, s.over = s.buf[:0], false
}

// readable reports whether a code consists of what barcodes hold: text, and the separators
// of GS1 (GS) and of ISO/IEC 15434 (RS, FS, EOT).
func readable(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		switch {
		case r == 0x1D, r == 0x1E, r == 0x1C, r == 0x04:
		case r < 0x20, r >= 0x7F && r < 0xA0:
			return false
		}
	}
	return true
}
