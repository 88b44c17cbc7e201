package bus

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/onewire"
)

// OneWire is a 1-Wire bus master, shared by the devices on it. All methods are safe for
// concurrent use.
type OneWire struct {
	w     *worker
	raw   onewire.Bus
	round round // of the conversions that its devices share
}

// NewOneWire wraps a periph 1-Wire bus. now is monotonic time; Close closes raw if it can
// be closed.
func NewOneWire(name string, raw onewire.Bus, now func() time.Duration) *OneWire {
	return &OneWire{w: newWorker(name, now, closerOf(raw)), raw: raw}
}

// Tx resets the bus, writes w and reads len(r) bytes. r is filled only on success. A bus
// without a presence pulse is agent.FaultAbsent, a shorted one agent.FaultShortCircuit.
func (o *OneWire) Tx(ctx context.Context, w, r []byte, power onewire.Pullup) error {
	out, in := bytes.Clone(w), make([]byte, len(r))
	err := o.w.do(ctx, func() error {
		if err := o.bound(ctx).Tx(out, in, power); err != nil {
			return fmt.Errorf("bus %s: %w", o.w.name, classify(err))
		}
		return nil
	})
	if err != nil {
		return err
	}
	copy(r, in)
	return nil
}

// Search lists the devices on the bus. Some of them may be found and the search fail
// all the same: they are returned with the error.
func (o *OneWire) Search(ctx context.Context) ([]onewire.Address, error) {
	found := make(chan []onewire.Address, 1)
	err := o.w.do(ctx, func() error {
		all, err := o.bound(ctx).Search(false)
		found <- all
		if err != nil {
			return fmt.Errorf("bus %s: search: %w", o.w.name, classify(err))
		}
		return nil
	})
	select {
	case all := <-found:
		return all, err
	default:
		return nil, err
	}
}

// bound is the raw bus, under ctx where it can be: a bridge waits for another bus.
func (o *OneWire) bound(ctx context.Context) onewire.Bus {
	if b, ok := o.raw.(*bridge); ok {
		return boundBridge{b, ctx}
	}
	return o.raw
}

// String is the bus's name.
func (o *OneWire) String() string { return o.w.name }

// Stuck returns a *StuckError while the bus hangs, nil otherwise.
func (o *OneWire) Stuck() error { return o.w.Stuck() }

// Close is as that of I2C.
func (o *OneWire) Close() error { return o.w.close() }
