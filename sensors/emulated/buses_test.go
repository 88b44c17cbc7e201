package emulated_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"periph.io/x/conn/v3/onewire"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
	"github.com/frostline/frostline/sensors"
	"github.com/frostline/frostline/sensors/bmxx80"
	"github.com/frostline/frostline/sensors/bus"
	"github.com/frostline/frostline/sensors/ds18b20"
	"github.com/frostline/frostline/sensors/emulated"
	"github.com/frostline/frostline/sensors/sht4x"
)

// leaping is a clock that runs as the machine's and can leap ahead.
type leaping struct {
	mu   sync.Mutex
	leap time.Duration
}

func (l *leaping) Now() agent.Instant {
	l.mu.Lock()
	defer l.mu.Unlock()
	return agent.Instant{Mono: clock.Elapsed() + l.leap}
}

func (l *leaping) ahead(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leap += d
}

const lab = `name: lab
zones:
  - {id: room, start: 5, volume: 20, air: 120, product: 600, coupling: 100, walls: 20, door: 300, cooling: {power: 2000, cop: 2, setpoint: 5, band: 1}}
chips:
  - {id: air, chip: sht4x, bus: i2c-1, zone: room}
  - {id: back, chip: bme280, bus: i2c-1, zone: room, place: return}
  - {id: low, chip: bmp280, bus: i2c-1, address: 0x77, zone: room, place: surface}
  - {id: bridge, chip: ds2482, bus: i2c-1}
  - {id: bridged, chip: ds18b20, bus: bridge, serial: 0316a2791a01, zone: room}
  - {id: mastered, chip: ds18b20, bus: ow, serial: 0316a2791a02, zone: room, place: product}
  - {id: kernel-a, chip: ds18b20, bus: w1, serial: 0316a2791a03, zone: room}
  - {id: kernel-b, chip: ds18b20, bus: w1, serial: 0316a2791a04, zone: room, place: outside}
  - {id: reader, chip: mfrc522, bus: spi0.0, reset: GPIO25, irq: GPIO24}
lines:
  - {pin: GPIO17, of: door, zone: room}
  - {pin: GPIO27, of: mains}
  - {pin: GPIO22, of: output}
serial:
  - {port: /dev/ttyACM0}
script:
`

// table is a world under a host.
type table struct {
	*emulated.World
	clock *leaping
	host  *bus.Host
}

func lay(t *testing.T, script string) table {
	t.Helper()
	s, err := emulated.Parse([]byte(lab + script))
	if err != nil {
		t.Fatal(err)
	}
	c := &leaping{}
	w := emulated.NewWorld(s, 1, c.Now)
	h := bus.NewHost(bus.Options{Now: clock.Elapsed, Emulated: w.Buses()})
	t.Cleanup(func() { _ = errors.Join(w.Close(), h.Close()) })
	return table{w, c, h}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, tb table, d sensors.Driver, config any) sensors.Sensor {
	t.Helper()
	s, err := d.Open(within(t, 5*time.Second), tb.host, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// read takes a reading as a lane does; the conversion's time leaps by.
func read(t *testing.T, tb table, s sensors.Sensor) (map[string]float64, error) {
	t.Helper()
	if st, ok := s.(sensors.Starter); ok {
		ready, err := st.Start(within(t, 5*time.Second))
		if err != nil {
			return nil, err
		}
		tb.clock.ahead(ready)
	}
	samples, err := s.Read(within(t, 5*time.Second), nil)
	if err != nil {
		return nil, err
	}
	got := map[string]float64{}
	for _, x := range samples {
		if x.Fault != agent.FaultNone {
			t.Fatalf("%+v", x)
		}
		got[x.Point] = x.Value.Float64()
	}
	return got, nil
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %g, want %g ± %g", what, got, want, tolerance)
	}
}

func sht(address uint16) any {
	c := sht4x.Driver.Config().(*sht4x.Config)
	c.Bus, c.Address = "i2c-1", address
	return c
}

func bmx(address uint16) any {
	c := bmxx80.Driver.Config().(*bmxx80.Config)
	c.Bus, c.Address = "i2c-1", address
	return c
}

func ds(on, address string) any {
	c := ds18b20.Driver.Config().(*ds18b20.Config)
	c.Bus, c.Address = on, address
	return c
}

func TestRealDriversMeasureTheWorld(t *testing.T) {
	tb := lay(t, "  - {at: 1m, for: 1h, do: door-open, on: room}\n")
	all := map[string]sensors.Sensor{
		"air":      open(t, tb, sht4x.Driver, sht(0x44)),
		"back":     open(t, tb, bmxx80.Driver, bmx(0x76)),
		"bridged":  open(t, tb, ds18b20.Driver, ds("ds248x:i2c-1:0x18", "28-0316a2791a01")),
		"mastered": open(t, tb, ds18b20.Driver, ds("ow", "28-0316a2791a02")),
		"kernel-a": open(t, tb, ds18b20.Driver, ds("w1", "28-0316a2791a03")),
	}
	var before emulated.ZoneState
	for round := range 2 {
		for name, s := range all {
			got, err := read(t, tb, s)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			z := tb.Zones()[0]
			want := z.Air
			if name == "mastered" {
				want = z.Product
			}
			near(t, name, got["temperature"], want, 0.3)
			if h, ok := got["humidity"]; ok {
				near(t, name+" humidity", h, z.Humidity, 3)
			}
			if p, ok := got["pressure"]; ok {
				near(t, name+" pressure", p, 1013, 10)
			}
			if round == 0 {
				before = z
			}
		}
		tb.clock.ahead(30 * time.Minute)
	}
	// Half an hour with the door open to 0 °C outside cooled the room.
	if z := tb.Zones()[0]; z.Air > before.Air-1 {
		t.Errorf("air went from %.1f to %.1f °C", before.Air, z.Air)
	}
}

func TestUnpluggedChipIsAbsentAndComesBack(t *testing.T) {
	tb := lay(t, `  - {at: 1h, for: 10m, do: unplugged, on: air}
  - {at: 1h, for: 10m, do: unplugged, on: bridged}
  - {at: 1h, for: 10m, do: unplugged, on: kernel-a}
`)
	all := []sensors.Sensor{
		open(t, tb, sht4x.Driver, sht(0x44)),
		open(t, tb, ds18b20.Driver, ds("ds248x:i2c-1", "28-0316a2791a01")),
		open(t, tb, ds18b20.Driver, ds("w1", "28-0316a2791a03")),
	}
	read3 := func() (errs []error) {
		for _, s := range all {
			_, err := read(t, tb, s)
			errs = append(errs, err)
		}
		return errs
	}
	if err := errors.Join(read3()...); err != nil {
		t.Fatal(err)
	}
	tb.clock.ahead(time.Hour)
	for i, err := range read3() {
		if !errors.Is(err, agent.FaultAbsent) {
			t.Errorf("%d, unplugged: %v", i, err)
		}
	}
	other := open(t, tb, bmxx80.Driver, bmx(0x76))
	if _, err := read(t, tb, other); err != nil {
		t.Errorf("its neighbor: %v", err)
	}
	tb.clock.ahead(10 * time.Minute)
	if err := errors.Join(read3()...); err != nil {
		t.Errorf("plugged in again: %v", err)
	}
}

func TestUnpluggedBetweenTwoLooksForgets(t *testing.T) {
	tb := lay(t, "  - {at: 1h, for: 1s, do: unplugged, on: bridged}\n")
	o, err := tb.host.OneWire("ds248x:i2c-1")
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, 5*time.Second)
	scratchpad := func() []byte {
		t.Helper()
		pad := make([]byte, 9)
		if err := o.Tx(ctx, []byte{0xCC, 0xBE}, pad, onewire.WeakPullup); err != nil {
			t.Fatal(err)
		}
		return pad
	}
	if err := o.Tx(ctx, []byte{0xCC, 0x44}, nil, onewire.StrongPullup); err != nil {
		t.Fatal(err)
	}
	tb.clock.ahead(time.Second)
	if pad := scratchpad(); pad[0] == 0x50 && pad[1] == 0x05 {
		t.Fatalf("no conversion: % x", pad)
	}
	tb.clock.ahead(2 * time.Hour)
	if pad := scratchpad(); pad[0] != 0x50 || pad[1] != 0x05 {
		t.Errorf("it was without power and still knows % x", pad)
	}
}

func TestStuckBusHangsUntilItIsReleased(t *testing.T) {
	tb := lay(t, "  - {at: 1h, for: 10m, do: bus-stuck, on: i2c-1}\n  - {at: 1h, for: 10m, do: bus-stuck, on: w1}\n")
	s, k := open(t, tb, sht4x.Driver, sht(0x44)), open(t, tb, ds18b20.Driver, ds("w1", "28-0316a2791a03"))
	tb.clock.ahead(time.Hour)
	for i, s := range []sensors.Sensor{s, k} {
		_, err := s.Read(within(t, 50*time.Millisecond), nil)
		if !errors.Is(err, agent.FaultBusStuck) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := len(tb.host.Stuck()); n != 2 {
		t.Errorf("%d buses are stuck", n)
	}
	m := open(t, tb, ds18b20.Driver, ds("ow", "28-0316a2791a02"))
	if _, err := read(t, tb, m); err != nil {
		t.Errorf("another bus: %v", err)
	}
	tb.clock.ahead(10 * time.Minute)
	eventually(t, "they recover", func() bool { return len(tb.host.Stuck()) == 0 })
	for i, s := range []sensors.Sensor{s, k} {
		if _, err := read(t, tb, s); err != nil {
			t.Errorf("%d, released: %v", i, err)
		}
	}
}

func TestShortedLines(t *testing.T) {
	tb := lay(t, "  - {at: 1h, for: 10m, do: bus-shorted, on: ow}\n  - {at: 1h, for: 10m, do: bus-shorted, on: bridge}\n")
	for _, name := range []string{"ow", "ds248x:i2c-1"} {
		o, err := tb.host.OneWire(name)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := o.Search(within(t, 5*time.Second)); err != nil || len(found) != 1 {
			t.Errorf("%s: %v, %x", name, err, found)
		}
	}
	tb.clock.ahead(time.Hour)
	for _, name := range []string{"ow", "ds248x:i2c-1"} {
		o, err := tb.host.OneWire(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Search(within(t, 5*time.Second)); !errors.Is(err, agent.FaultShortCircuit) {
			t.Errorf("%s, shorted: %v", name, err)
		}
	}
}

// However fast the world's time passes, a driver that looks right after its command sees the
// thermometer convert.
func TestThermometersAreSeenConverting(t *testing.T) {
	s, err := emulated.Parse([]byte(lab))
	if err != nil {
		t.Fatal(err)
	}
	fast := clock.NewScaled(time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC), 36_000)
	w := emulated.NewWorld(s, 1, fast.Now)
	h := bus.NewHost(bus.Options{Now: clock.Elapsed, Emulated: w.Buses()})
	t.Cleanup(func() { _ = errors.Join(w.Close(), h.Close()) })
	for address, on := range map[string]string{"28-0316a2791a01": "ds248x:i2c-1:0x18", "28-0316a2791a02": "ow"} {
		d := open(t, table{w, nil, h}, ds18b20.Driver, ds(on, address))
		if got, err := d.Read(within(t, 20*time.Second), nil); err != nil || len(got) != 1 {
			t.Errorf("%s: %v, %v", on, got, err)
		}
	}
}

func TestKernelDirectory(t *testing.T) {
	tb := lay(t, "  - {at: 1h, for: 10m, do: unplugged, on: kernel-a}\n")
	d, err := tb.host.W1("w1")
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, 5*time.Second)
	names, err := d.List(ctx)
	if want := []string{"28-0316a2791a03", "28-0316a2791a04", "w1_bus_master1"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%v, %v", err, names)
	}
	for name, want := range map[string]string{
		"28-0316a2791a03/name": "28-0316a2791a03\n", "w1_bus_master1/w1_master_slaves": "28-0316a2791a03\n28-0316a2791a04\n",
		"w1_bus_master1/therm_bulk_read": "1\n",
	} {
		if text, err := d.ReadFile(ctx, name); err != nil || string(text) != want {
			t.Errorf("%s: %v, %q", name, err, text)
		}
	}
	if text, err := d.ReadFile(ctx, "28-0316a2791a03/temperature"); err != nil || len(text) < 5 {
		t.Errorf("%v, %q", err, text)
	}
	if err := d.WriteFile(ctx, "w1_bus_master1/therm_bulk_read", []byte("trigger\n")); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"28-0316a2791a03/nothing", "28-000000000000/w1_slave", "w1_bus_master1/nothing", "../w1_slave"} {
		if _, err := d.ReadFile(ctx, name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if err := d.WriteFile(ctx, "28-0316a2791a03/w1_slave", nil); err == nil {
		t.Error("a file that the kernel lets nobody write was written")
	}
	tb.clock.ahead(time.Hour)
	if names, err := d.List(ctx); err != nil || len(names) != 2 {
		t.Errorf("with one unplugged: %v, %v", err, names)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("it never came to pass that %s", what)
		}
	}
}
