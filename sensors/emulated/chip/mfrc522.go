package chip

import "time"

// MFRC522 models NXP's contactless reader on SPI (datasheet MFRC522, rev. 3.9: registers
// in section 9, commands in section 10), with ISO 14443A cards in its field. It knows
// what detecting and selecting cards needs; encryption and card memory are not modeled.
type MFRC522 struct {
	Wire
	now   Now
	cards []*Card
	onIRQ func()

	regs  [64]byte
	fifo  []byte
	timer time.Duration // when the running timeout ends
	timed bool
}

// The registers that do something.
const (
	rcCommand    = 0x01
	rcComIEn     = 0x02
	rcComIrq     = 0x04
	rcDivIrq     = 0x05
	rcError      = 0x06
	rcFIFOData   = 0x09
	rcFIFOLevel  = 0x0A
	rcControl    = 0x0C
	rcBitFraming = 0x0D
	rcColl       = 0x0E
	rcTxControl  = 0x14
	rcCRCHigh    = 0x21
	rcCRCLow     = 0x22
	rcTMode      = 0x2A
	rcTPrescaler = 0x2B
	rcTReloadH   = 0x2C
	rcTReloadL   = 0x2D
	rcVersion    = 0x37
)

// Bits of ComIrq and Error.
const (
	irqTimer, irqError, irqIdle, irqRx, irqTx = 0x01, 0x02, 0x10, 0x20, 0x40

	errCollision, errOverflow = 0x08, 0x10
)

// NewMFRC522 returns a reader of version 2.0 with an empty field.
func NewMFRC522(now Now) *MFRC522 {
	c := &MFRC522{now: now}
	c.powerUp = c.reset
	c.reset()
	return c
}

// Add brings a card with a UID of 4, 7 or 10 bytes into the field.
func (c *MFRC522) Add(uid ...byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cards = append(c.cards, newCard(uid))
}

// Remove takes the card with this UID out of the field.
func (c *MFRC522) Remove(uid ...byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.cards[:0]
	for _, card := range c.cards {
		if string(card.uid) != string(uid) {
			kept = append(kept, card)
		}
	}
	c.cards = kept
}

// OnIRQ sets what is called when the IRQ pin becomes active. It must not call the chip.
func (c *MFRC522) OnIRQ(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onIRQ = f
}

// Tx is one SPI transaction: bit 7 of the address byte reads, bits 6 to 1 are the register.
// A read clocks the value of each address byte out one byte later.
func (c *MFRC522) Tx(w, r []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unplugged {
		for i := range r {
			r[i] = 0xFF // the line floats; SPI has no acknowledge
		}
		return nil
	}
	if len(w) == 0 {
		return nil
	}
	if w[0]&0x80 == 0 {
		for _, v := range w[1:] {
			c.write(w[0]>>1&0x3F, v)
		}
		for i := range r {
			r[i] = 0
		}
		return nil
	}
	for i := range r {
		r[i] = 0
		if i > 0 && i <= len(w) && w[i-1]&0x80 != 0 {
			r[i] = c.read(w[i-1] >> 1 & 0x3F)
		}
	}
	c.answered(r)
	return nil
}

func (c *MFRC522) reset() {
	c.regs = [64]byte{rcCommand: 0x20, rcComIrq: 0x14, rcControl: 0x10, rcColl: 0xA0, rcTxControl: 0x80, rcVersion: 0x92}
	c.fifo, c.timed = nil, false
	for _, card := range c.cards {
		card.powerOff()
	}
}

func (c *MFRC522) read(reg byte) byte {
	c.tick()
	switch reg {
	case rcFIFOData:
		if len(c.fifo) == 0 {
			return 0
		}
		b := c.fifo[0]
		c.fifo = c.fifo[1:]
		return b
	case rcFIFOLevel:
		return byte(len(c.fifo))
	}
	return c.regs[reg]
}

func (c *MFRC522) write(reg, v byte) {
	c.tick()
	switch reg {
	case rcCommand:
		c.command(v)
	case rcComIrq, rcDivIrq: // bit 7 says whether the marked bits are set or cleared
		if v&0x80 != 0 {
			c.regs[reg] |= v & 0x7F
		} else {
			c.regs[reg] &^= v
		}
	case rcFIFOData:
		if len(c.fifo) == 64 {
			c.regs[rcError] |= errOverflow
			return
		}
		c.fifo = append(c.fifo, v)
	case rcFIFOLevel:
		if v&0x80 != 0 {
			c.fifo = nil
			c.regs[rcError] &^= errOverflow
		}
	case rcBitFraming:
		c.regs[reg] = v & 0x7F
		if v&0x80 != 0 && c.regs[rcCommand]&0x0F == 0x0C {
			c.transceive()
		}
	case rcTxControl:
		c.regs[reg] = v
		if v&3 != 3 {
			for _, card := range c.cards {
				card.powerOff()
			}
		}
	case rcError, rcVersion, rcCRCHigh, rcCRCLow:
		// read only
	default:
		c.regs[reg] = v
	}
}

func (c *MFRC522) command(v byte) {
	switch v & 0x0F {
	case 0x0F:
		c.reset()
		return
	case 0x03: // CalcCRC over the FIFO
		crc := crcA(c.fifo)
		c.fifo = nil
		c.regs[rcCRCLow], c.regs[rcCRCHigh] = byte(crc), byte(crc>>8)
		c.regs[rcDivIrq] |= 0x04
		v &^= 0x0F
	case 0x00:
		c.timed = false
	}
	c.regs[rcCommand] = v
}

// transceive sends what is in the FIFO to the cards and puts the answer there.
func (c *MFRC522) transceive() {
	sent, lastBits := c.fifo, int(c.regs[rcBitFraming]&7)
	c.fifo = nil
	c.regs[rcError] = 0
	c.raise(irqTx)
	var answer []byte // one bit an element
	collision := -1
	if c.regs[rcTxControl]&3 == 3 {
		answer, collision = c.exchange(sent, lastBits)
	}
	if answer == nil {
		if c.regs[rcTMode]&0x80 != 0 {
			c.timer, c.timed = c.now()+c.timeout(), true
		}
		return
	}
	align := int(c.regs[rcBitFraming] >> 4 & 7)
	if collision >= 0 {
		c.regs[rcError] |= errCollision
		at := sentBits(sent, lastBits) + collision + 1
		c.regs[rcColl] = c.regs[rcColl]&0x80 | byte(at&0x1F)
		if at > 32 {
			c.regs[rcColl] |= 0x20 // position not valid
		}
		for i := collision; i < len(answer); i++ {
			answer[i] = 0 // ValuesAfterColl is not modeled as 1
		}
	} else {
		c.regs[rcColl] = c.regs[rcColl]&0x80 | 0x20
	}
	total := align + len(answer)
	c.fifo = make([]byte, (total+7)/8)
	for i, bit := range answer {
		c.fifo[(align+i)/8] |= bit << ((align + i) % 8)
	}
	c.regs[rcControl] = c.regs[rcControl]&^7 | byte(total%8)
	c.raise(irqRx)
}

// sentBits is how many bits of a UID an anticollision frame already names.
func sentBits(sent []byte, lastBits int) int {
	if len(sent) < 2 || sent[0] != 0x93 && sent[0] != 0x95 && sent[0] != 0x97 {
		return 0
	}
	bits := (len(sent) - 2) * 8
	if lastBits > 0 {
		bits += lastBits - 8
	}
	return bits
}

// exchange gives a frame to all cards and overlays their answers; collision is the first
// bit in which they differ, or -1.
func (c *MFRC522) exchange(frame []byte, lastBits int) (answer []byte, collision int) {
	collision = -1
	for _, card := range c.cards {
		a := card.answer(frame, lastBits)
		switch {
		case a == nil:
		case answer == nil:
			answer = a
		default:
			for i := range min(len(a), len(answer)) {
				if a[i] != answer[i] && (collision < 0 || i < collision) {
					collision = i
				}
			}
		}
	}
	return answer, collision
}

// timeout is (prescaler·2+1)·(reload+1) periods of 13.56 MHz.
func (c *MFRC522) timeout() time.Duration {
	prescaler := int64(c.regs[rcTMode]&0x0F)<<8 | int64(c.regs[rcTPrescaler])
	reload := int64(c.regs[rcTReloadH])<<8 | int64(c.regs[rcTReloadL])
	return time.Duration((prescaler*2 + 1) * (reload + 1) * 100_000 / 1356)
}

func (c *MFRC522) tick() {
	if c.timed && c.now() >= c.timer {
		c.timed = false
		c.raise(irqTimer)
	}
}

func (c *MFRC522) raise(irq byte) {
	c.regs[rcComIrq] |= irq
	if c.onIRQ != nil && c.regs[rcComIEn]&irq != 0 {
		c.onIRQ()
	}
}
