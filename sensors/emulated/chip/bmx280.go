package chip

import (
	"encoding/binary"
	"time"

	"github.com/frostline/frostline/agent"
)

// BMx280 models Bosch's BME280 and BMP280 on I²C (datasheets BST-BME280-DS002 and
// BST-BMP280-DS001: memory map in section 5.3 and 4.2, durations in section 9.1).
type BMx280 struct {
	Wire
	probe Probe
	now   Now
	humid bool // a BME280
	trim  trim

	regs    [256]byte
	ctrlHum byte          // takes effect with the next write of ctrl_meas
	booted  time.Duration // trimming data is copied until then
	ready   time.Duration // end of the running measurement
	next    []byte        // the data registers at ready
}

// The registers.
const (
	bmxCalib0   = 0x88
	bmxH1       = 0xA1
	bmxID       = 0xD0
	bmxReset    = 0xE0
	bmxCalib1   = 0xE1
	bmxCtrlHum  = 0xF2
	bmxStatus   = 0xF3
	bmxCtrlMeas = 0xF4
	bmxConfig   = 0xF5
	bmxData     = 0xF7
)

// NewBME280 returns a chip that measures temperature, humidity and pressure.
func NewBME280(probe Probe, now Now) *BMx280 { return newBMx280(probe, now, true) }

// NewBMP280 returns a chip that measures temperature and pressure.
func NewBMP280(probe Probe, now Now) *BMx280 { return newBMx280(probe, now, false) }

func newBMx280(probe Probe, now Now, humid bool) *BMx280 {
	c := &BMx280{probe: probe, now: now, humid: humid, trim: typicalTrim}
	c.powerUp = c.reset
	c.reset()
	return c
}

// Retrim gives the chip the trimming values of another one, as if it had been exchanged.
func (c *BMx280) Retrim(t1 uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trim.T1 = t1
	c.reset()
}

// Tx is one I²C transaction addressed to the chip.
func (c *BMx280) Tx(w, r []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unplugged {
		return ErrNACK
	}
	c.settle()
	if len(w) == 0 {
		return ErrNACK
	}
	for pairs := w; len(pairs) >= 2; pairs = pairs[2:] {
		c.write(pairs[0], pairs[1])
	}
	if len(r) == 0 {
		return nil
	}
	if len(w)%2 == 0 {
		return ErrNACK // a read needs the register's address
	}
	reg := int(w[len(w)-1])
	for i := range r {
		r[i] = c.regs[(reg+i)&0xFF]
	}
	c.answered(r)
	return nil
}

func (c *BMx280) reset() {
	c.regs = [256]byte{}
	c.regs[bmxID] = 0x58
	c.trim.store(&c.regs, c.humid)
	copy(c.regs[bmxData:], []byte{0x80, 0, 0, 0x80, 0, 0}) // "not measured"
	if c.humid {
		c.regs[bmxID] = 0x60
		c.regs[bmxData+6] = 0x80
	}
	c.ctrlHum, c.next = 0, nil
	c.booted = c.now() + 2*time.Millisecond
}

// settle brings the registers up to now.
func (c *BMx280) settle() {
	now := c.now()
	c.regs[bmxStatus] = 0
	if now < c.booted {
		c.regs[bmxStatus] |= 0x01 // im_update
	}
	if c.next == nil {
		return
	}
	if now < c.ready {
		c.regs[bmxStatus] |= 0x08 // measuring
		return
	}
	copy(c.regs[bmxData:], c.next)
	c.next = nil
	if c.regs[bmxCtrlMeas]&3 == 3 {
		c.measure() // normal mode goes on
	} else {
		c.regs[bmxCtrlMeas] &^= 3 // back to sleep
	}
}

func (c *BMx280) write(reg, v byte) {
	switch reg {
	case bmxReset:
		if v == 0xB6 {
			c.reset()
		}
	case bmxCtrlHum:
		if c.humid {
			c.regs[reg] = v & 7
		}
	case bmxConfig:
		c.regs[reg] = v
	case bmxCtrlMeas:
		c.regs[reg] = v
		c.ctrlHum = c.regs[bmxCtrlHum]
		c.next = nil
		if v&3 != 0 {
			c.measure()
		}
	}
	c.settle()
}

func (c *BMx280) measure() {
	ctrl := c.regs[bmxCtrlMeas]
	osT, osP, osH := oversampling(ctrl>>5), oversampling(ctrl>>2&7), oversampling(c.ctrlHum)
	t, p, h := uint32(0x80000), uint32(0x80000), uint32(0x8000)
	d := 1250 * time.Microsecond
	fine := 0.0
	if osT > 0 {
		t = c.trim.rawTemperature(c.probe(agent.Temperature))
		fine = c.trim.fine(t)
		d += osT * 2300 * time.Microsecond
	}
	if osP > 0 {
		p = c.trim.rawPressure(fine, c.probe(agent.Pressure)*100)
		d += osP*2300*time.Microsecond + 575*time.Microsecond
	}
	if osH > 0 {
		h = c.trim.rawHumidity(fine, c.probe(agent.Humidity))
		d += osH*2300*time.Microsecond + 575*time.Microsecond
	}
	c.next = []byte{byte(p >> 12), byte(p >> 4), byte(p << 4), byte(t >> 12), byte(t >> 4), byte(t << 4)}
	if c.humid {
		c.next = append(c.next, byte(h>>8), byte(h))
	}
	c.ready = max(c.now(), c.booted) + d
}

func oversampling(bits byte) time.Duration {
	switch bits {
	case 0:
		return 0
	case 1, 2, 3, 4:
		return 1 << (bits - 1)
	}
	return 16
}

// trim is a chip's trimming data, as burnt in at the factory.
type trim struct {
	T1     uint16
	T2, T3 int16
	P1     uint16
	P      [8]int16 // P2 … P9
	H1     byte
	H2     int16
	H3     byte
	H4, H5 int16 // 12 bits
	H6     int8
}

// typicalTrim is that of a real BME280 (the register dump in periph's bmxx80 tests).
var typicalTrim = trim{
	T1: 28176, T2: 26220, T3: 350,
	P1: 38237, P: [8]int16{-10824, 3024, 7799, -99, -7, 9900, -10230, 4285},
	H1: 75, H2: 366, H3: 0, H4: 309, H5: 0, H6: 30,
}

func (t *trim) store(regs *[256]byte, humid bool) {
	le := binary.LittleEndian
	le.PutUint16(regs[0x88:], t.T1)
	le.PutUint16(regs[0x8A:], uint16(t.T2))
	le.PutUint16(regs[0x8C:], uint16(t.T3))
	le.PutUint16(regs[0x8E:], t.P1)
	for i, p := range t.P {
		le.PutUint16(regs[0x90+2*i:], uint16(p))
	}
	if !humid {
		return
	}
	regs[bmxH1] = t.H1
	le.PutUint16(regs[bmxCalib1:], uint16(t.H2))
	regs[0xE3] = t.H3
	regs[0xE4] = byte(t.H4 >> 4)
	regs[0xE5] = byte(t.H4&0xF) | byte(t.H5<<4)
	regs[0xE6] = byte(t.H5 >> 4)
	regs[0xE7] = byte(t.H6)
}

// The chip converts physics to codes; the published formulas (appendix 8.1, floating
// point) go the other way and are monotonic, so a code is found by halving.

func (t *trim) rawTemperature(celsius float64) uint32 {
	return firstCode(20, func(adc uint32) bool { return t.fine(adc)/5120 >= celsius })
}

func (t *trim) rawPressure(fine, pascal float64) uint32 { // falls with the code
	return firstCode(20, func(adc uint32) bool { return t.pascal(fine, adc) <= pascal })
}

func (t *trim) rawHumidity(fine, percent float64) uint32 {
	return firstCode(16, func(adc uint32) bool { return t.percent(fine, adc) >= percent })
}

// firstCode is the smallest code of so many bits for which reached holds.
func firstCode(bits int, reached func(uint32) bool) uint32 {
	low, high := uint32(0), uint32(1)<<bits-1
	for low < high {
		mid := low + (high-low)/2
		if reached(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

func (t *trim) fine(adc uint32) float64 {
	a := float64(adc)/16384 - float64(t.T1)/1024
	b := float64(adc)/131072 - float64(t.T1)/8192
	return a*float64(t.T2) + b*b*float64(t.T3)
}

func (t *trim) pascal(fine float64, adc uint32) float64 {
	p := func(n int) float64 { return float64(t.P[n-2]) }
	a := fine/2 - 64000
	b := a * a * p(6) / 32768
	b += a * p(5) * 2
	b = b/4 + p(4)*65536
	a = (p(3)*a*a/524288 + p(2)*a) / 524288
	a = (1 + a/32768) * float64(t.P1)
	x := (1048576 - float64(adc) - b/4096) * 6250 / a
	return x + (p(9)*x*x/2147483648+x*p(8)/32768+p(7))/16
}

func (t *trim) percent(fine float64, adc uint32) float64 {
	x := fine - 76800
	x = (float64(adc) - (float64(t.H4)*64 + float64(t.H5)/16384*x)) *
		(float64(t.H2) / 65536 * (1 + float64(t.H6)/67108864*x*(1+float64(t.H3)/67108864*x)))
	return x * (1 - float64(t.H1)*x/524288)
}
