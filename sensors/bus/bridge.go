package bus

import (
	"context"
	"fmt"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/ds248x"
)

// bridge is a DS2482-100 or DS2483: a 1-Wire master on an I²C bus. periph's driver keeps
// its first I²C error for ever, so a bridge makes a new one for the next transaction.
// Its methods run on the goroutine of the OneWire in front of it, one at a time.
type bridge struct {
	i2c  *I2C
	addr uint16
	port *bridgePort
	dev  *ds248x.Dev // nil until the chip has answered, and after an error
}

// bridgePort is the I²C bus as the chip's driver sees it. It keeps the last error,
// because the driver formats it into a text.
type bridgePort struct {
	bus *I2C
	ctx context.Context
	err error
}

func (p *bridgePort) String() string { return p.bus.String() }

func (p *bridgePort) Tx(addr uint16, w, r []byte) error {
	p.err = p.bus.Tx(p.ctx, addr, w, r)
	return p.err
}

func (p *bridgePort) SetSpeed(physic.Frequency) error { return nil }

var _ i2c.Bus = (*bridgePort)(nil)

func newBridge(on *I2C, addr uint16) *bridge {
	return &bridge{i2c: on, addr: addr, port: &bridgePort{bus: on}}
}

func (b *bridge) String() string { return fmt.Sprintf("ds248x:%s:0x%02x", b.i2c, b.addr) }

// Tx and Search make a bridge an onewire.Bus; OneWire uses it through boundBridge.
func (b *bridge) Tx(w, r []byte, power onewire.Pullup) error {
	return boundBridge{b, context.Background()}.Tx(w, r, power)
}

func (b *bridge) Search(alarmOnly bool) ([]onewire.Address, error) {
	return boundBridge{b, context.Background()}.Search(alarmOnly)
}

// bridgeTries is how often a transaction is tried that the chip's driver gave up itself:
// it allows a bus cycle 3 ms of real time, which a busy machine may take to look again.
// Every transaction begins with a reset of the line, so trying again is safe.
const bridgeTries = 3

// use runs f with the chip's driver under ctx, and forgets the driver if f failed for
// another reason than the 1-Wire side.
func (b *bridge) use(ctx context.Context, f func(*ds248x.Dev) error) error {
	b.port.ctx = ctx
	for try := 1; ; try++ {
		err := b.try(f)
		if err == nil {
			return nil
		}
		if _, oneWireSide := err.(onewire.BusError); oneWireSide { //nolint:errorlint // periph returns these bare
			return err
		}
		b.dev = nil
		if b.port.err != nil || try == bridgeTries || ctx.Err() != nil {
			return b.cause(err)
		}
	}
}

func (b *bridge) try(f func(*ds248x.Dev) error) error {
	b.port.err = nil
	if b.dev == nil {
		dev, err := ds248x.New(b.port, b.addr, &ds248x.DefaultOpts)
		if err != nil {
			return err
		}
		// Registers that only its siblings have were not acknowledged: that was to be expected.
		b.dev, b.port.err = dev, nil
	}
	return f(b.dev)
}

// cause is the I²C error behind err, where there is one.
func (b *bridge) cause(err error) error {
	if b.port.err != nil {
		return fmt.Errorf("ds248x: %w", b.port.err)
	}
	return err
}

type boundBridge struct {
	*bridge
	ctx context.Context
}

func (b boundBridge) Tx(w, r []byte, power onewire.Pullup) error {
	return b.use(b.ctx, func(d *ds248x.Dev) error { return d.Tx(w, r, power) })
}

func (b boundBridge) Search(alarmOnly bool) (found []onewire.Address, err error) {
	err = b.use(b.ctx, func(d *ds248x.Dev) error {
		found, err = d.Search(alarmOnly)
		return err
	})
	return found, err
}
