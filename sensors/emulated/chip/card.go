package chip

import "slices"

// Card is an ISO 14443A card: request, anticollision and selection in up to three
// cascade levels, and halt.
type Card struct {
	uid   []byte
	state cardState
	level int
	woken bool // out of halt: it falls back to halt, not to idle
}

type cardState uint8

const (
	cardIdle cardState = iota
	cardReady
	cardActive
	cardHalted
)

func newCard(uid []byte) *Card { return &Card{uid: slices.Clone(uid)} }

func (c *Card) powerOff() { *c = Card{uid: c.uid} }

// part is the five bytes of a cascade level: four of the UID, or the cascade tag 0x88 and
// three, and their exclusive or.
func (c *Card) part(level int) (p [5]byte, last bool) {
	rest := c.uid[min(3*level, len(c.uid)):]
	if last = len(rest) <= 4; last {
		copy(p[:4], rest)
	} else {
		p[0] = 0x88
		copy(p[1:4], rest)
	}
	p[4] = p[0] ^ p[1] ^ p[2] ^ p[3]
	return p, last
}

// answer is what the card sends in reply to a frame whose last byte has lastBits bits
// (0: all eight), one bit an element; nil for silence.
func (c *Card) answer(frame []byte, lastBits int) []byte {
	if len(frame) == 1 && lastBits == 7 {
		return c.request(frame[0])
	}
	if len(frame) < 2 {
		return nil
	}
	level := slices.Index([]byte{0x93, 0x95, 0x97}, frame[0])
	switch {
	case frame[0] == 0x50 && frame[1] == 0 && c.state == cardActive:
		c.state = cardHalted
	case level < 0 || c.state != cardReady || level != c.level:
		c.fallBack()
	case frame[1] == 0x70:
		return c.chosen(frame)
	default:
		return c.collide(frame, lastBits)
	}
	return nil
}

func (c *Card) request(command byte) []byte {
	switch {
	case c.state == cardReady || c.state == cardActive:
		c.fallBack()
		return nil
	case command == 0x26 && c.state == cardIdle, command == 0x52:
		c.woken = c.state == cardHalted
		c.state, c.level = cardReady, 0
		return bitsOf([]byte{0x04 | byte(len(c.uid)-4)/3<<6, 0})
	}
	return nil
}

func (c *Card) chosen(frame []byte) []byte {
	part, last := c.part(c.level)
	if len(frame) != 9 || !slices.Equal(frame[2:7], part[:]) || crcA(frame[:7]) != uint16(frame[7])|uint16(frame[8])<<8 {
		c.fallBack()
		return nil
	}
	sak := []byte{0x08}
	if last {
		c.state = cardActive
	} else {
		sak[0] = 0x04
		c.level++
	}
	crc := crcA(sak)
	return bitsOf(append(sak, byte(crc), byte(crc>>8)))
}

func (c *Card) collide(frame []byte, lastBits int) []byte {
	part, _ := c.part(c.level)
	mine := bitsOf(part[:])
	known := bitsOf(frame[2:])
	if lastBits > 0 && len(known) > 0 {
		known = known[:len(known)-8+lastBits]
	}
	if len(known) >= 40 || !slices.Equal(known, mine[:len(known)]) {
		return nil
	}
	return mine[len(known):]
}

func (c *Card) fallBack() {
	switch {
	case c.state == cardHalted:
	case c.woken:
		c.state = cardHalted
	default:
		c.state = cardIdle
	}
}

func bitsOf(b []byte) []byte {
	bits := make([]byte, 0, 8*len(b))
	for _, x := range b {
		for i := range 8 {
			bits = append(bits, x>>i&1)
		}
	}
	return bits
}

// crcA is ISO 14443A's checksum: polynomial 0x1021 reflected, initial value 0x6363.
func crcA(b []byte) uint16 {
	crc := uint16(0x6363)
	for _, x := range b {
		crc ^= uint16(x)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8408
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
