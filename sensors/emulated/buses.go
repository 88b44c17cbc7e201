package emulated

import (
	"errors"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"github.com/frostline/frostline/sensors/emulated/chip"
)

// i2cBus is an I²C bus. Close does nothing: the chips stay where they are.
type i2cBus struct {
	gate
	chips map[uint16]I2CChip
}

func (b *i2cBus) String() string                  { return b.name }
func (b *i2cBus) SetSpeed(physic.Frequency) error { return nil }
func (b *i2cBus) Close() error                    { return nil }

// Tx is a transaction. An address that no chip has is not acknowledged.
func (b *i2cBus) Tx(addr uint16, w, r []byte) error {
	return b.use(func() error {
		c, ok := b.chips[addr]
		if !ok {
			return chip.ErrNACK
		}
		return c.Tx(w, r)
	})
}

var _ i2c.BusCloser = (*i2cBus)(nil)

// oneWireBus is a 1-Wire line behind a master of the machine.
type oneWireBus struct {
	gate
	line *chip.Line
}

func (b *oneWireBus) String() string { return b.name }
func (b *oneWireBus) Close() error   { return nil }

func (b *oneWireBus) Tx(w, r []byte, power onewire.Pullup) error {
	return b.use(func() error { return b.line.Tx(w, r, power) })
}

func (b *oneWireBus) Search(alarmOnly bool) (found []onewire.Address, err error) {
	err = b.use(func() (err error) {
		found, err = b.line.Search(alarmOnly)
		return err
	})
	return found, err
}

var _ onewire.BusCloser = (*oneWireBus)(nil)

// spiPort is a chip select with one chip.
type spiPort struct {
	gate
	chip      SPIChip
	connected bool // guarded by the gate's mu
}

func (p *spiPort) String() string                    { return p.name }
func (p *spiPort) LimitSpeed(physic.Frequency) error { return nil }

// Close lets the port be connected again.
func (p *spiPort) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connected = false
	return nil
}

// Connect may be called once until Close, as with Linux's ports.
func (p *spiPort) Connect(_ physic.Frequency, mode spi.Mode, bits int) (spi.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.connected:
		return nil, errors.New("emulated: port is connected already")
	case mode&3 != spi.Mode0, bits != 8:
		return nil, errors.New("emulated: the chip wants mode 0 and 8 bits")
	}
	p.connected = true
	return spiConn{p}, nil
}

type spiConn struct{ p *spiPort }

func (c spiConn) String() string      { return c.p.name }
func (c spiConn) Duplex() conn.Duplex { return conn.Full }

// Tx is a transaction. Either of w and r may be empty, as periph allows.
func (c spiConn) Tx(w, r []byte) error {
	if len(w) != 0 && len(r) != 0 && len(w) != len(r) {
		return errors.New("emulated: write and read differ in length")
	}
	n := max(len(w), len(r))
	if len(w) < n {
		w = make([]byte, n)
	}
	if len(r) < n {
		r = make([]byte, n)
	}
	return c.p.use(func() error { return c.p.chip.Tx(w, r) })
}

func (c spiConn) TxPackets(packets []spi.Packet) error {
	for _, p := range packets {
		if err := c.Tx(p.W, p.R); err != nil {
			return err
		}
	}
	return nil
}

var _ spi.PortCloser = (*spiPort)(nil)
