// Package sht4x reads Sensirion's SHT40, SHT41 and SHT45: temperature and humidity on I²C.
//
// It decodes the chip's bytes itself: periph's release has no driver for it, and drivers
// of this chip like to crop to the legal range or to leave −40 °C, which a freezer may
// have, where a read failed; see TestTape. Facts are from Sensirion's datasheet "SHT4x",
// version 6.
package sht4x

import (
	"context"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

// Driver is the driver's word in the config: sht4x.
var Driver = sensors.Define("sht4x", Config{Bus: "i2c-1", Address: 0x44}, points, open)

// Config is the settings of a sensor.
type Config struct {
	Bus     string `yaml:"bus" doc:"I²C bus, for example i2c-1"`
	Address uint16 `yaml:"address" doc:"I²C address: 0x44 (SHT4x-A, the usual one), 0x45 (-B) or 0x46 (-C)"`
}

// Validate reports an address that no SHT4x has.
func (c Config) Validate() error {
	if c.Bus == "" {
		return fmt.Errorf("bus: is missing")
	}
	if c.Address < 0x44 || c.Address > 0x46 {
		return fmt.Errorf("address: %#02x: want 0x44, 0x45 or 0x46", c.Address)
	}
	return nil
}

func points(Config) []sensors.PointSpec {
	return []sensors.PointSpec{
		{Name: "temperature", Quantity: agent.Temperature},
		{Name: "humidity", Quantity: agent.Humidity},
	}
}

// Commands (table 8) and the longest time that the most precise measurement takes
// (table 5: 8.3 ms), with room for a slow clock.
const (
	cmdMeasure = 0xFD
	cmdSerial  = 0x89

	measureTime = 10 * time.Millisecond
)

// The operating range (table 2). What the formula gives outside it is no measurement.
const (
	lowest  = -40 * agent.Unit
	highest = 125 * agent.Unit
)

// Sensor is an open SHT4x. One goroutine uses it.
type Sensor struct {
	bus     *bus.I2C
	addr    uint16
	serial  uint32
	started bool // a measurement is under way or waits to be fetched
	closed  bool
}

func open(ctx context.Context, h sensors.Host, c Config) (sensors.Sensor, error) {
	b, err := h.I2C(c.Bus)
	if err != nil {
		return nil, err
	}
	s := &Sensor{bus: b, addr: c.Address}
	if err := s.command(ctx, cmdSerial); err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	hi, lo, err := s.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	s.serial = uint32(hi)<<16 | uint32(lo)
	return s, nil
}

// Serial is the number that Sensirion burnt into the chip, as eight hexadecimal digits.
func (s *Sensor) Serial() string { return fmt.Sprintf("%08X", s.serial) }

// Start begins a measurement.
func (s *Sensor) Start(ctx context.Context) (time.Duration, error) {
	s.started = false
	if s.closed {
		return 0, fmt.Errorf("sht4x: measure: %w", bus.ErrClosed)
	}
	if err := s.command(ctx, cmdMeasure); err != nil {
		return 0, fmt.Errorf("sht4x: measure: %w", err)
	}
	s.started = true
	return measureTime, nil
}

// Read fetches the measurement, after beginning one if none is under way. The chip gives
// each measurement once, so an old one cannot come again.
func (s *Sensor) Read(ctx context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	if !s.started {
		ready, err := s.Start(ctx)
		if err != nil {
			return dst, err
		}
		if err := sensors.Wait(ctx, ready); err != nil {
			return dst, fmt.Errorf("sht4x: measure: %w", err)
		}
	}
	s.started = false
	t, h, err := s.fetch(ctx)
	if err != nil {
		return dst, fmt.Errorf("sht4x: read: %w", err)
	}
	temperature, humidity := celsius(t), percent(h)
	if temperature < lowest || temperature > highest {
		return dst, fmt.Errorf("sht4x: read: %s °C is outside the chip's range: %w", temperature, agent.FaultRange)
	}
	return append(dst,
		sensors.Sample{Point: "temperature", Value: temperature},
		sensors.Sample{Point: "humidity", Value: humidity}), nil
}

// Close releases the sensor; the bus stays open for others.
func (s *Sensor) Close() error {
	s.closed, s.started = true, false
	return nil
}

func (s *Sensor) command(ctx context.Context, cmd byte) error {
	return s.bus.Tx(ctx, s.addr, []byte{cmd}, nil)
}

// fetch reads two words, each with its checksum. The chip does not acknowledge this
// while it measures, or if it has nothing to give.
func (s *Sensor) fetch(ctx context.Context) (a, b uint16, err error) {
	var frame [6]byte
	if err := s.bus.Tx(ctx, s.addr, nil, frame[:]); err != nil {
		return 0, 0, err
	}
	return decode(frame)
}

func decode(frame [6]byte) (a, b uint16, err error) {
	for i, word := range [][]byte{frame[0:3], frame[3:6]} {
		if crc := crc8(word[:2]); crc != word[2] {
			return 0, 0, fmt.Errorf("word %d: checksum %#02x, computed %#02x: %w", i, word[2], crc, agent.FaultCRC)
		}
	}
	return uint16(frame[0])<<8 | uint16(frame[1]), uint16(frame[3])<<8 | uint16(frame[4]), nil
}

// celsius is −45 + 175·S/65535 °C (section 4.6), to the nearest millionth.
func celsius(s uint16) agent.Value { return scaled(175, s) - 45*agent.Unit }

// percent is −6 + 125·S/65535 %RH (section 4.6), to the nearest millionth. The datasheet
// suggests to crop it to 0 … 100; a value is evidence, and what lies beyond tells of
// condensation or a worn sensor, so it stays.
func percent(s uint16) agent.Value { return scaled(125, s) - 6*agent.Unit }

func scaled(span agent.Value, s uint16) agent.Value {
	return (span*agent.Unit*agent.Value(s) + 65535/2) / 65535
}

// crc8 is polynomial 0x31, initial value 0xFF, not reflected (section 4.4).
func crc8(b []byte) byte {
	crc := byte(0xFF)
	for _, x := range b {
		crc ^= x
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x31
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
