package bus

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/spi"

	"github.com/frostline/frostline/agent"
)

// openWithin is how long a driver waits for its bus to open.
const openWithin = 5 * time.Second

// Options are what a Host is made from.
type Options struct {
	// Now is the machine's monotonic time, for how long a bus has been stuck.
	Now func() time.Duration
	// Emulated are buses that stand in for the machine's, by name. A value is an i2c.Bus,
	// spi.Port, onewire.Bus or gpio.PinIO of periph; an fs.FS or the path of a directory
	// as a string for W1; for a serial line a func() (io.ReadWriteCloser, error) that opens
	// it, whose Close ends a Read that waits.
	Emulated map[string]any
}

// Host opens buses by name, each once: devices on one bus share it. The zero Host is
// not usable; NewHost makes one. All methods are safe for concurrent use.
//
// Names, where the machine has its own buses:
//
//	I2C      i2c-1                the bus of /dev/i2c-1
//	SPI      spi0.0               bus 0, chip select 0: /dev/spidev0.0
//	OneWire  ds248x:i2c-1:0x18    behind a DS2482-100 or DS2483 at 0x18 of i2c-1 (:0x18 may be left out)
//	         OneWire1             the kernel's master 1, through netlink (needs CAP_NET_ADMIN)
//	W1       w1                   the kernel's directory /sys/bus/w1/devices; or a directory's path
//	Pin      GPIO17               a line of a GPIO chip, as the kernel or periph names it
//	Serial   /dev/ttyACM0         any path of a serial device
//
// Opening is retried at each call until it succeeds, so a bus may appear later.
type Host struct {
	now      func() time.Duration
	emulated map[string]any

	mu     sync.Mutex
	buses  map[string]*opening // by kind and name
	closed bool
}

// opening is a bus that is being opened or was. done is closed when the rest is valid.
type opening struct {
	done chan struct{}
	bus  sharedBus
	err  error
}

// sharedBus is what all kinds of bus have in common.
type sharedBus interface {
	Stuck() error
	Close() error
}

// NewHost makes a host. It touches no hardware: the machine's buses are looked for when
// the first is asked for that is not emulated.
func NewHost(o Options) *Host {
	return &Host{now: o.Now, emulated: o.Emulated, buses: map[string]*opening{}}
}

// I2C opens an I²C bus.
func (h *Host) I2C(name string) (*I2C, error) {
	return open(h, "i2c", name, func() (*I2C, error) {
		raw, err := pick[i2c.Bus](h, "I²C bus", name, openI2C)
		if err != nil {
			return nil, err
		}
		return NewI2C(name, raw, h.now), nil
	})
}

// SPI opens one chip select of an SPI port.
func (h *Host) SPI(name string) (*SPI, error) {
	return open(h, "spi", name, func() (*SPI, error) {
		raw, err := pick[spi.Port](h, "SPI port", name, openSPI)
		if err != nil {
			return nil, err
		}
		return NewSPI(name, raw, h.now), nil
	})
}

// OneWire opens a 1-Wire master.
func (h *Host) OneWire(name string) (*OneWire, error) {
	return open(h, "onewire", name, func() (*OneWire, error) {
		raw, err := pick[onewire.Bus](h, "1-Wire master", name, h.openOneWire)
		if err != nil {
			return nil, err
		}
		return NewOneWire(name, raw, h.now), nil
	})
}

// openOneWire opens a bridge, or a master of the kernel.
func (h *Host) openOneWire(name string) (onewire.Bus, error) {
	rest, isBridge := strings.CutPrefix(name, "ds248x:")
	if !isBridge {
		return openOneWire(name)
	}
	on, addr, err := splitBridge(rest)
	if err != nil {
		return nil, err
	}
	b, err := h.I2C(on)
	if err != nil {
		return nil, err
	}
	return newBridge(b, addr), nil
}

// splitBridge reads "i2c-1:0x18" and "i2c-1".
func splitBridge(s string) (on string, addr uint16, err error) {
	on, text, given := strings.Cut(s, ":")
	if !given {
		return on, 0x18, nil
	}
	n, err := strconv.ParseUint(text, 0, 7)
	if err != nil || n != 0x18 && n != 0x19 {
		return "", 0, fmt.Errorf("address %q of a DS248x: want 0x18 or 0x19", text)
	}
	return on, uint16(n), nil
}

// W1 opens the kernel's 1-Wire directory.
func (h *Host) W1(name string) (*W1, error) {
	return open(h, "w1", name, func() (*W1, error) {
		if dir, ok := h.emulated[name].(string); ok {
			return NewW1(name, SysW1(dir), h.now), nil
		}
		raw, err := pick[fs.FS](h, "1-Wire directory", name, openW1)
		if err != nil {
			return nil, err
		}
		return NewW1(name, raw, h.now), nil
	})
}

// Pin opens a GPIO line.
func (h *Host) Pin(name string) (*Pin, error) {
	return open(h, "pin", name, func() (*Pin, error) {
		raw, err := pick[gpio.PinIO](h, "GPIO line", name, openPin)
		if err != nil {
			return nil, err
		}
		return NewPin(name, raw, h.now), nil
	})
}

// Serial opens a serial line. Unlike the other buses it belongs to who opened it, who
// closes it and may then open it again.
func (h *Host) Serial(name string, baud int) (*Serial, error) {
	return open(h, "serial", name, func() (*Serial, error) {
		raw, err := pick(h, "serial line", name, func(path string) (serialOpener, error) {
			return func() (io.ReadWriteCloser, error) { return openSerial(path, baud) }, nil
		})
		if err != nil {
			return nil, err
		}
		line, err := raw()
		if err != nil {
			return nil, fmt.Errorf("bus %s: open: %w", name, faulty(agent.FaultOpen, err))
		}
		return NewSerial(name, line, h.now), nil
	})
}

type serialOpener = func() (io.ReadWriteCloser, error)

// pick is the emulated bus of that name, or the machine's.
func pick[T any](h *Host, kind, name string, real func(string) (T, error)) (T, error) {
	var none T
	given, emulated := h.emulated[name]
	if !emulated {
		raw, err := real(name)
		if err != nil {
			return none, fmt.Errorf("bus %s: open: %w", name, faulty(agent.FaultOpen, err))
		}
		return raw, nil
	}
	raw, ok := given.(T)
	if !ok {
		return none, fmt.Errorf("bus %s: open: %w", name,
			faulty(agent.FaultOpen, fmt.Errorf("emulated, and not as a %s", kind)))
	}
	return raw, nil
}

// open returns the bus of that kind and name, opening it if nobody has. Of callers that
// come while it opens one does the work and all wait for it.
func open[B sharedBus](h *Host, kind, name string, do func() (B, error)) (B, error) {
	var none B
	key := kind + " " + name
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return none, fmt.Errorf("bus %s: %w", name, ErrClosed)
	}
	o := h.buses[key]
	if o != nil && o.over() {
		o = nil
	}
	if o == nil {
		o = &opening{done: make(chan struct{})}
		h.buses[key] = o
		go h.finish(o, func() (sharedBus, error) { return do() })
	}
	h.mu.Unlock()

	timer := time.NewTimer(openWithin)
	defer timer.Stop()
	select {
	case <-o.done:
	case <-timer.C:
		return none, &StuckError{Bus: name, For: openWithin}
	}
	if o.err != nil {
		return none, o.err
	}
	return o.bus.(B), nil
}

func (h *Host) finish(o *opening, do func() (sharedBus, error)) {
	b, err := do()
	if err == nil {
		o.bus = b
	}
	o.err = err
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed && err == nil {
		o.bus, o.err = nil, errors.Join(fmt.Errorf("bus: %w", ErrClosed), b.Close())
	}
	close(o.done)
}

// over reports whether the bus has to be opened again: it failed to open, or it is a
// serial line that its owner has closed.
func (o *opening) over() bool {
	select {
	case <-o.done:
	default:
		return false
	}
	if o.err != nil {
		return true
	}
	s, ok := o.bus.(*Serial)
	return ok && s.closed()
}

// Stuck lists the *StuckError of each bus that hangs.
func (h *Host) Stuck() []*StuckError {
	var all []*StuckError
	for _, b := range h.opened() {
		var stuck *StuckError
		if errors.As(b.Stuck(), &stuck) {
			all = append(all, stuck)
		}
	}
	return all
}

func (h *Host) opened() []sharedBus {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []sharedBus
	for _, o := range h.buses {
		select {
		case <-o.done:
			if o.err == nil {
				all = append(all, o.bus)
			}
		default:
		}
	}
	return all
}

// Close closes all buses. A stuck one is a *StuckError in the error, and is closed when
// the kernel lets go of it. A second Close returns nil.
func (h *Host) Close() error {
	h.mu.Lock()
	first := !h.closed
	h.closed = true
	h.mu.Unlock()
	if !first {
		return nil
	}
	var errs []error
	for _, b := range h.opened() {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}
