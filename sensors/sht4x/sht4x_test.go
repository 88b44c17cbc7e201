package sht4x_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors/emulated/chip"
	"github.com/frostline/frostline/sensors/sensortest"
	"github.com/frostline/frostline/sensors/sht4x"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	sensortest.Run(t, sensortest.Suite{
		Driver: sht4x.Driver,
		Place: func(b *sensortest.Bench) any {
			c := chip.NewSHT4x(b.Probe, b.Now, 0x0F1E2D3C)
			b.I2C("i2c-1", map[uint16]sensortest.Chip{0x44: c})
			b.Unplug, b.Plug = c.Unplug, c.Plug
			return sht4x.Driver.Config()
		},
		A:         map[agent.Quantity]float64{agent.Temperature: 4.25, agent.Humidity: 61},
		B:         map[agent.Quantity]float64{agent.Temperature: -21.5, agent.Humidity: 38},
		Tolerance: map[agent.Quantity]float64{agent.Temperature: 0.00135, agent.Humidity: 0.00096},
	})
}
