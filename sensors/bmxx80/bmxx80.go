// Package bmxx80 reads Bosch's BME280 (temperature, humidity, pressure) and BMP280
// (temperature, pressure) on I²C.
//
// These chips send no checksum, so what they say is proved in other ways:
//
//   - The trimming values are read twice when the device is opened and compared with
//     themselves at every measurement, so neither a spoiled nor an exchanged chip goes unseen.
//   - Each measurement begins with a reset, which wipes the last one: an old value cannot
//     come again.
//   - The measurement's settings are read back, and its result is read twice; the chip
//     sleeps meanwhile, so both must be the same.
//
// Thus a single spoiled transaction, to or from the chip, is an error and never a value.
// The same bit spoiled in the same way twice within milliseconds goes unseen: use an SHT4x
// where that matters.
//
// periph's driver is not used: it reads once and trusts it, crops the humidity to
// 0 … 100 %, and sleeps without a way to stop it; see TestPeriphBelieves. Facts are from
// the datasheets BST-BME280-DS002 (revision 1.6) and BST-BMP280-DS001 (1.14).
package bmxx80

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

// Driver is the driver's word in the config: bmxx80.
var Driver = sensors.Define("bmxx80", Config{Bus: "i2c-1", Address: 0x76, Chip: BME280}, points, open)

// Chip is a member of the family.
type Chip string

// The members.
const (
	BME280 Chip = "bme280" // temperature, humidity, pressure
	BMP280 Chip = "bmp280" // temperature, pressure
)

// Config is the settings of a sensor.
type Config struct {
	Bus     string `yaml:"bus" doc:"I²C bus, for example i2c-1"`
	Address uint16 `yaml:"address" doc:"I²C address: 0x76 (SDO to ground) or 0x77 (SDO to supply)"`
	Chip    Chip   `yaml:"chip" doc:"bme280 (with humidity) or bmp280 (without); opening fails if it is the other" enum:"bme280,bmp280"`
}

// Validate reports a chip or an address that does not exist.
func (c Config) Validate() error {
	var errs []error
	if c.Bus == "" {
		errs = append(errs, errors.New("bus: is missing"))
	}
	if c.Address != 0x76 && c.Address != 0x77 {
		errs = append(errs, fmt.Errorf("address: %#02x: want 0x76 or 0x77", c.Address))
	}
	if c.Chip != BME280 && c.Chip != BMP280 {
		errs = append(errs, fmt.Errorf("chip: %q: want bme280 or bmp280", c.Chip))
	}
	return errors.Join(errs...)
}

func points(c Config) []sensors.PointSpec {
	p := []sensors.PointSpec{{Name: "temperature", Quantity: agent.Temperature}}
	if c.Chip == BME280 {
		p = append(p, sensors.PointSpec{Name: "humidity", Quantity: agent.Humidity})
	}
	return append(p, sensors.PointSpec{Name: "pressure", Quantity: agent.Pressure})
}

// Registers (section 5.3 of the BME280's datasheet, 4.2 of the BMP280's).
const (
	regTrim     = 0x88
	regID       = 0xD0
	regReset    = 0xE0
	regTrimHum  = 0xE1
	regCtrlHum  = 0xF2
	regStatus   = 0xF3
	regCtrlMeas = 0xF4
	regData     = 0xF7

	idBME280  = 0x60
	idBMP280  = 0x58
	resetWord = 0xB6
	copying   = 0x01 // status: trimming values are being copied
	measuring = 0x08 // status
	forced    = 0x01 // ctrl_meas: measure once, then sleep
	modeBits  = 0x03
)

// Oversampling: once each. Forced mode with so little work heats the chip by less than
// its own noise at intervals of a second and more.
const (
	ctrlHum  = 1
	ctrlMeas = 1<<5 | 1<<2
)

// Times (sections 1.1 and 9.1): start-up 2 ms; 1.25 + 2.3 + (2.3 + 0.575)·2 ms at most for
// one measurement of each. Both with room for a slow clock.
const (
	bootTime    = 3 * time.Millisecond
	bootPolls   = 5
	measureTime = 12 * time.Millisecond
)

// Sensor is an open BME280 or BMP280. One goroutine uses it.
type Sensor struct {
	bus     *bus.I2C
	addr    uint16
	humid   bool
	burnt   []byte // the trimming values as read, nil if in doubt
	trim    trim
	started bool
	closed  bool
}

func open(ctx context.Context, h sensors.Host, c Config) (sensors.Sensor, error) {
	b, err := h.I2C(c.Bus)
	if err != nil {
		return nil, err
	}
	s := &Sensor{bus: b, addr: c.Address, humid: c.Chip == BME280}
	if err := s.learn(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Start wipes the last measurement and begins a new one.
func (s *Sensor) Start(ctx context.Context) (time.Duration, error) {
	s.started = false
	if err := s.start(ctx); err != nil {
		return 0, fmt.Errorf("bmxx80: measure: %w", err)
	}
	s.started = true
	return measureTime, nil
}

func (s *Sensor) start(ctx context.Context) error {
	if s.closed {
		return bus.ErrClosed
	}
	if s.burnt == nil {
		if err := s.learn(ctx); err != nil {
			return err
		}
	}
	if err := s.reset(ctx); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	settings := []byte{regCtrlMeas, ctrlMeas | forced}
	if s.humid { // humidity's setting takes effect with the other
		settings = append([]byte{regCtrlHum, ctrlHum}, settings...)
	}
	return s.bus.Tx(ctx, s.addr, settings, nil)
}

// Read fetches the measurement, after making one if none was begun.
func (s *Sensor) Read(ctx context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	if !s.started {
		ready, err := s.Start(ctx)
		if err != nil {
			return dst, err
		}
		if err := sensors.Wait(ctx, ready); err != nil {
			return dst, fmt.Errorf("bmxx80: measure: %w", err)
		}
	}
	s.started = false
	raw, err := s.result(ctx)
	if err != nil {
		s.burnt = nil // whatever it was, look at the chip anew
		return dst, fmt.Errorf("bmxx80: read: %w", err)
	}
	return s.samples(dst, raw)
}

// Close releases the sensor; the bus stays open for others.
func (s *Sensor) Close() error {
	s.closed, s.started = true, false
	return nil
}

// reset restarts the chip and waits until it has started.
func (s *Sensor) reset(ctx context.Context) error {
	if err := s.bus.Tx(ctx, s.addr, []byte{regReset, resetWord}, nil); err != nil {
		return err
	}
	for range bootPolls {
		if err := sensors.Wait(ctx, bootTime); err != nil {
			return err
		}
		var status [1]byte
		if err := s.registers(ctx, regStatus, status[:]); err != nil {
			return err
		}
		if status[0]&copying == 0 {
			return nil
		}
	}
	return fmt.Errorf("still starting: %w", agent.FaultNotReady)
}

// learn identifies the chip and reads its trimming values, twice.
func (s *Sensor) learn(ctx context.Context) error {
	var id [1]byte
	if err := s.registers(ctx, regID, id[:]); err != nil {
		return fmt.Errorf("identify: %w", err)
	}
	want := byte(idBMP280)
	if s.humid {
		want = idBME280
	}
	if id[0] != want {
		return fmt.Errorf("identify: chip id %#02x, want %#02x: %w", id[0], want, agent.FaultProtocol)
	}
	first, err := s.readTrim(ctx)
	if err != nil {
		return err
	}
	second, err := s.readTrim(ctx)
	if err != nil {
		return err
	}
	if !bytes.Equal(first, second) {
		return fmt.Errorf("trimming values: two reads differ: %w", agent.FaultProtocol)
	}
	t, err := parseTrim(first, s.humid)
	if err != nil {
		return err
	}
	s.burnt, s.trim = first, t
	return nil
}

func (s *Sensor) readTrim(ctx context.Context) ([]byte, error) {
	b := make([]byte, trimSize(s.humid))
	if err := s.registers(ctx, regTrim, b[:trimFirst]); err != nil {
		return nil, fmt.Errorf("trimming values: %w", err)
	}
	if s.humid {
		if err := s.registers(ctx, regTrimHum, b[trimFirst:]); err != nil {
			return nil, fmt.Errorf("trimming values: %w", err)
		}
	}
	return b, nil
}

// result proves that the measurement was made as ordered and returns its codes.
func (s *Sensor) result(ctx context.Context) (codes, error) {
	if err := s.ordered(ctx); err != nil {
		return codes{}, err
	}
	first := make([]byte, dataSize(s.humid))
	if err := s.registers(ctx, regData, first); err != nil {
		return codes{}, err
	}
	burnt, err := s.readTrim(ctx)
	if err != nil {
		return codes{}, err
	}
	if !bytes.Equal(burnt, s.burnt) {
		return codes{}, fmt.Errorf("trimming values have changed: %w", agent.FaultProtocol)
	}
	second := make([]byte, len(first))
	if err := s.registers(ctx, regData, second); err != nil {
		return codes{}, err
	}
	if !bytes.Equal(first, second) {
		return codes{}, fmt.Errorf("two reads of one measurement differ: %x, %x: %w", first, second, agent.FaultProtocol)
	}
	c := parseCodes(first)
	if c.t == unmeasured && c.p == unmeasured {
		return codes{}, fmt.Errorf("nothing was measured: %w", agent.FaultNotReady)
	}
	return c, nil
}

// ordered proves that the chip measured with the settings that it was sent, and is done.
func (s *Sensor) ordered(ctx context.Context) error {
	ctrl := []byte{ctrlHum, 0, 0} // ctrl_hum, status, ctrl_meas
	first, r := byte(regCtrlHum), ctrl
	if !s.humid {
		first, r = regStatus, ctrl[1:]
	}
	if err := s.registers(ctx, first, r); err != nil {
		return err
	}
	switch {
	case ctrl[1]&(measuring|copying) != 0 || ctrl[2]&modeBits == forced:
		return fmt.Errorf("still measuring: %w", agent.FaultNotReady)
	case ctrl[0]&7 != ctrlHum || ctrl[2] != ctrlMeas:
		return fmt.Errorf("settings %02x are not those ordered: %w", ctrl, agent.FaultProtocol)
	}
	return nil
}

func (s *Sensor) registers(ctx context.Context, first byte, r []byte) error {
	return s.bus.Tx(ctx, s.addr, []byte{first}, r)
}

// The operating range (section 1.1): outside it the formulas mean nothing.
const (
	lowest, highest           = -40.0, 85.0     // °C
	lowestPascal, mostPascals = 30_000, 110_000 // Pa
)

// samples converts codes, and appends nothing where the temperature is out of range,
// because the other quantities are computed with it.
func (s *Sensor) samples(dst []sensors.Sample, c codes) ([]sensors.Sample, error) {
	fine := s.trim.fine(c.t)
	celsius := fine / 5120
	if !(celsius >= lowest && celsius <= highest) {
		return dst, fmt.Errorf("bmxx80: read: %.2f °C is outside the chip's range: %w", celsius, agent.FaultRange)
	}
	all := append(dst, sample("temperature", celsius, true))
	if s.humid {
		all = append(all, sample("humidity", s.trim.percent(fine, c.h), true))
	}
	pascal := s.trim.pascal(fine, c.p)
	return append(all, sample("pressure", pascal/100, pascal >= lowestPascal && pascal <= mostPascals)), nil
}

func sample(point string, x float64, inRange bool) sensors.Sample {
	v, err := agent.ValueOf(x)
	if err != nil || !inRange {
		return sensors.Sample{Point: point, Fault: agent.FaultRange}
	}
	return sensors.Sample{Point: point, Value: v}
}
