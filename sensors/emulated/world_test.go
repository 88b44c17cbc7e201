package emulated

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t *testing.T, name string) Scenario {
	t.Helper()
	s, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begin makes a world on a clock that stands still.
func begin(t *testing.T, s Scenario, seed int64) (*World, *clock.Fake) {
	t.Helper()
	c := clock.NewFake(time.Date(2026, 5, 4, 7, 0, 0, 0, time.UTC))
	w := NewWorld(s, seed, c.Now)
	t.Cleanup(func() { _ = w.Close() })
	return w, c
}

// quiet is a scenario without its script.
func quiet(s Scenario) Scenario {
	s.Script = nil
	return s
}

func zoneOf(t *testing.T, w *World, id agent.ZoneID) ZoneState {
	t.Helper()
	for _, z := range w.Zones() {
		if z.ID == id {
			return z
		}
	}
	t.Fatalf("no zone %s", id)
	return ZoneState{}
}

func TestColdRoomStaysInItsBand(t *testing.T) {
	w, c := begin(t, quiet(load(t, "warehouse-morning")), 1)
	runs, was, energy := 0, false, -1.0
	for range 24 * 60 {
		c.Advance(time.Minute)
		z := zoneOf(t, w, "cold-room-1")
		if z.Air < 3.7 || z.Air > 6.3 {
			t.Fatalf("air of %.2f °C after %s", z.Air, w.Elapsed())
		}
		if z.Product < 4.2 || z.Product > 5.8 {
			t.Fatalf("product of %.2f °C after %s", z.Product, w.Elapsed())
		}
		if z.Humidity < 30 || z.Humidity > 100 {
			t.Fatalf("humidity of %.1f %%RH after %s", z.Humidity, w.Elapsed())
		}
		if z.Energy < energy {
			t.Fatalf("energy fell from %.1f to %.1f Wh", energy, z.Energy)
		}
		energy = z.Energy
		if z.Cooling && !was {
			runs++
		}
		was = z.Cooling
		if d := zoneOf(t, w, "dock"); d.Air < 13 || d.Air > 22 {
			t.Fatalf("dock of %.1f °C after %s", d.Air, w.Elapsed())
		}
	}
	if runs < 48 || runs > 200 { // one every 7 to 30 minutes
		t.Errorf("the compressor ran %d times a day", runs)
	}
	if energy < 2000 || energy > 30000 {
		t.Errorf("%.0f Wh a day for 20 m³", energy)
	}
}

func TestFreezerDefrostsTwiceADay(t *testing.T) {
	w, c := begin(t, quiet(load(t, "warehouse-morning")), 1)
	defrosts, was, warmest, warmestProduct := 0, false, -99.0, -99.0
	for range 24 * 60 {
		c.Advance(time.Minute)
		z := zoneOf(t, w, "freezer-1")
		if z.Defrosting && !was {
			defrosts++
			if at := w.Elapsed(); at.Truncate(5*time.Minute) != 45*time.Minute && at < 12*time.Hour {
				t.Errorf("defrost at %s", at)
			}
		}
		was = z.Defrosting
		warmest, warmestProduct = max(warmest, z.Air), max(warmestProduct, z.Product)
	}
	if defrosts != 2 {
		t.Errorf("%d defrosts a day", defrosts)
	}
	if warmest < -14 || warmest > -10 {
		t.Errorf("air of at most %.1f °C in a defrost, want about -12", warmest)
	}
	if warmestProduct > -18.5 {
		t.Errorf("product of %.1f °C after a defrost", warmestProduct)
	}
}

func TestFirstQuarterHoldsAnExcursionAndAnOutage(t *testing.T) {
	s := load(t, "warehouse-morning")
	for seed := range int64(20) {
		w, c := begin(t, s, seed)
		p := w.probes[0]
		if p.place != PlaceAir || w.scenario.Zones[p.zone].ID != "cold-room-1" {
			t.Fatal("the first probe is not the cold room's air")
		}
		var above, back time.Duration
		down := 0
		for range 15 * 60 {
			c.Advance(time.Second)
			v := w.value(p, agent.Temperature)
			switch {
			case above == 0 && v > 8:
				above = w.Elapsed()
			case above != 0 && back == 0 && v < 7.5:
				back = w.Elapsed()
			}
			if w.Active(LinkDown, "") {
				down++
			}
		}
		if above == 0 || above > 4*time.Minute+30*time.Second {
			t.Errorf("seed %d: above 8 °C after %s", seed, above)
		}
		if back == 0 || back > 13*time.Minute+30*time.Second || back-above < 7*time.Minute {
			t.Errorf("seed %d: above 8 °C from %s to %s", seed, above, back)
		}
		if down != 180 || w.Active(LinkDown, "") {
			t.Errorf("seed %d: the link was down for %d s", seed, down)
		}
	}
}

func TestProductLagsBehindTheAir(t *testing.T) {
	s := quiet(load(t, "cold-room"))
	s.Repeat = 0
	s.Script = []Happening{{At: 0, For: 10 * time.Minute, Do: DoorOpen, On: "cold-room-1"}}
	w, c := begin(t, s, 1)
	c.Advance(10 * time.Minute)
	z := zoneOf(t, w, "cold-room-1")
	if z.Air < 9 || z.Air > 15 {
		t.Errorf("air of %.1f °C after ten minutes with the door open", z.Air)
	}
	if rise := z.Product - 5; rise < 0.1 || rise > (z.Air-5)/3 {
		t.Errorf("product rose by %.2f K while the air rose by %.2f K", rise, z.Air-5)
	}
}

func TestDeadCompressorLosesTheRoomInPlausibleTime(t *testing.T) {
	for name, zone := range map[string]agent.ZoneID{"warehouse-morning": "cold-room-1", "truck": "compartment-rear"} {
		s := quiet(load(t, name))
		s.Script = []Happening{{At: 0, For: 10 * time.Hour, Do: CompressorDead, On: string(zone)}}
		w, c := begin(t, s, 1)
		lost := time.Duration(0)
		for lost == 0 && w.Elapsed() < 10*time.Hour {
			c.Advance(time.Minute)
			z := zoneOf(t, w, zone)
			if z.Cooling || !z.CompressorDead {
				t.Fatalf("%s: a dead compressor runs", name)
			}
			if z.Air > 8 {
				lost = w.Elapsed()
			}
		}
		if lost < 20*time.Minute || lost > 3*time.Hour {
			t.Errorf("%s: above 8 °C after %s", name, lost)
		}
		c.Advance(10 * time.Hour)
		if z := zoneOf(t, w, zone); !z.Cooling && z.Air > 8 {
			c.Advance(time.Hour)
			if z := zoneOf(t, w, zone); z.Air > 8 {
				t.Errorf("%s: %.1f °C an hour after the repair", name, z.Air)
			}
		}
	}
}

func TestWithoutMainsNothingRuns(t *testing.T) {
	s := quiet(load(t, "cold-room"))
	s.Repeat = 0
	s.Script = []Happening{{At: 0, For: time.Hour, Do: MainsGone}}
	w, c := begin(t, s, 1)
	c.Advance(30 * time.Minute)
	z := zoneOf(t, w, "cold-room-1")
	if z.Power != 0 || z.Energy != 0 || z.Cooling {
		t.Errorf("%+v", z)
	}
}

func TestMinimumRest(t *testing.T) {
	s := load(t, "warehouse-morning")
	w, c := begin(t, s, 3)
	was, ended := map[agent.ZoneID]bool{}, map[agent.ZoneID]time.Duration{}
	for range 4 * 3600 {
		c.Advance(time.Second)
		for _, z := range w.Zones() {
			if was[z.ID] && !z.Cooling {
				ended[z.ID] = w.Elapsed()
			}
			if !was[z.ID] && z.Cooling && ended[z.ID] != 0 && w.Elapsed()-ended[z.ID] < restBetweenRuns-step {
				t.Fatalf("%s rested %s", z.ID, w.Elapsed()-ended[z.ID])
			}
			was[z.ID] = z.Cooling
			if math.IsNaN(z.Air+z.Product+z.Humidity+z.Energy) || z.Humidity < 0 || z.Humidity > 100 {
				t.Fatalf("%+v", z)
			}
		}
	}
}

func TestSameSeedSameWorldHoweverItIsRead(t *testing.T) {
	for _, name := range Names() {
		s := load(t, name)
		often, oc := begin(t, s, 5)
		once, cc := begin(t, s, 5)
		other, xc := begin(t, s, 6)
		for range 2 * 60 * 60 / 7 {
			oc.Advance(7 * time.Second)
			often.Zones()
			for _, p := range often.probes {
				often.value(p, agent.Temperature)
			}
		}
		cc.Advance(oc.Now().Mono - cc.Now().Mono)
		xc.Advance(oc.Now().Mono - xc.Now().Mono)
		if !slices.Equal(often.Zones(), once.Zones()) {
			t.Errorf("%s: read often\n%+v\nread once\n%+v", name, often.Zones(), once.Zones())
		}
		if slices.Equal(often.Zones(), other.Zones()) {
			t.Errorf("%s: another seed gives the same world", name)
		}
		for i := range often.probes {
			for _, q := range []agent.Quantity{agent.Temperature, agent.Humidity, agent.Pressure} {
				if a, b := often.value(often.probes[i], q), once.value(once.probes[i], q); a != b {
					t.Errorf("%s: probe %d, %s: %g and %g", name, i, q, a, b)
				}
			}
		}
	}
}

func TestNoiseIsNoiseAndHasItsSize(t *testing.T) {
	w, _ := begin(t, quiet(load(t, "cold-room")), 1)
	var sum, squares float64
	const n = 20000
	for i := range n {
		x := w.noise(3, 11, time.Duration(i)*step)
		sum += x
		squares += x * x
	}
	if mean := sum / n; math.Abs(mean) > 0.03 {
		t.Errorf("mean %g", mean)
	}
	if dev := math.Sqrt(squares / n); dev < 0.97 || dev > 1.03 {
		t.Errorf("deviation %g", dev)
	}
	if v := w.value(w.probes[0], agent.CO2); !math.IsNaN(v) {
		t.Errorf("a probe without CO2 measures %g ppm", v)
	}
}

func TestTruckDrives(t *testing.T) {
	w, c := begin(t, load(t, "truck"), 1)
	places := []string{}
	for range 5 * 60 {
		at, ok := w.Position()
		if !ok {
			t.Fatal("no position")
		}
		if len(places) == 0 || places[len(places)-1] != at.Place {
			places = append(places, at.Place)
		}
		if at.Speed < 0 || at.Speed > 100 || at.Lat < 31 || at.Lat > 32 || at.Lon < 120 || at.Lon > 122 {
			t.Fatalf("%+v", at)
		}
		if stands := at.Place == "Kunshan" || at.Place == "Suzhou"; stands && at.Speed != 0 {
			t.Fatalf("it stands and drives: %+v", at)
		}
		c.Advance(time.Minute)
	}
	if len(places) != 7 {
		t.Errorf("places: %v", places)
	}
	if _, ok := func() (Fix, bool) { w, _ := begin(t, load(t, "cold-room"), 1); return w.Position() }(); ok {
		t.Error("a room drives")
	}
}

func TestTheClockNeverTurnsTheWorldBack(t *testing.T) {
	now := agent.Instant{Mono: time.Hour}
	w := NewWorld(load(t, "cold-room"), 1, func() agent.Instant { return now })
	now.Mono += 10 * time.Minute
	before := w.Zones()
	now.Mono = 0 // another boot
	if w.Elapsed() != 10*time.Minute || !slices.Equal(w.Zones(), before) {
		t.Errorf("elapsed %s", w.Elapsed())
	}
}

func TestLoad(t *testing.T) {
	if want := []string{"cold-room", "dock-winter", "truck", "warehouse-morning"}; !slices.Equal(Names(), want) {
		t.Errorf("names %v", Names())
	}
	for _, name := range Names() {
		s := load(t, name)
		if s.Name != name || s.Title == "" {
			t.Errorf("%s: name %q, title %q", name, s.Name, s.Title)
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		w, _ := begin(t, s, 1)
		for _, c := range s.Chips {
			if _, ok := w.Buses()[c.Bus]; !ok && !w.isBridge(c.Bus) {
				t.Errorf("%s: chip %s has no bus %s", name, c.ID, c.Bus)
			}
		}
	}
	if _, err := Load("nowhere"); !errors.Is(err, ErrScenario) {
		t.Errorf("%v", err)
	}
	if _, err := Load("./nowhere.yaml"); err == nil {
		t.Error("a file that is not there was loaded")
	}
}
