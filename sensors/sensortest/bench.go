package sensortest

import (
	"bytes"
	"errors"
	"io/fs"
	"sync"
	"testing/fstest"
	"time"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors/bus"
	"github.com/frostline/frostline/sensors/emulated/chip"
)

// Chip is what stands at an I²C address or behind an SPI chip select.
type Chip interface{ Tx(w, r []byte) error }

// Bench is a table with one device on emulated buses.
type Bench struct {
	// Unplug and Plug pull and insert the device's plug; Place sets them.
	Unplug, Plug func()
	// Present lets a scanner's device see a code, and Absent no longer; Place sets them.
	Present, Absent func()

	raw  map[string]any // the buses, for bus.Host
	host *bus.Host

	mu    sync.Mutex
	skip  time.Duration // added to the real time
	room  map[agent.Quantity]float64
	fault Fault
	n     int // transactions since the fault was set
	log   []Transaction
}

// Transaction is what crossed a bus: the bytes to the device and those from it.
type Transaction struct{ W, R []byte }

// Fault stands between master and device: it is called for the n-th transaction, may
// change w before it calls do and r after it, and returns what the master sees. absent is
// how this kind of bus tells that nobody answers; nil where it cannot (SPI).
type Fault func(n int, w, r []byte, absent error, do func(w, r []byte) error) error

// NewBench returns an empty table.
func NewBench() *Bench { return &Bench{raw: map[string]any{}, room: map[agent.Quantity]float64{}} }

// Now is the chips' time: real time, and what Skip added.
func (b *Bench) Now() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return clock.Elapsed() + b.skip
}

// Skip lets the chips' time pass at once.
func (b *Bench) Skip(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.skip += d
}

// Set makes a quantity have this value from now on.
func (b *Bench) Set(q agent.Quantity, v float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.room[q] = v
}

// Probe is the true value, for the chips.
func (b *Bench) Probe(q agent.Quantity) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.room[q]
}

// I2C puts a bus with chips at their addresses on the table.
func (b *Bench) I2C(name string, chips map[uint16]Chip) { b.raw[name] = &i2cBus{b, chips} }

// SPI puts a port with one chip on the table.
func (b *Bench) SPI(name string, c Chip) { b.raw[name] = &spiPort{b, c} }

// OneWire puts a 1-Wire master on the table.
func (b *Bench) OneWire(name string, line onewire.Bus) { b.raw[name] = &oneWireBus{b, line} }

// W1 puts a directory of the kernel's 1-Wire devices on the table.
func (b *Bench) W1(name string, dir fs.FS) { b.raw[name] = &w1Dir{b, dir} }

// Raw puts anything else on the table that bus.Options.Emulated takes.
func (b *Bench) Raw(name string, raw any) { b.raw[name] = raw }

// Host is the buses as a driver gets them. What is put on the table later is not in it.
func (b *Bench) Host() *bus.Host {
	if b.host == nil {
		b.host = bus.NewHost(bus.Options{Now: clock.Elapsed, Emulated: b.raw})
	}
	return b.host
}

// Close closes the buses.
func (b *Bench) Close() error { return b.Host().Close() }

// Break sets the fault that transactions meet from now on; nil repairs the bus.
func (b *Bench) Break(f Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault, b.n, b.log = f, 0, nil
}

// Log is the transactions since the last Break.
func (b *Bench) Log() []Transaction {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Transaction(nil), b.log...)
}

// pass lets a transaction through the fault.
func (b *Bench) pass(w, r []byte, absent error, do func(w, r []byte) error) error {
	b.mu.Lock()
	f, n := b.fault, b.n
	b.n++
	b.mu.Unlock()
	sent := bytes.Clone(w)
	var err error
	if f == nil {
		err = do(sent, r)
	} else {
		err = f(n, sent, r, absent, do)
	}
	b.mu.Lock()
	if len(b.log) < 4096 {
		b.log = append(b.log, Transaction{bytes.Clone(w), bytes.Clone(r)})
	}
	b.mu.Unlock()
	return err
}

type i2cBus struct {
	b     *Bench
	chips map[uint16]Chip
}

func (i *i2cBus) String() string                  { return "bench-i2c" }
func (i *i2cBus) SetSpeed(physic.Frequency) error { return nil }
func (i *i2cBus) Tx(addr uint16, w, r []byte) error {
	return i.b.pass(w, r, chip.ErrNACK, func(w, r []byte) error {
		c, ok := i.chips[addr]
		if !ok {
			return chip.ErrNACK
		}
		return c.Tx(w, r)
	})
}

type spiPort struct {
	b *Bench
	c Chip
}

func (s *spiPort) String() string                                            { return "bench-spi" }
func (s *spiPort) LimitSpeed(physic.Frequency) error                         { return nil }
func (s *spiPort) Connect(physic.Frequency, spi.Mode, int) (spi.Conn, error) { return spiConn{s}, nil }

type spiConn struct{ *spiPort }

func (s spiConn) Duplex() conn.Duplex          { return conn.Full }
func (s spiConn) TxPackets([]spi.Packet) error { return errors.New("bench: packets are not supported") }
func (s spiConn) Tx(w, r []byte) error {
	return s.b.pass(w, r, nil, s.c.Tx)
}

type oneWireBus struct {
	b    *Bench
	line onewire.Bus
}

func (o *oneWireBus) String() string { return "bench-1wire" }
func (o *oneWireBus) Tx(w, r []byte, power onewire.Pullup) error {
	return o.b.pass(w, r, noDevices{}, func(w, r []byte) error { return o.line.Tx(w, r, power) })
}
func (o *oneWireBus) Search(alarmOnly bool) ([]onewire.Address, error) {
	return o.line.Search(alarmOnly)
}

type noDevices struct{}

func (noDevices) Error() string   { return "no presence pulse" }
func (noDevices) BusError() bool  { return true }
func (noDevices) NoDevices() bool { return true }

type w1Dir struct {
	b   *Bench
	dir fs.FS
}

func (d *w1Dir) Open(name string) (fs.File, error) {
	info, err := fs.Stat(d.dir, name)
	if err == nil && info.IsDir() {
		return d.dir.Open(name)
	}
	text, readErr := fs.ReadFile(d.dir, name)
	absent := &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	err = d.b.pass(nil, text, absent, func(_, _ []byte) error { return readErr })
	if err != nil {
		return nil, err
	}
	return fstest.MapFS{name: &fstest.MapFile{Data: text}}.Open(name)
}

var (
	_ i2c.Bus     = (*i2cBus)(nil)
	_ spi.Port    = (*spiPort)(nil)
	_ onewire.Bus = (*oneWireBus)(nil)
	_ fs.FS       = (*w1Dir)(nil)
)
