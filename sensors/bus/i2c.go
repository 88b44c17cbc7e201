package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"github.com/frostline/frostline/agent"
)

// I2C is an I²C bus, shared by the devices on it. All methods are safe for concurrent use.
type I2C struct {
	w   *worker
	raw i2c.Bus

	timeouts int // transactions in a row that the controller gave up; owned by w's goroutine
}

// NewI2C wraps a periph bus. now is monotonic time; Close closes raw if it can be closed.
func NewI2C(name string, raw i2c.Bus, now func() time.Duration) *I2C {
	return &I2C{w: newWorker(name, now, closerOf(raw)), raw: raw}
}

// Tx writes w to the device at addr, then reads len(r) bytes from it, in one transaction.
// r is filled only on success. An error wraps the agent.Fault that it means: a device
// that does not acknowledge is agent.FaultAbsent.
func (b *I2C) Tx(ctx context.Context, addr uint16, w, r []byte) error {
	out, in := bytes.Clone(w), make([]byte, len(r))
	err := b.w.do(ctx, func() error {
		err := classify(b.raw.Tx(addr, out, in))
		b.watchTimeouts(err)
		if err != nil {
			return fmt.Errorf("bus %s: device 0x%02x: %w", b.w.name, addr, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	copy(r, in)
	return nil
}

// watchTimeouts frees the bus after recoverAfter timeouts in a row, where it can.
func (b *I2C) watchTimeouts(err error) {
	if !errors.Is(err, agent.FaultTimeout) {
		b.timeouts = 0
		return
	}
	b.timeouts++
	if b.timeouts%recoverAfter == 0 {
		recoverI2C(b.raw)
	}
}

// Periph is the bus as periph's device packages want it; every transaction is bounded by ctx.
func (b *I2C) Periph(ctx context.Context) i2c.Bus { return boundI2C{b, ctx} }

// String is the bus's name.
func (b *I2C) String() string { return b.w.name }

// Stuck returns a *StuckError while the bus hangs, nil otherwise.
func (b *I2C) Stuck() error { return b.w.Stuck() }

// Close is for who opened the bus: the Host, not a device on it. It waits for a running
// transaction; if the bus is stuck it returns a *StuckError and the bus is closed when
// the kernel lets go of it. A second Close returns nil.
func (b *I2C) Close() error { return b.w.close() }

type boundI2C struct {
	b   *I2C
	ctx context.Context
}

func (b boundI2C) String() string                    { return b.b.String() }
func (b boundI2C) Tx(addr uint16, w, r []byte) error { return b.b.Tx(b.ctx, addr, w, r) }
func (b boundI2C) SetSpeed(f physic.Frequency) error {
	return b.b.w.do(b.ctx, func() error { return classify(b.b.raw.SetSpeed(f)) })
}

// closerOf is raw's Close; nil where it has none.
func closerOf(raw any) func() error {
	if c, ok := raw.(io.Closer); ok {
		return c.Close
	}
	return nil
}
