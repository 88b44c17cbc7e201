package chip

import "time"

// DS2482 models Maxim's DS2482-100, an I²C master for one 1-Wire line (datasheet
// DS2482-100, 19-4930; durations from its electrical characteristics at standard speed).
type DS2482 struct {
	Wire
	now  Now
	line *Line

	status, data, config byte
	pointer              byte
	busy                 time.Duration // until then
}

// The read pointers and the status bits.
const (
	dsPtrStatus = 0xF0
	dsPtrData   = 0xE1
	dsPtrConfig = 0xC3

	dsBusy     = 0x01
	dsPresence = 0x02
	dsShort    = 0x04
	dsLevel    = 0x08
	dsReset    = 0x10
	dsBit      = 0x20
	dsSecond   = 0x40
	dsTaken    = 0x80

	dsStrong = 0x04 // configuration: strong pull-up after the next byte
)

// How long the bridge works. A master learns of it by reading the status, which takes it
// dsTransfer at 100 kHz, and the bridge works on meanwhile.
const (
	dsResetTime = 1148 * time.Microsecond
	dsSlotTime  = 73 * time.Microsecond
	dsTransfer  = 200 * time.Microsecond
)

// NewDS2482 returns a bridge to a line.
func NewDS2482(now Now, line *Line) *DS2482 {
	d := &DS2482{now: now, line: line}
	d.powerUp = d.reset
	d.reset()
	return d
}

func (d *DS2482) reset() {
	d.status, d.data, d.config, d.pointer, d.busy = dsReset|dsLevel, 0, 0, dsPtrStatus, 0
}

// Tx is one I²C transaction addressed to the bridge.
func (d *DS2482) Tx(w, r []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unplugged {
		return ErrNACK
	}
	if len(w) > 0 {
		if err := d.command(w); err != nil {
			return err
		}
	}
	if len(r) == 0 {
		return nil
	}
	for i := range r {
		r[i] = d.register()
	}
	d.answered(r)
	return nil
}

func (d *DS2482) register() byte {
	switch d.pointer {
	case dsPtrData:
		return d.data
	case dsPtrConfig:
		return d.config
	}
	if d.now() < d.busy {
		return d.status | dsBusy
	}
	return d.status
}

func (d *DS2482) command(w []byte) error {
	switch {
	case len(w) == 1 && w[0] == 0xF0:
		d.reset()
		return nil
	case len(w) == 2 && w[0] == 0xE1:
		switch w[1] {
		case dsPtrStatus, dsPtrData, dsPtrConfig:
			d.pointer = w[1]
			return nil
		}
		return ErrNACK // as for the registers that only its siblings have
	}
	if d.now() < d.busy {
		return ErrNACK
	}
	switch {
	case len(w) == 2 && w[0] == 0xD2: // write configuration: the high half is the low half's complement
		if w[1]>>4 == ^w[1]&0x0F {
			d.config = w[1] & 0x0F
			d.status &^= dsReset
		}
		d.pointer = dsPtrConfig
	case len(w) == 1 && w[0] == 0xB4:
		d.status &^= dsPresence | dsShort
		present, short := d.line.Reset()
		if present {
			d.status |= dsPresence
		}
		if short {
			d.status |= dsShort
		}
		d.works(dsResetTime)
	case len(w) == 2 && w[0] == 0xA5:
		d.line.Send(w[1], d.strong())
		d.works(8 * dsSlotTime)
	case len(w) == 1 && w[0] == 0x96:
		d.data = d.line.Receive()
		d.works(8 * dsSlotTime)
	case len(w) == 2 && w[0] == 0x87:
		d.slots(d.line.Slot(w[1]>>7), 0, 0)
		d.works(dsSlotTime)
	case len(w) == 2 && w[0] == 0x78:
		d.slots(d.line.Triplet(w[1] >> 7))
		d.works(3 * dsSlotTime)
	default:
		return ErrNACK
	}
	return nil
}

// strong is whether the strong pull-up follows this byte; the bit clears itself.
func (d *DS2482) strong() bool {
	on := d.config&dsStrong != 0
	d.config &^= dsStrong
	return on
}

func (d *DS2482) slots(bit, second, taken byte) {
	d.status = d.status&^(dsBit|dsSecond|dsTaken) | bit*dsBit | second*dsSecond | taken*dsTaken
}

func (d *DS2482) works(t time.Duration) {
	d.pointer = dsPtrStatus
	d.busy = d.now() + max(0, t-dsTransfer)
}
