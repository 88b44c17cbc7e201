// Package sensors defines what a device driver is: a folder below this one that
// exports one value made by Define or DefineScanner.
//
// A driver starts no goroutine, keeps no schedule and reads no clock: the sampling
// lane does. It never makes up a value: an error appends nothing, and the value it
// does append is what the instrument said, not clamped, not repeated, not defaulted.
package sensors

import (
	"context"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors/bus"
)

// Sensor is a device that is read when it is asked. One goroutine calls it.
type Sensor interface {
	// Read measures every point of the sensor and appends one Sample for each to dst.
	// On error it appends nothing and returns dst as it was; the error wraps an
	// agent.Fault where the driver knows which (see agent.FaultAbsent and its like).
	// A single point that failed while others succeeded is a Sample with its Fault set.
	// Read honors ctx: it returns soon after ctx is done.
	Read(ctx context.Context, dst []Sample) ([]Sample, error)
	// Close releases the device. A second Close does nothing and returns nil.
	Close() error
}

// Starter is a Sensor whose conversion takes time: the lane starts all of a tick's
// conversions together, waits for the longest, then reads each.
type Starter interface {
	// Start begins a conversion and tells after how long Read may be called. On a bus
	// where one command starts all devices (1-Wire), only the first call of a tick sends it.
	Start(ctx context.Context) (ready time.Duration, err error)
}

// Watcher is a Sensor of state inputs (doors, mains, contacts) that tells when to read it
// before its next tick, so that every change is recorded at once.
type Watcher interface {
	// Watch calls changed at every change, debounced, until ctx is done (it then returns
	// nil) or changes can no longer be seen. changed never blocks. Read may run meanwhile.
	Watch(ctx context.Context, changed func()) error
}

// Numbered is a Sensor whose device has a number of its own, by which another one in its
// place is noticed.
type Numbered interface {
	// Serial is the number; empty where this device has none.
	Serial() string
}

// Scanner is a device that speaks by itself.
type Scanner interface {
	// Run calls emit for each code until ctx is done (it then returns nil) or the device
	// fails (it then returns why, and may be run again). emit never blocks.
	Run(ctx context.Context, emit func(Observation)) error
	// Close releases the device. A second Close does nothing and returns nil.
	Close() error
}

// Sample is one point's part of a Read.
type Sample struct {
	Point string      // the name of a PointSpec of this sensor
	Value agent.Value // as the instrument gave it, in the quantity's unit
	Fault agent.Fault // set if this point failed; Value is then meaningless
}

// Observation is one code that a Scanner saw.
type Observation struct {
	Code      string
	Symbology agent.Symbology
	Antenna   int       // from 1; 0 where there is none
	RSSI      int       // dBm; 0 where there is none
	SourceAt  time.Time // the device's own time; zero where it has none
}

// PointSpec declares one point of a driver.
type PointSpec struct {
	Name     string         // unique within the sensor: temperature, humidity …
	Quantity agent.Quantity // what is measured there
}

// Host gives a driver its bus. Names are the operating system's, or those of the
// config's buses: i2c-1, spi0.0, w1, GPIO17, /dev/ttyUSB0.
type Host interface {
	I2C(name string) (*bus.I2C, error)
	SPI(name string) (*bus.SPI, error)
	OneWire(name string) (*bus.OneWire, error)
	W1(name string) (*bus.W1, error) // the kernel's 1-Wire directory
	Pin(name string) (*bus.Pin, error)
	Serial(name string, baud int) (*bus.Serial, error)
}
