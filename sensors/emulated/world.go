package emulated

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

// World is a scenario that is going on. All methods are safe for concurrent use.
type World struct {
	scenario Scenario
	script   script
	seed     uint64
	now      func() agent.Instant
	origin   time.Duration // the clock's monotonic time when the world began
	closing  sync.Once
	quit     chan struct{} // closed by Close

	buses   map[string]any
	outputs map[string]*pin

	mu     sync.Mutex    // guards the rest
	latest time.Duration // the latest moment that anybody has seen
	steps  int64         // done
	zones  []climate     // as scenario.Zones
	before []climate     // the zones before the step that is being made
	probes []*probe
}

// NewWorld begins a scenario at the present moment of now. The scenario must be valid, as
// Load and Parse return it. The same seed gives the same world.
func NewWorld(s Scenario, seed int64, now func() agent.Instant) *World {
	s.Zones, s.Chips = slices.Clone(s.Zones), slices.Clone(s.Chips)
	s.fill()
	w := &World{
		scenario: s,
		script:   script{repeat: s.Repeat, lines: slices.Clone(s.Script)},
		seed:     uint64(seed),
		now:      now,
		origin:   now().Mono,
		quit:     make(chan struct{}),
		zones:    make([]climate, len(s.Zones)),
		before:   make([]climate, len(s.Zones)),
	}
	for i, z := range s.Zones {
		start := z.Start + 0.2*(w.random(uint64(i), 1)-0.5)
		w.zones[i] = climate{
			air: start, product: z.Start, surface: start, supply: start,
			vapor:  min(z.Humidity/100*saturation(start), frostPoint(start)),
			rested: -restBetweenRuns,
		}
	}
	w.build()
	return w
}

// Scenario is what the world was made from.
func (w *World) Scenario() Scenario { return w.scenario }

// Buses are the world's buses for bus.Options.Emulated, by name. They are the same at
// each call and shared by all who use them.
func (w *World) Buses() map[string]any {
	all := make(map[string]any, len(w.buses))
	for name, b := range w.buses {
		all[name] = b
	}
	return all
}

// Close lets go of transactions that hang in a stuck bus and ends reads of serial ports.
// A second Close returns nil too.
func (w *World) Close() error {
	w.closing.Do(func() { close(w.quit) })
	return nil
}

// Elapsed is the time since the world began. It never goes back.
func (w *World) Elapsed() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.elapsed()
}

// elapsed needs w.mu.
func (w *World) elapsed() time.Duration {
	w.latest = max(w.latest, w.now().Mono-w.origin)
	return w.latest
}

// Active reports whether do is happening to on now. On is empty for what happens to
// everything, such as LinkDown.
func (w *World) Active(do Trouble, on string) bool { return w.script.active(do, on, w.Elapsed()) }

// Output is the level that was last set on an output line; ok is false if the scenario
// has no such line.
func (w *World) Output(name string) (level, ok bool) {
	p, ok := w.outputs[name]
	if !ok {
		return false, false
	}
	return bool(p.Read()), true
}

// Run calls onEvent for what begins and ends in the script, when it does, until ctx is
// done; then it returns nil. What has begun before Run is called comes at once. c must be
// the clock that the world was made with. Buses need no Run: they look at the script when
// they are used.
func (w *World) Run(ctx context.Context, c clock.Clock, onEvent func(Event)) error {
	for last := -time.Nanosecond; ; {
		now := w.Elapsed()
		for _, e := range w.script.between(last, now) {
			onEvent(e)
		}
		last = now
		next, ok := w.script.next(now)
		if !ok {
			<-ctx.Done()
			return nil
		}
		if clock.Wait(ctx, c, w.origin+next) != nil {
			return nil // ctx is done
		}
	}
}

// ZoneState is the truth about a zone at a moment, for display and tests.
type ZoneState struct {
	ID             agent.ZoneID
	Name           string
	Air, Product   float64 // °C
	Humidity       float64 // %RH of the air
	Setpoint       float64 // °C; meaningless without cooling
	Cooled         bool    // the zone has a compressor
	Cooling        bool    // the compressor runs
	CompressorDead bool
	Defrosting     bool
	DoorOpen       bool
	Power          float64 // W of electricity
	Energy         float64 // Wh of electricity since the world began
}

// Zones is the truth about all zones now, in the scenario's order.
func (w *World) Zones() []ZoneState {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.advance()
	all := make([]ZoneState, len(w.zones))
	for i, c := range w.zones {
		z := &w.scenario.Zones[i]
		all[i] = ZoneState{
			ID: z.ID, Name: z.Name, Air: c.air, Product: c.product, Humidity: relative(c.vapor, c.air),
			Cooled: z.Cooling != nil, Cooling: c.cooling, Defrosting: c.defrosting,
			CompressorDead: w.script.active(CompressorDead, string(z.ID), t),
			DoorOpen:       w.script.active(DoorOpen, string(z.ID), t),
			Power:          c.power, Energy: c.energy,
		}
		if z.Cooling != nil {
			all[i].Setpoint = z.Cooling.Setpoint
		}
	}
	return all
}

// advance brings the physics to the present and returns it. It needs w.mu.
func (w *World) advance() time.Duration {
	now := w.elapsed()
	for ; time.Duration(w.steps+1)*step <= now; w.steps++ {
		w.advanceOne(time.Duration(w.steps) * step)
	}
	return now
}

func (w *World) advanceOne(t time.Duration) {
	copy(w.before, w.zones)
	mains := !w.script.active(MainsGone, "", t)
	for i := range w.zones {
		z := &w.scenario.Zones[i]
		on := conditions{
			now:        t,
			doorOpen:   w.script.active(DoorOpen, string(z.ID), t),
			compressor: !w.script.active(CompressorDead, string(z.ID), t),
			mains:      mains,
			defrost:    w.defrosts(z.Defrost, t),
		}
		on.around, on.aroundVapor = w.beyond(z.Around, t)
		on.beyond, on.beyondVapor = w.beyond(z.OpensTo, t)
		w.zones[i].advance(z, on)
	}
	for _, p := range w.probes {
		p.follow(w)
	}
}

// beyond is temperature and vapor of a zone or outside, before the step.
func (w *World) beyond(id agent.ZoneID, t time.Duration) (temp, vapor float64) {
	if id == outside {
		return w.outside(t)
	}
	c := w.before[w.zone(id)]
	return c.air, c.vapor
}

func (w *World) zone(id agent.ZoneID) int {
	return slices.IndexFunc(w.scenario.Zones, func(z Zone) bool { return z.ID == id })
}

func (w *World) defrosts(d *Defrost, t time.Duration) bool {
	if d == nil {
		return false
	}
	const day = 24 * time.Hour
	ofDay := (time.Duration(w.scenario.Clock) + t) % day
	return slices.ContainsFunc(d.At, func(at TimeOfDay) bool {
		since := (ofDay - time.Duration(at) + day) % day
		return since < d.Lasts && since <= t // not one that began before the world
	})
}

// outside is the weather at t.
func (w *World) outside(t time.Duration) (temp, vapor float64) {
	o := w.scenario.Outside
	temp = o.Mean
	if len(w.scenario.Route) > 0 {
		temp = w.fix(t).Outside
	} else {
		hours := (time.Duration(w.scenario.Clock) + t).Hours()
		temp += o.Swing * math.Cos(2*math.Pi*(hours-15)/24)
	}
	temp += 0.4*w.wave(t, 47*time.Minute, 2) + 0.4*w.wave(t, 187*time.Minute, 3)
	return temp, min(o.Humidity/100*saturation(o.Mean), frostPoint(temp))
}

// wave is a sine of amplitude 1 whose phase follows from the seed.
func (w *World) wave(t, period time.Duration, which uint64) float64 {
	return math.Sin(2 * math.Pi * (t.Seconds()/period.Seconds() + w.random(which, 7)))
}

// random is a number in [0, 1) that follows from the seed and what it is for.
func (w *World) random(keys ...uint64) float64 {
	x := w.seed
	for _, k := range keys {
		// splitmix64, Steele, Lea and Flood 2014
		x += 0x9E3779B97F4A7C15 + k
		x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
		x = (x ^ x>>27) * 0x94D049BB133111EB
		x ^= x >> 31
	}
	return float64(x>>11) / (1 << 53)
}
