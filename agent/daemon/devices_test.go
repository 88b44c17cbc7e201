package daemon

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
)

// A sensor that is dead or whose driver hangs: it is declared, its alarm raised, and the other
// lanes keep their schedule.
func TestADeadSensorDelaysNobody(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		hangs bool
	}{{"answers errors", false}, {"hangs", true}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.start(twoRooms)
			r.measured(2)
			release := make(chan struct{})
			if tc.hangs {
				r.dial("b").hold(release)
				r.tick(10*time.Second, 1) // of the other one
			} else {
				r.dial("b").fail(fmt.Errorf("dial: %w", agent.FaultAbsent))
				r.tick(10*time.Second, 2)
				r.shown("sensor-failing", "sensor/b")
			}
			n := int64(1)
			if !tc.hangs {
				n = 2 // a failure is a record too
			}
			for range 6 {
				r.tick(10*time.Second, n)
			}
			r.dial("a").set(9)
			r.tick(10*time.Second, n)
			eventually(t, "the other room's alarm", func() bool { return len(r.bell.of("warm")) == 1 })
			eventually(t, "the dead sensor's own alarm", func() bool {
				for _, a := range r.status().Alarms {
					if a.Kind == "sensor-fault" || a.Kind == "no-data" {
						return true
					}
				}
				return false
			})
			r.dial("b").hold(nil)
			r.dial("b").set(3)
			close(release)
			if tc.hangs {
				eventually(t, "the hung read returns", func() bool { return r.dial("b").readAt() > 0 })
			}
			for range 8 { // opened again, with growing pauses
				r.tick(10*time.Second, 1)
			}
			r.gone("sensor-failing", "sensor/b")
			want := map[agent.DefID]int{}
			for _, rec := range r.records(agent.KindReadings) {
				want[rec.Reading.Def]++
				if !rec.Reading.OK() && (rec.Reading.Value != 0 || rec.Reading.Raw != 0) {
					t.Errorf("a failure carries a number: %+v", rec.Reading)
				}
			}
			for def, n := range want {
				d, _ := r.agent.store.Definition(def)
				if n < 16 { // every due measurement is there, missed ones as faults
					t.Errorf("%s: %d records, want one for each of 16 ticks", d.Point, n)
				}
			}
		})
	}
}

// A bus that hangs in the kernel: the condition is in status within 5 s and goes with its cause, the
// sensors on it give declared faults on time, and lanes elsewhere keep their schedule.
func TestAStuckBusIsDeclaredAndDelaysNobody(t *testing.T) {
	t.Parallel()
	scenario := filepath.Join(t.TempDir(), "stuck.yaml")
	overwrite(t, scenario, []byte(`
name: stuck
title: A bus that hangs for a while
clock: "08:00"
outside: {mean: 12, swing: 5, humidity: 70}
zones: [{id: room, start: 5, humidity: 65, volume: 20, air: 120, walls: 20, leak: 0.3}]
chips: [{id: air, chip: sht4x, bus: i2c-1, address: 0x44, zone: room}]
script: [{at: 2s, for: 6s, do: bus-stuck, on: i2c-1}]
`))
	r := newRigOn(t, nil)
	r.start(fmt.Sprintf(`
zones: [{id: room}, {id: dock}]
buses: {i2c-1: {driver: emulated, scenario: %q}}
sensors:
  - {id: air, driver: sht4x, bus: i2c-1, address: 0x44, every: 500ms, timeout: 300ms, zone: room}
  - {id: a, driver: dial, name: a, every: 100ms, zone: dock}
`, scenario))
	value := func() bool { // the chip's newest temperature is a value
		for _, z := range r.status().Zones {
			for _, p := range z.Points {
				if p.Point == "air/temperature" {
					return p.V != nil
				}
			}
		}
		return false
	}
	eventually(t, "the chip is read", value)
	within(t, undisturbed, "bus-stuck in status", func() bool {
		c, ok := r.condition("bus-stuck", "bus/i2c-1")
		return ok && c.Remedy != ""
	})
	r.measuresOn(20, undisturbed)
	r.gone("lane-late", "sensor/a") // a slow machine may be late now and then; a stuck bus delays for ever
	r.gone("bus-stuck", "bus/i2c-1")
	eventually(t, "the chip is read again", value)
	stuck := 0
	for _, rec := range r.records(agent.KindReadings) {
		if rec.Reading.Fault == agent.FaultBusStuck {
			stuck++
		}
	}
	if stuck == 0 {
		t.Error("no reading says that its bus was stuck")
	}
}

// A device that is not there when the agent starts, and comes later.
func TestASensorThatComesLater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.dial("b").fail(errors.New("nobody answers"))
	r.start(twoRooms)
	r.measured(2)
	r.shown("sensor-failing", "sensor/b")
	r.dial("b").set(2)
	for range 6 {
		r.tick(10*time.Second, 2)
	}
	r.gone("sensor-failing", "sensor/b")
}

// A device that was replaced is another instrument: its readings have a definition of their
// own, with the number that it tells. The alarm of the place goes on, and so does what is
// shown, also of an agent that does not run.
func TestAReplacedDeviceIsAnotherInstrument(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.dial("a").name = "A1"
	r.start(twoRooms)
	r.measured(2)
	r.dial("a").set(9)
	r.tick(10*time.Second, 2)
	eventually(t, "the alarm", func() bool { return len(r.bell.of("warm")) == 1 })
	r.stop()

	r.dial("a").name = "B2"
	r.start(twoRooms)
	r.measured(2)
	r.dial("a").set(5)
	r.tick(10*time.Second, 2)
	eventually(t, "the end of the alarm", func() bool { return len(r.bell.of("warm")) == 2 })
	serials := map[agent.PointID]string{}
	for _, rec := range r.records(agent.KindReadings) {
		d, ok := r.agent.store.Definition(rec.Reading.Def)
		if !ok {
			t.Fatalf("%v has no definition", rec.Position)
		}
		if all := serials[d.Point]; !strings.HasSuffix(all, d.Serial) || d.Serial == "" {
			serials[d.Point] += d.Serial
		}
	}
	if serials["a/temperature"] != "A1B2" || serials["b/temperature"] != "" {
		t.Errorf("instruments %v", serials)
	}
	value := func(zones []control.Zone) string {
		for _, z := range zones {
			for _, p := range z.Points {
				if p.Point == "a/temperature" && p.V != nil {
					return p.V.String()
				}
			}
		}
		return "none"
	}
	if got := value(r.status().Zones); got != "5" {
		t.Errorf("shown is %s", got)
	}
	r.stop()
	s, err := Inspect(t.Context(), r.config(twoRooms))
	if err != nil {
		t.Fatal(err)
	}
	if got := value(s.Zones); got != "5" {
		t.Errorf("shown of its store is %s", got)
	}
}

// The config's word on the instrument stands above what the device tells.
func TestTheConfigsSerialNumberStands(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.dial("a").name = "A1"
	r.start("sensors: [{id: a, driver: dial, name: a, every: 10s, serial: SN-7}]\n")
	r.measured(1)
	for _, rec := range r.records(agent.KindReadings) {
		if d, ok := r.agent.store.Definition(rec.Reading.Def); !ok || d.Serial != "SN-7" {
			t.Errorf("definition %+v", d)
		}
	}
}
