package ds18b20_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

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

// open opens a thermometer on a bench.
func open(t *testing.T, b *sensortest.Bench, c *ds18b20.Config) sensors.Sensor {
	t.Helper()
	s, err := ds18b20.Driver.Open(t.Context(), b.Host(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tick reads sensors as their lanes do: all start, all wait, all read.
func tick(t *testing.T, b *sensortest.Bench, all ...sensors.Sensor) (values []agent.Value, errs []error) {
	t.Helper()
	var longest time.Duration
	for _, s := range all {
		if st, ok := s.(sensors.Starter); ok {
			ready, err := st.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			longest = max(longest, ready)
		}
	}
	b.Skip(longest)
	for _, s := range all {
		got, err := s.Read(t.Context(), nil)
		v := agent.Value(0)
		if err == nil {
			v = got[0].Value
		}
		values, errs = append(values, v), append(errs, err)
	}
	return values, errs
}

func conversions(b *sensortest.Bench) (n int) {
	for _, tx := range b.Log() {
		if len(tx.W) == 2 && tx.W[0] == 0xCC && tx.W[1] == 0x44 {
			n++
		}
	}
	return n
}

// TestOneConversionPerTick has two thermometers on a line, one read at every tick and one
// at every third: a tick sends one command, and nobody gets a value of an earlier tick.
func TestOneConversionPerTick(t *testing.T) {
	b := sensortest.NewBench()
	b.Set(agent.Temperature, 0)
	one, two := chip.NewDS18B20(b.Probe, b.Now, serial), chip.NewDS18B20(b.Probe, b.Now, serial+1)
	b.OneWire("ow0", chip.NewLine(one, two))
	defer b.Close()
	often, seldom := open(t, b, config("ow0", address)), open(t, b, config("ow0", "28-0316a2791a02"))
	for i := range 9 {
		b.Set(agent.Temperature, float64(i))
		all := []sensors.Sensor{often}
		if i%3 == 2 {
			all = []sensors.Sensor{seldom, often}
		}
		b.Break(nil)
		values, errs := tick(t, b, all...)
		for j, v := range values {
			if errs[j] != nil || v != agent.Value(i)*agent.Unit {
				t.Errorf("tick %d, sensor %d of %d: %v, %v; want %d", i, j+1, len(all), v, errs[j], i)
			}
		}
		if n := conversions(b); n != 1 {
			t.Errorf("tick %d sent %d conversions, want 1", i, n)
		}
	}
	// A tick that was begun and given up leaves nothing to join.
	for _, s := range []sensors.Sensor{often, seldom} {
		if _, err := s.(sensors.Starter).Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.Skip(time.Minute)
	b.Set(agent.Temperature, 25)
	values, errs := tick(t, b, seldom, often)
	if errors.Join(errs...) != nil || values[0] != 25*agent.Unit || values[1] != 25*agent.Unit {
		t.Errorf("after a tick that was given up: %v, %v; want 25", values, errs)
	}
}

// TestNoMeasurement is what a scratchpad holds instead of a temperature, on both ways.
func TestNoMeasurement(t *testing.T) {
	for way, attach := range map[string]func(*sensortest.Bench, *chip.DS18B20){"master": onMaster, "kernel": inKernel} {
		for name, c := range map[string]struct {
			trouble func(*chip.DS18B20)
			want    agent.Fault
		}{
			"too little power":    {func(c *chip.DS18B20) { c.Underpower(true) }, agent.FaultPower},
			"all zeros":           {func(c *chip.DS18B20) { c.Corrupt(zeros) }, agent.FaultAbsent},
			"all ones":            {func(c *chip.DS18B20) { c.Corrupt(ones) }, agent.FaultAbsent},
			"one spoiled byte":    {func(c *chip.DS18B20) { c.Corrupt(oneByte) }, agent.FaultCRC},
			"parasite, weak pull": {func(c *chip.DS18B20) { c.Parasite(true) }, agent.FaultAbsent},
		} {
			if way == "kernel" && name == "parasite, weak pull" {
				continue // the kernel finds out itself
			}
			if way == "kernel" && name == "all ones" {
				c.want = agent.FaultCRC // what the kernel makes of it
			}
			t.Run(way+"/"+name, func(t *testing.T) {
				b := sensortest.NewBench()
				b.Set(agent.Temperature, 5)
				dev := chip.NewDS18B20(b.Probe, b.Now, serial)
				attach(b, dev)
				defer b.Close()
				s := open(t, b, config(busOfEach[way], address))
				c.trouble(dev)
				err := start(t, b, s)
				if err == nil {
					var got []sensors.Sample
					if got, err = s.Read(t.Context(), nil); len(got) > 0 {
						t.Errorf("a value: %v", got)
					}
				}
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
			})
		}
	}
}

func start(t *testing.T, b *sensortest.Bench, s sensors.Sensor) error {
	st, ok := s.(sensors.Starter)
	if !ok {
		return nil
	}
	ready, err := st.Start(t.Context())
	b.Skip(ready)
	return err
}

func zeros(_ int, frame []byte) { clear(frame) }
func ones(_ int, frame []byte) {
	for i := range frame {
		frame[i] = 0xFF
	}
}

func oneByte(n int, frame []byte) {
	if n%9 == 3 { // of a scratchpad
		frame[0] ^= 4
	}
}

// TestBrownout is a supply that dips between conversion and read: 85 °C is no reading.
// A room that is 85 °C warm is one.
func TestBrownout(t *testing.T) {
	b := sensortest.NewBench()
	b.Set(agent.Temperature, 85)
	dev := chip.NewDS18B20(b.Probe, b.Now, serial)
	onMaster(b, dev)
	defer b.Close()
	s := open(t, b, config("ow0", address))
	if err := start(t, b, s); err != nil {
		t.Fatal(err)
	}
	dev.Brownout()
	if got, err := s.Read(t.Context(), nil); !errors.Is(err, agent.FaultPowerOn) || len(got) > 0 {
		t.Errorf("after a brownout: %v, %v; want power-on", got, err)
	}
	if values, errs := tick(t, b, s); errs[0] != nil || values[0] != 85*agent.Unit {
		t.Errorf("a room of 85 °C reads %v, %v", values, errs)
	}
}

// TestParasite has a thermometer without a supply of its own, and the strong pull-up.
func TestParasite(t *testing.T) {
	b := sensortest.NewBench()
	b.Set(agent.Temperature, -20)
	dev := chip.NewDS18B20(b.Probe, b.Now, serial)
	dev.Parasite(true)
	bridged(b, dev)
	defer b.Close()
	c := config("ds248x:i2c-1:0x18", address)
	c.Power = ds18b20.Parasite
	if values, errs := tick(t, b, open(t, b, c)); errs[0] != nil || values[0] != -20*agent.Unit {
		t.Errorf("got %v, %v; want -20", values, errs)
	}
}

// TestResolution leaves out the bits that a coarser resolution does not define.
func TestResolution(t *testing.T) {
	for bits, want := range map[int]string{9: "10.5", 10: "10.75", 11: "10.875", 12: "10.9375"} {
		b := sensortest.NewBench()
		b.Set(agent.Temperature, 10.9375)
		dev := chip.NewDS18B20(b.Probe, b.Now, serial)
		dev.Resolution(bits)
		onMaster(b, dev)
		if values, errs := tick(t, b, open(t, b, config("ow0", address))); errs[0] != nil || values[0].String() != want {
			t.Errorf("%d bits: %v, %v; want %s", bits, values, errs, want)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestWrongAddress names what is on the line instead.
func TestWrongAddress(t *testing.T) {
	for way, attach := range map[string]func(*sensortest.Bench, *chip.DS18B20){"bridge": onBridge, "kernel": inKernel} {
		b := sensortest.NewBench()
		attach(b, chip.NewDS18B20(b.Probe, b.Now, serial))
		_, err := ds18b20.Driver.Open(t.Context(), b.Host(), config(busOfEach[way], "28-0316a2791a09"))
		if !errors.Is(err, agent.FaultAbsent) || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v; want absent, and the name of %s", way, err, address)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, spoil := range map[string]func(*ds18b20.Config){
		"bus":              func(c *ds18b20.Config) { c.Bus = "" },
		"address missing":  func(c *ds18b20.Config) { c.Address = "" },
		"address family":   func(c *ds18b20.Config) { c.Address = "10-0316a2791a01" },
		"address length":   func(c *ds18b20.Config) { c.Address = "28-0316a2791a0" },
		"address no digit": func(c *ds18b20.Config) { c.Address = "28-0316a2791a0x" },
		"power":            func(c *ds18b20.Config) { c.Power = "solar" },
	} {
		c := config("w1", address)
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(c)
		if c.Validate() == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
}
