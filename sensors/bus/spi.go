package bus

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"github.com/frostline/frostline/agent"
)

// SPI is one chip select of an SPI port. All methods are safe for concurrent use.
type SPI struct {
	w   *worker
	raw spi.Port

	conn *SPIConn // nil until the first Connect succeeded; owned by w's goroutine
}

// NewSPI wraps a periph port. now is monotonic time; Close closes raw if it can be closed.
func NewSPI(name string, raw spi.Port, now func() time.Duration) *SPI {
	return &SPI{w: newWorker(name, now, closerOf(raw)), raw: raw}
}

// Connect sets speed, mode and word size and returns the connection. periph connects a
// port once, so a driver that opens its device again with the same settings gets the
// same connection; other settings are an error.
func (p *SPI) Connect(ctx context.Context, f physic.Frequency, mode spi.Mode, bits int) (*SPIConn, error) {
	connected := make(chan *SPIConn, 1)
	err := p.w.do(ctx, func() error {
		want := SPIConn{w: p.w, speed: f, mode: mode, bits: bits}
		if p.conn == nil {
			raw, err := p.raw.Connect(f, mode, bits)
			if err != nil {
				return fmt.Errorf("bus %s: connect: %w", p.w.name, classify(err))
			}
			want.raw = raw
			p.conn = &want
		}
		if c := p.conn; c.speed != f || c.mode != mode || c.bits != bits {
			return fmt.Errorf("bus %s: %w", p.w.name, faulty(agent.FaultOpen,
				fmt.Errorf("already connected at %s, %s, %d bits", c.speed, c.mode, c.bits)))
		}
		connected <- p.conn
		return nil
	})
	if err != nil {
		return nil, err
	}
	return <-connected, nil
}

// String is the port's name.
func (p *SPI) String() string { return p.w.name }

// Stuck returns a *StuckError while the port hangs, nil otherwise.
func (p *SPI) Stuck() error { return p.w.Stuck() }

// Close is as that of I2C.
func (p *SPI) Close() error { return p.w.close() }

// SPIConn is a connected SPI port.
type SPIConn struct {
	w     *worker
	raw   spi.Conn
	speed physic.Frequency
	mode  spi.Mode
	bits  int
}

// Tx writes w while reading into r; they have the same length. r is filled only on success.
func (c *SPIConn) Tx(ctx context.Context, w, r []byte) error {
	out, in := bytes.Clone(w), make([]byte, len(r))
	err := c.w.do(ctx, func() error {
		if err := c.raw.Tx(out, in); err != nil {
			return fmt.Errorf("bus %s: %w", c.w.name, classify(err))
		}
		return nil
	})
	if err != nil {
		return err
	}
	copy(r, in)
	return nil
}
