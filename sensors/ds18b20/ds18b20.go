// Package ds18b20 reads Maxim's DS18B20, a thermometer on a 1-Wire line: through the Linux
// kernel's 1-Wire driver, or through a 1-Wire master such as a DS2482 on I²C.
//
// It checks the scratchpad itself on both ways. The kernel's millidegrees are not used: its
// second line repeats the last good value after a failed read. Facts are from the datasheet
// DS18B20 (19-7487, revision 6) and drivers/w1/slaves/w1_therm.c of Linux.
package ds18b20

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
)

// Driver is the driver's word in the config: ds18b20.
var Driver = sensors.Define("ds18b20", Config{Bus: KernelBus, Power: External}, points, open)

// KernelBus is the name of the kernel's 1-Wire directory. Names that begin with it are of
// that kind too, and so is every path of a directory.
const KernelBus = "w1"

// Power is where the thermometer takes its power from.
type Power string

// The kinds of power.
const (
	External Power = "external" // three wires
	Parasite Power = "parasite" // two wires: from the data line
)

// Config is the settings of a sensor.
type Config struct {
	Bus     string `yaml:"bus" doc:"w1 (the kernel's 1-Wire driver), or a 1-Wire master: ds248x:i2c-1:0x18"`
	Address string `yaml:"address" doc:"the thermometer's ROM as the kernel writes it, for example 28-0316a2791a01" like:"28-0316a2791a01"`
	Power   Power  `yaml:"power" doc:"external (three wires) or parasite (two wires, power from the data line); for a 1-Wire master only, the kernel finds out itself" enum:"external,parasite"`
}

// Validate reports an address that no DS18B20 has.
func (c Config) Validate() error {
	var errs []error
	if c.Bus == "" {
		errs = append(errs, errors.New("bus: is missing"))
	}
	if _, err := parseROM(c.Address); err != nil {
		errs = append(errs, fmt.Errorf("address: %w", err))
	}
	if c.Power != External && c.Power != Parasite {
		errs = append(errs, fmt.Errorf("power: %q: want external or parasite", c.Power))
	}
	return errors.Join(errs...)
}

// kernel reports whether the bus is the kernel's directory.
func (c Config) kernel() bool {
	return strings.HasPrefix(c.Bus, KernelBus) || strings.HasPrefix(c.Bus, "/")
}

func points(Config) []sensors.PointSpec {
	return []sensors.PointSpec{{Name: "temperature", Quantity: agent.Temperature}}
}

func open(ctx context.Context, h sensors.Host, c Config) (sensors.Sensor, error) {
	rom, err := parseROM(c.Address)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	if c.kernel() {
		dir, err := h.W1(c.Bus)
		if err != nil {
			return nil, err
		}
		return openFile(ctx, dir, rom)
	}
	b, err := h.OneWire(c.Bus)
	if err != nil {
		return nil, err
	}
	return openSlave(ctx, b, rom, c.Power)
}
