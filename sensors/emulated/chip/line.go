package chip

import (
	"errors"
	"sync"

	"periph.io/x/conn/v3/onewire"
)

// Slave is a device on a 1-Wire line, at the level of time slots. The line calls it,
// one call at a time.
type Slave interface {
	Reset() (present bool)     // a reset pulse, and whether the device answers it
	Write(bit byte)            // a write slot
	Read() (bit byte)          // a read slot; 1 is what an idle or absent device gives
	Power(strong bool)         // the strong pull-up was switched on or off
	Corrupt(func(int, []byte)) // see Wire.Corrupt
}

// Line is a 1-Wire line with its devices: open drain, so a 0 of any device wins.
// It is a periph onewire.Bus as well, as if driven by a perfect master.
type Line struct {
	mu      sync.Mutex
	slaves  []Slave
	shorted bool
}

// NewLine returns a line with these devices on it.
func NewLine(slaves ...Slave) *Line { return &Line{slaves: slaves} }

// Short puts a short circuit on the line, or takes it away.
func (l *Line) Short(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shorted = on
}

// Reset sends a reset pulse.
func (l *Line) Reset() (present, short bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shorted {
		return false, true
	}
	for _, s := range l.slaves {
		present = s.Reset() || present
	}
	return present, false
}

// Send writes a byte, and switches the strong pull-up on right after it if strong.
func (l *Line) Send(b byte, strong bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range 8 {
		l.write(b >> i & 1)
	}
	for _, s := range l.slaves {
		s.Power(strong)
	}
}

// Receive reads a byte.
func (l *Line) Receive() byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b byte
	for i := range 8 {
		b |= l.read() << i
	}
	return b
}

// Slot is a single write slot; writing a 1 reads as well.
func (l *Line) Slot(bit byte) byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bit == 0 {
		l.write(0)
		return 0
	}
	return l.read()
}

// Triplet is a step of a search: it reads a bit and its complement of all devices that
// still take part and writes the direction, which is taken only where both exist.
func (l *Line) Triplet(direction byte) (id, complement, taken byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id, complement = l.read(), l.read()
	switch {
	case id == complement:
		taken = direction & 1
		if id == 1 {
			taken = 1 // nobody is there
		}
	default:
		taken = id
	}
	l.write(taken)
	return id, complement, taken
}

func (l *Line) write(bit byte) {
	if l.shorted {
		return
	}
	for _, s := range l.slaves {
		s.Write(bit)
	}
}

func (l *Line) read() byte {
	if l.shorted {
		return 0
	}
	bit := byte(1)
	for _, s := range l.slaves {
		bit &= s.Read()
	}
	return bit
}

// String names the line.
func (l *Line) String() string { return "emulated-1wire" }

// Tx resets the line, writes w and reads r, as onewire.Bus wants it.
func (l *Line) Tx(w, r []byte, power onewire.Pullup) error {
	present, short := l.Reset()
	switch {
	case short:
		return lineError{errors.New("1-wire line shorted"), true}
	case !present:
		return lineError{errors.New("1-wire: no presence pulse"), false}
	}
	strong := power == onewire.StrongPullup
	for i, b := range w {
		l.Send(b, strong && len(r) == 0 && i == len(w)-1)
	}
	for i := range r {
		r[i] = l.Receive()
	}
	return nil
}

// Search lists the devices, as onewire.Bus wants it.
func (l *Line) Search(alarmOnly bool) ([]onewire.Address, error) {
	return onewire.Search(l, alarmOnly)
}

// SearchTriplet is Triplet, as onewire.BusSearcher wants it.
func (l *Line) SearchTriplet(direction byte) (onewire.TripletResult, error) {
	id, complement, taken := l.Triplet(direction)
	return onewire.TripletResult{GotZero: id == 0, GotOne: complement == 0, Taken: taken}, nil
}

// lineError is a trouble of the line itself, in the terms of package onewire.
type lineError struct {
	error
	short bool
}

func (e lineError) BusError() bool  { return true }
func (e lineError) IsShorted() bool { return e.short }
func (e lineError) NoDevices() bool { return !e.short }

var _ onewire.BusSearcher = (*Line)(nil)
