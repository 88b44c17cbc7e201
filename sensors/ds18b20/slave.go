package ds18b20

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"periph.io/x/conn/v3/onewire"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

// Commands, and the longest conversion (12 bits: 750 ms) with room for a slow chip.
const (
	cmdSkipROM        = 0xCC
	cmdMatchROM       = 0x55
	cmdConvert        = 0x44
	cmdReadScratchpad = 0xBE

	convertTime = 800 * time.Millisecond
)

// Slave is a thermometer behind a 1-Wire master. One goroutine uses it.
type Slave struct {
	bus     *bus.OneWire
	rom     rom
	power   Power
	round   uint64 // of the bus's conversions, the last this one took part in
	started bool
	closed  bool
}

func openSlave(ctx context.Context, b *bus.OneWire, r rom, power Power) (sensors.Sensor, error) {
	s := &Slave{bus: b, rom: r, power: power}
	pad, err := s.scratchpad(ctx)
	if err != nil {
		return nil, err
	}
	// Only whether it answers matters: what it measured last is of no interest, and after
	// power-on it has not measured.
	if _, err := pad.celsius(); err != nil && !errors.Is(err, agent.FaultPowerOn) && !errors.Is(err, agent.FaultPower) {
		if errors.Is(err, agent.FaultAbsent) {
			return nil, fmt.Errorf("%s: %w%s", r, err, neighbors(ctx, b))
		}
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	return s, nil
}

// neighbors names what is on the line instead, for who mistyped an address.
func neighbors(ctx context.Context, b *bus.OneWire) string {
	found, err := b.Search(ctx)
	if err != nil || len(found) == 0 {
		return ""
	}
	names := make([]string, len(found))
	for i, a := range found {
		names[i] = fmt.Sprintf("%02x-%012x", uint64(a)&0xFF, uint64(a)<<8>>16)
	}
	return "; on the line are " + strings.Join(names, ", ")
}

// Serial is the device's ROM as the kernel writes it.
func (s *Slave) Serial() string { return s.rom.String() }

// Start begins a conversion of all thermometers on the line, unless another of them has
// done so for this tick. With external power it makes sure that they do convert, so that
// a command that was lost cannot bring an old value back.
func (s *Slave) Start(ctx context.Context) (time.Duration, error) {
	s.started = false
	if s.closed {
		return 0, fmt.Errorf("ds18b20: convert: %w", bus.ErrClosed)
	}
	pull, answer := onewire.WeakPullup, 1
	if s.power == Parasite {
		pull, answer = onewire.StrongPullup, 0
	}
	round, err := s.bus.Begin(ctx, s.round, convertTime, []byte{cmdSkipROM, cmdConvert}, pull, answer, converting)
	if err != nil {
		return 0, fmt.Errorf("ds18b20: convert: %w", err)
	}
	s.round, s.started = round, true
	return convertTime, nil
}

// converting reports whether the line is held low right after the command, as thermometers
// with external power do while they convert.
func converting(answer []byte) error {
	for _, b := range answer {
		if b != 0 {
			return fmt.Errorf("no thermometer converts (parasite power needs `power: parasite`): %w", agent.FaultAbsent)
		}
	}
	return nil
}

// Read fetches the temperature, after a conversion if none was begun.
func (s *Slave) Read(ctx context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	if !s.started {
		ready, err := s.Start(ctx)
		if err != nil {
			return dst, err
		}
		if err := sensors.Wait(ctx, ready); err != nil {
			return dst, fmt.Errorf("ds18b20: convert: %w", err)
		}
	}
	s.started = false
	s.bus.End(s.round)
	pad, err := s.scratchpad(ctx)
	if err != nil {
		return dst, fmt.Errorf("ds18b20: read %s: %w", s.rom, err)
	}
	v, err := pad.celsius()
	if err != nil {
		return dst, fmt.Errorf("ds18b20: read %s: %w", s.rom, err)
	}
	return append(dst, sensors.Sample{Point: "temperature", Value: v}), nil
}

// Close releases the sensor; the bus stays open for others.
func (s *Slave) Close() error {
	s.closed, s.started = true, false
	return nil
}

func (s *Slave) scratchpad(ctx context.Context) (pad scratchpad, err error) {
	w := append(append([]byte{cmdMatchROM}, s.rom[:]...), cmdReadScratchpad)
	err = s.bus.Tx(ctx, w, pad[:], onewire.WeakPullup)
	return pad, err
}
