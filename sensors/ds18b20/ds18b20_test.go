package ds18b20_test

import (
	"context"
	"io/fs"
	"math"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/ds18b20"
	"github.com/frostline/frostline/sensors/emulated/chip"
	"github.com/frostline/frostline/sensors/sensortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	serial  = 0x0316a2791a01
	address = "28-0316a2791a01"
)

var (
	roomA     = map[agent.Quantity]float64{agent.Temperature: 4.25}
	roomB     = map[agent.Quantity]float64{agent.Temperature: -18.5625}
	exact     = map[agent.Quantity]float64{agent.Temperature: 0}
	onMaster  = func(b *sensortest.Bench, c *chip.DS18B20) { b.OneWire("ow0", chip.NewLine(c)) }
	onBridge  = func(b *sensortest.Bench, c *chip.DS18B20) { bridged(b, c) }
	inKernel  = func(b *sensortest.Bench, c *chip.DS18B20) { b.W1("w1", w1Dir{address: c}) }
	busOfEach = map[string]string{"master": "ow0", "bridge": "ds248x:i2c-1:0x18", "kernel": "w1"}
)

func bridged(b *sensortest.Bench, slaves ...chip.Slave) {
	bridge := chip.NewDS2482(b.Now, chip.NewLine(slaves...))
	b.I2C("i2c-1", map[uint16]sensortest.Chip{0x18: bridge})
}

func suite(where string, attach func(*sensortest.Bench, *chip.DS18B20)) sensortest.Suite {
	return sensortest.Suite{
		Driver: ds18b20.Driver,
		Place: func(b *sensortest.Bench) any {
			c := chip.NewDS18B20(b.Probe, b.Now, serial)
			attach(b, c)
			b.Unplug, b.Plug = c.Unplug, c.Plug
			return config(busOfEach[where], address)
		},
		A: roomA, B: roomB, Tolerance: exact,
	}
}

func config(bus, address string) *ds18b20.Config {
	c := ds18b20.Driver.Config().(*ds18b20.Config)
	c.Bus, c.Address = bus, address
	return c
}

func TestConformanceMaster(t *testing.T) { sensortest.Run(t, suite("master", onMaster)) }
func TestConformanceKernel(t *testing.T) { sensortest.Run(t, suite("kernel", inKernel)) }
func TestConformanceBridge(t *testing.T) {
	s := suite("bridge", onBridge)
	s.Unanswered = true // a bridge that does not acknowledge the register of its sibling
	sensortest.Run(t, s)
}

// w1Dir is the kernel's directory with these thermometers in it.
type w1Dir map[string]*chip.DS18B20

func (d w1Dir) Open(name string) (fs.File, error) {
	files := fstest.MapFS{}
	for rom, c := range d {
		files[rom+"/w1_slave"] = &fstest.MapFile{}
		if name != rom+"/w1_slave" {
			continue
		}
		text, ok := c.W1Slave()
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		files[name].Data = text
	}
	return files.Open(name)
}

var _ = math.Pi
var _ = context.Background
var _ sensors.Sensor
