package chip

import (
	"math"
	"time"

	"github.com/frostline/frostline/agent"
)

// DS18B20 models Maxim's 1-Wire thermometer (datasheet DS18B20, 19-7487): ROM commands,
// scratchpad, conversion time by resolution, the power-on value 85 °C, and the code
// 0x07FF of a conversion that had too little power.
type DS18B20 struct {
	Wire
	probe Probe
	now   Now
	rom   [8]byte

	scratch  [9]byte
	eeprom   [3]byte // TH, TL, configuration
	parasite bool    // takes its power from the data line
	weak     bool    // its supply is too weak for a conversion

	converting bool
	fed        bool // has enough power for the running conversion
	done       time.Duration
	celsius    float64

	state slaveState
	in    []byte // bytes received in this state
	bits  int    // slots used in this state
	cur   byte
	out   []byte // what read slots give, byte by byte
	inROM bool   // a search has both bit and complement to give
}

type slaveState uint8

const (
	idle slaveState = iota // until the next reset
	romCommand
	matching
	searching
	function
	writing
	sending
	working // read slots give 0 until the conversion is done
)

// atOnce is how many read slots come right after a command: eight take half a millisecond,
// and the shortest conversion 94 ms.
const atOnce = 8

// ROM makes a DS18B20's 64-bit identity from its 48-bit serial number: family 0x28,
// serial with the lowest byte first, checksum.
func ROM(serial uint64) (rom [8]byte) {
	rom[0] = 0x28
	for i := range 6 {
		rom[1+i] = byte(serial >> (8 * i))
	}
	rom[7] = crc8Dallas(rom[:7])
	return rom
}

// NewDS18B20 returns a thermometer with 12 bits of resolution and external power.
func NewDS18B20(probe Probe, now Now, serial uint64) *DS18B20 {
	d := &DS18B20{probe: probe, now: now, rom: ROM(serial), eeprom: [3]byte{0x4B, 0x46, 0x7F}}
	d.powerUp = d.reboot
	d.reboot()
	return d
}

// Parasite makes the thermometer take its power from the data line, or not.
func (d *DS18B20) Parasite(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parasite = on
}

// Underpower makes its supply too weak for conversions, as a long thin cable does.
func (d *DS18B20) Underpower(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.weak = on
}

// Brownout resets the thermometer as a dip of its supply does: its next scratchpad holds
// the power-on value.
func (d *DS18B20) Brownout() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reboot()
}

// Resolution sets 9 to 12 bits, in EEPROM and scratchpad.
func (d *DS18B20) Resolution(bits int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.eeprom[2] = byte(bits-9)<<5 | 0x1F
	d.scratch[4] = d.eeprom[2]
}

// W1Slave is the text of the Linux kernel's file w1_slave after a conversion: the
// scratchpad twice, the checksum's verdict and the temperature in millidegrees. ok is
// false if the thermometer is unplugged.
func (d *DS18B20) W1Slave() (text []byte, ok bool) {
	if !d.Reset() {
		return nil, false
	}
	for _, b := range []byte{0xCC, 0x44} {
		d.writeByte(b)
	}
	d.Power(true)
	d.mu.Lock()
	d.finish(d.done)
	d.mu.Unlock()
	if !d.Reset() {
		return nil, false
	}
	for _, b := range []byte{0xCC, 0xBE} {
		d.writeByte(b)
	}
	var pad [9]byte
	for i := range pad {
		for bit := range 8 {
			pad[i] |= d.Read() << bit
		}
	}
	return w1Text(pad), true
}

func (d *DS18B20) writeByte(b byte) {
	for i := range 8 {
		d.Write(b >> i & 1)
	}
}

func (d *DS18B20) reboot() {
	d.scratch = [9]byte{0x50, 0x05, d.eeprom[0], d.eeprom[1], d.eeprom[2], 0xFF, 0x0C, 0x10}
	d.converting, d.state = false, idle
}

// Reset is a reset pulse on the line.
func (d *DS18B20) Reset() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unplugged {
		return false
	}
	d.enter(romCommand)
	return true
}

// Power says whether the strong pull-up is on now.
func (d *DS18B20) Power(strong bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state == working && d.bits == 0 {
		d.fed = !d.weak && (!d.parasite || strong)
	}
}

// Write is a write slot.
func (d *DS18B20) Write(bit byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unplugged {
		return
	}
	switch d.state {
	case idle, sending, working:
		return
	case searching:
		n := d.bits / 3
		d.bits++
		switch {
		case d.romBit(n) != bit&1:
			d.enter(idle)
		case n == 63:
			d.enter(function)
		}
		return
	}
	d.cur |= bit & 1 << (d.bits % 8)
	d.bits++
	if d.bits%8 == 0 {
		b := d.cur
		d.cur = 0
		d.in = append(d.in, b)
		d.received(b)
	}
}

// Read is a read slot.
func (d *DS18B20) Read() byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unplugged {
		return 1
	}
	switch d.state {
	case searching:
		n, complement := d.bits/3, byte(d.bits%3)
		d.bits++
		return d.romBit(n) ^ complement&1
	case sending:
		n := d.bits / 8
		if n >= len(d.out) {
			return 1
		}
		if d.bits%8 == 0 {
			d.cur = d.out[n]
			one := []byte{d.cur}
			d.answered(one)
			d.cur = one[0]
		}
		bit := d.cur >> (d.bits % 8) & 1
		d.bits++
		return bit
	case working:
		// A master that looks at once always finds it at work, also where the time between two
		// transactions passes faster than on a wire.
		if d.bits++; d.bits > atOnce {
			d.finish(d.now())
		}
		if d.converting && !d.parasite {
			return 0
		}
	}
	return 1
}

func (d *DS18B20) enter(s slaveState) { d.state, d.in, d.bits, d.cur, d.out = s, nil, 0, 0, nil }

func (d *DS18B20) send(b []byte) {
	d.enter(sending)
	d.out = b
}

func (d *DS18B20) romBit(n int) byte { return d.rom[n/8] >> (n % 8) & 1 }

func (d *DS18B20) received(b byte) {
	switch d.state {
	case romCommand:
		switch b {
		case 0x33:
			d.send(d.rom[:])
		case 0x55:
			d.enter(matching)
		case 0xCC:
			d.enter(function)
		case 0xF0:
			d.enter(searching)
		default:
			d.enter(idle)
		}
	case matching:
		if b != d.rom[len(d.in)-1] {
			d.enter(idle)
		} else if len(d.in) == 8 {
			d.enter(function)
		}
	case function:
		d.run(b)
	case writing:
		d.scratch[1+len(d.in)] = b
		if len(d.in) == 3 {
			d.scratch[4] = d.scratch[4]&0x60 | 0x1F
			d.enter(idle)
		}
	}
}

func (d *DS18B20) run(command byte) {
	d.finish(d.now())
	switch command {
	case 0x44: // convert
		bits := int(d.scratch[4]>>5&3) + 9
		d.enter(working)
		d.converting, d.fed, d.celsius = true, !d.weak && !d.parasite, d.probe(agent.Temperature)
		d.done = d.now() + 750*time.Millisecond>>(12-bits)
	case 0xBE: // read scratchpad
		d.scratch[8] = crc8Dallas(d.scratch[:8])
		pad := d.scratch
		d.send(pad[:])
	case 0x4E: // write scratchpad
		d.enter(writing)
	case 0x48: // copy scratchpad
		copy(d.eeprom[:], d.scratch[2:5])
		d.enter(idle)
	case 0xB8: // recall
		copy(d.scratch[2:5], d.eeprom[:])
		d.enter(idle)
	case 0xB4: // power supply: parasite-powered devices pull down
		if d.parasite {
			d.send([]byte{0})
		} else {
			d.enter(idle)
		}
	default:
		d.enter(idle)
	}
}

// finish ends a conversion whose time has come.
func (d *DS18B20) finish(now time.Duration) {
	if !d.converting || now < d.done {
		return
	}
	d.converting = false
	raw := int16(0x07FF)
	if d.fed {
		raw = int16(math.Round(math.Max(-55, math.Min(125, d.celsius)) * 16))
		raw &^= 1<<(3-d.scratch[4]>>5&3) - 1
	}
	d.scratch[0], d.scratch[1] = byte(raw), byte(raw>>8)
	d.scratch[6] = 0x10 - d.scratch[0]&0x0F // what genuine chips leave in the reserved byte
}

// crc8Dallas is polynomial 0x31 reflected (0x8C), initial value 0, least significant bit first.
func crc8Dallas(b []byte) byte {
	var crc byte
	for _, x := range b {
		crc ^= x
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8C
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}

var _ Slave = (*DS18B20)(nil)
