package chip

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// SHT4x models Sensirion's SHT40, SHT41 and SHT45 (datasheet "SHT4x", version 6: commands
// in table 8, durations in table 5, checksum in section 4.4).
type SHT4x struct {
	Wire
	probe  Probe
	now    Now
	serial uint32

	answer []byte        // what the next read gets; nil: nothing
	ready  time.Duration // until then nothing is acknowledged
}

// NewSHT4x returns a chip that measures temperature and humidity.
func NewSHT4x(probe Probe, now Now, serial uint32) *SHT4x {
	c := &SHT4x{probe: probe, now: now, serial: serial}
	c.powerUp = func() { c.answer, c.ready = nil, c.now()+time.Millisecond }
	return c
}

// Tx is one I²C transaction addressed to the chip.
func (c *SHT4x) Tx(w, r []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unplugged || c.now() < c.ready {
		return ErrNACK
	}
	if len(w) > 0 {
		if err := c.command(w); err != nil {
			return err
		}
	}
	if len(r) == 0 {
		return nil
	}
	if c.answer == nil || c.now() < c.ready {
		return ErrNACK
	}
	n := copy(r, c.answer)
	for i := n; i < len(r); i++ {
		r[i] = 0xFF // nobody pulls the line down
	}
	c.answer = nil
	c.answered(r)
	return nil
}

func (c *SHT4x) command(w []byte) error {
	if len(w) != 1 {
		return ErrNACK
	}
	c.answer = nil
	switch w[0] {
	case 0xFD:
		c.measure(8300 * time.Microsecond)
	case 0xF6:
		c.measure(4500 * time.Microsecond)
	case 0xE0:
		c.measure(1600 * time.Microsecond)
	case 0x89:
		c.answer = twoWords(uint16(c.serial>>16), uint16(c.serial))
	case 0x94:
		c.ready = c.now() + time.Millisecond
	default:
		return ErrNACK
	}
	return nil
}

func (c *SHT4x) measure(d time.Duration) {
	t := code(c.probe(agent.Temperature), -45, 175, 0xFFFF)
	h := code(c.probe(agent.Humidity), -6, 125, 0xFFFF)
	c.answer = twoWords(uint16(t), uint16(h))
	c.ready = c.now() + d
}

func twoWords(a, b uint16) []byte {
	x := []byte{byte(a >> 8), byte(a), 0, byte(b >> 8), byte(b), 0}
	x[2], x[5] = crc8Sensirion(x[0:2]), crc8Sensirion(x[3:5])
	return x
}

// crc8Sensirion is polynomial 0x31, initial value 0xFF, most significant bit first.
func crc8Sensirion(b []byte) byte {
	crc := byte(0xFF)
	for _, x := range b {
		crc ^= x
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x31
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
