package bus

import (
	"bytes"
	"context"
	"time"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
)

// I2C is an I²C bus.
type I2C struct {
	w   *worker
	raw i2c.Bus
}

// NewI2C wraps a periph bus. now is monotonic time; Close closes raw if it can be closed.
func NewI2C(name string, raw i2c.Bus, now func() time.Duration) *I2C {
	return &I2C{w: newWorker(name, now), raw: raw}
}

// Tx writes w to the device at addr, then reads len(r) bytes from it, in one transaction.
// r is filled only on success. Safe for concurrent use.
func (b *I2C) Tx(ctx context.Context, addr uint16, w, r []byte) error {
	out, in := bytes.Clone(w), make([]byte, len(r))
	if err := b.w.do(ctx, func() error { return classify(b.raw.Tx(addr, out, in)) }); err != nil {
		return err
	}
	copy(r, in)
	return nil
}

// Periph is the bus as periph's device packages want it; every transaction is bounded by ctx.
func (b *I2C) Periph(ctx context.Context) i2c.Bus { return boundI2C{b, ctx} }

// String is the bus's name.
func (b *I2C) String() string { return b.w.name }

// Stuck returns a *StuckError while the bus hangs, nil otherwise.
func (b *I2C) Stuck() error { return b.w.Stuck() }

type boundI2C struct {
	b   *I2C
	ctx context.Context
}

func (b boundI2C) String() string                    { return b.b.String() }
func (b boundI2C) Tx(addr uint16, w, r []byte) error { return b.b.Tx(b.ctx, addr, w, r) }
func (b boundI2C) SetSpeed(f physic.Frequency) error { return b.b.raw.SetSpeed(f) }

// SPI is one chip select of an SPI port.
type SPI struct {
	w   *worker
	raw spi.Port
}

// NewSPI wraps a periph port.
func NewSPI(name string, raw spi.Port, now func() time.Duration) *SPI {
	return &SPI{w: newWorker(name, now), raw: raw}
}

// Connect sets speed, mode and word size and returns the connection. A port is connected once.
func (p *SPI) Connect(ctx context.Context, f physic.Frequency, mode spi.Mode, bits int) (*SPIConn, error) {
	c := &SPIConn{w: p.w}
	err := p.w.do(ctx, func() (err error) {
		c.raw, err = p.raw.Connect(f, mode, bits)
		return classify(err)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// String is the port's name.
func (p *SPI) String() string { return p.w.name }

// Stuck returns a *StuckError while the port hangs, nil otherwise.
func (p *SPI) Stuck() error { return p.w.Stuck() }

// SPIConn is a connected SPI port.
type SPIConn struct {
	w   *worker
	raw spi.Conn
}

// Tx writes w while reading into r; they have the same length. r is filled only on success.
func (c *SPIConn) Tx(ctx context.Context, w, r []byte) error {
	out, in := bytes.Clone(w), make([]byte, len(r))
	if err := c.w.do(ctx, func() error { return classify(c.raw.Tx(out, in)) }); err != nil {
		return err
	}
	copy(r, in)
	return nil
}

// OneWire is a 1-Wire bus master.
type OneWire struct {
	w   *worker
	raw onewire.Bus
}

// NewOneWire wraps a periph 1-Wire bus.
func NewOneWire(name string, raw onewire.Bus, now func() time.Duration) *OneWire {
	return &OneWire{w: newWorker(name, now), raw: raw}
}

// Tx resets the bus, writes w and reads len(r) bytes. r is filled only on success.
func (o *OneWire) Tx(ctx context.Context, w, r []byte, power onewire.Pullup) error {
	out, in := bytes.Clone(w), make([]byte, len(r))
	if err := o.w.do(ctx, func() error { return classify(o.raw.Tx(out, in, power)) }); err != nil {
		return err
	}
	copy(r, in)
	return nil
}

// Search lists the devices on the bus.
func (o *OneWire) Search(ctx context.Context) ([]onewire.Address, error) {
	var found []onewire.Address
	err := o.w.do(ctx, func() (err error) {
		found, err = o.raw.Search(false)
		return classify(err)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// String is the bus's name.
func (o *OneWire) String() string { return o.w.name }

// Stuck returns a *StuckError while the bus hangs, nil otherwise.
func (o *OneWire) Stuck() error { return o.w.Stuck() }

var _ conn.Resource = conn.Resource(nil)
