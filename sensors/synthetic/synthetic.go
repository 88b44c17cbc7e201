// Package synthetic is a sensor without a device, for load tests: any number of
// temperatures that cost next to nothing, wander slowly, and have the last digits of a
// real instrument. The same seed gives the same values at the same readings.
package synthetic

import (
	"context"
	"errors"
	"fmt"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

// Driver is the driver's word in the config: synthetic.
var Driver = sensors.Define("synthetic", Config{Points: 1}, points, open)

// MaxPoints is how many points one sensor may have.
const MaxPoints = 100_000

// Config is the settings of a sensor.
type Config struct {
	Points    int     `yaml:"points" doc:"how many temperatures it has: p0001, p0002 …"`
	Seed      int64   `yaml:"seed" doc:"the same seed gives the same values again"`
	FaultRate float64 `yaml:"fault_rate" doc:"share of readings that fail, from 0 to 1"`
}

// Validate reports settings that make no sensor.
func (c Config) Validate() error {
	var errs []error
	if c.Points < 1 || c.Points > MaxPoints {
		errs = append(errs, fmt.Errorf("points: %d: want 1 to %d", c.Points, MaxPoints))
	}
	if !(c.FaultRate >= 0 && c.FaultRate <= 1) {
		errs = append(errs, fmt.Errorf("fault_rate: %g: want 0 to 1", c.FaultRate))
	}
	return errors.Join(errs...)
}

func points(c Config) []sensors.PointSpec {
	if c.Points < 1 || c.Points > MaxPoints {
		return nil
	}
	specs := make([]sensors.PointSpec, c.Points)
	for i := range specs {
		specs[i] = sensors.PointSpec{Name: fmt.Sprintf("p%04d", i+1), Quantity: agent.Temperature}
	}
	return specs
}

func open(_ context.Context, _ sensors.Host, c Config) (sensors.Sensor, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Sensor{seed: uint64(c.Seed), waves: make([]wave, c.Points)}
	// Of 2^32 numbers this many are a fault; 2^32 itself is all of them.
	s.faulty = uint64(c.FaultRate * (1 << 32))
	for i, spec := range points(c) {
		r := mix(s.seed, uint64(i))
		s.waves[i] = wave{
			name:   spec.Name,
			middle: agent.Value(2_000_000 + 10_000*int64(r%400)), // 2 to 6 °C
			swing:  int64(100 + r>>9%100),                        // 1 to 2 K, in hundredths
			period: 400 + r>>17%400,                              // readings
			phase:  r >> 26 % 400,
		}
	}
	return s, nil
}

// Sensor makes up temperatures. One goroutine uses it.
type Sensor struct {
	seed   uint64
	faulty uint64
	waves  []wave
	n      uint64 // readings so far
	closed bool
}

// wave is a triangle around a middle.
type wave struct {
	name          string
	middle        agent.Value
	swing         int64 // hundredths of a kelvin
	period, phase uint64
}

// faults are what fails, in turn.
var faults = [...]agent.Fault{agent.FaultAbsent, agent.FaultCRC, agent.FaultTimeout, agent.FaultNotReady}

// Read appends one sample for each point.
func (s *Sensor) Read(ctx context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	if s.closed {
		return dst, fmt.Errorf("synthetic: %w", bus.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return dst, fmt.Errorf("synthetic: %w", err)
	}
	for i := range s.waves {
		w := &s.waves[i]
		noise := mix(s.seed^s.n, uint64(i))
		if noise>>32 < s.faulty {
			dst = append(dst, sensors.Sample{Point: w.name, Fault: faults[noise%uint64(len(faults))]})
			continue
		}
		dst = append(dst, sensors.Sample{Point: w.name, Value: w.at(s.n, noise)})
	}
	s.n++
	return dst, nil
}

// at is the n-th value: hundredths of a kelvin, with a noise of two of them on either side.
func (w *wave) at(n, noise uint64) agent.Value {
	where := int64((n + w.phase) % w.period) // 0 … period-1
	half := int64(w.period / 2)
	slope := where
	if where > half {
		slope = int64(w.period) - where // up, then down
	}
	hundredths := w.swing*(2*slope-half)/half + int64(noise%5) - 2
	return w.middle + agent.Value(hundredths)*(agent.Unit/100)
}

// Close ends the sensor.
func (s *Sensor) Close() error {
	s.closed = true
	return nil
}

// mix is splitmix64 (Steele, Lea and Flood 2014) of two numbers.
func mix(a, b uint64) uint64 {
	x := a*0x9E3779B97F4A7C15 + b + 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
