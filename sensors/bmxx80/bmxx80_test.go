package bmxx80_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors/bmxx80"
	"github.com/frostline/frostline/sensors/emulated/chip"
	"github.com/frostline/frostline/sensors/sensortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	for name, build := range map[bmxx80.Chip]func(chip.Probe, chip.Now) *chip.BMx280{
		bmxx80.BME280: chip.NewBME280, bmxx80.BMP280: chip.NewBMP280,
	} {
		t.Run(string(name), func(t *testing.T) {
			sensortest.Run(t, sensortest.Suite{
				Driver: bmxx80.Driver,
				Place: func(b *sensortest.Bench) any {
					c := build(b.Probe, b.Now)
					b.I2C("i2c-1", map[uint16]sensortest.Chip{0x76: c})
					b.Unplug, b.Plug = c.Unplug, c.Plug
					config := bmxx80.Driver.Config().(*bmxx80.Config)
					config.Chip = name
					return config
				},
				A: map[agent.Quantity]float64{agent.Temperature: 4.25, agent.Humidity: 61, agent.Pressure: 1013.25},
				B: map[agent.Quantity]float64{agent.Temperature: 23.5, agent.Humidity: 38, agent.Pressure: 985},
				// A code is a step of 0.0003 °C, 0.01 %RH or 0.002 hPa.
				Tolerance: map[agent.Quantity]float64{agent.Temperature: 0.0004, agent.Humidity: 0.015, agent.Pressure: 0.004},
			})
		})
	}
}
