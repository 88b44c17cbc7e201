package ds18b20

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bus"
)

// File is a thermometer behind the kernel's 1-Wire driver, which converts while the file
// is read. One goroutine uses it.
type File struct {
	dir    *bus.W1
	rom    rom
	closed bool
}

func openFile(ctx context.Context, dir *bus.W1, r rom) (sensors.Sensor, error) {
	names, err := dir.List(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, r.String()) {
		return nil, fmt.Errorf("%s is not among %s: %w", r, strings.Join(names, ", "), agent.FaultAbsent)
	}
	return &File{dir: dir, rom: r}, nil
}

// Serial is the device's ROM as the kernel writes it.
func (f *File) Serial() string { return f.rom.String() }

// Read measures and reads the temperature; the kernel takes up to 750 ms for it.
func (f *File) Read(ctx context.Context, dst []sensors.Sample) ([]sensors.Sample, error) {
	if f.closed {
		return dst, fmt.Errorf("ds18b20: read: %w", bus.ErrClosed)
	}
	text, err := f.dir.ReadFile(ctx, f.rom.String()+"/w1_slave")
	if err != nil {
		return dst, fmt.Errorf("ds18b20: read %s: %w", f.rom, err)
	}
	pad, err := parseFile(text)
	if err != nil {
		return dst, fmt.Errorf("ds18b20: read %s: %w", f.rom, err)
	}
	v, err := pad.celsius()
	if err != nil {
		return dst, fmt.Errorf("ds18b20: read %s: %w", f.rom, err)
	}
	return append(dst, sensors.Sample{Point: "temperature", Value: v}), nil
}

// Close releases the sensor.
func (f *File) Close() error {
	f.closed = true
	return nil
}

// parseFile takes the scratchpad from the first line of w1_slave:
//
//	91 01 4b 46 7f ff 0f 10 25 : crc=25 YES
//	91 01 4b 46 7f ff 0f 10 25 t=25062
//
// The second line is that of the last good read, so nothing there counts.
func parseFile(text []byte) (pad scratchpad, err error) {
	line, _, _ := strings.Cut(string(text), "\n")
	digits, verdict, found := strings.Cut(line, " : ")
	if !found {
		return pad, fmt.Errorf("%q is not what the kernel writes: %w", line, agent.FaultShort)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil || len(b) != len(pad) || len(digits) != 3*len(pad)-1 {
		return pad, fmt.Errorf("%q is not what the kernel writes: %w", line, agent.FaultProtocol)
	}
	copy(pad[:], b)
	if !strings.HasSuffix(verdict, " YES") && pad != (scratchpad{}) {
		return pad, fmt.Errorf("the kernel found a wrong checksum: %w", agent.FaultCRC)
	}
	return pad, nil
}
