package main

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/frostline/frostline/agent/forecast"
	"github.com/frostline/frostline/sensors/emulated"
)

// Lengths of time in the physics.
const (
	physicsStep = 10 * time.Second
	day         = 24 * time.Hour
)

// Probe is what the watched point measures.
type Probe string

// The probes.
const (
	ProbeAir      Probe = "air"
	ProbeBuffered Probe = "buffered"
	ProbeProduct  Probe = "product"
)

// House is one room with everything that is drawn for it: building, work, instrument.
type House struct {
	Zone    emulated.Zone
	Freezer bool
	Limit   float64       // °C; above is outside
	Hold    time.Duration // for this long above the limit is an excursion

	Probe       Probe
	Lag         time.Duration
	Noise, Grid float64 // K: standard deviation, resolution
	Every       time.Duration
	Known       contacts

	Climate  climate
	Busy     float64   // door openings in a busy hour
	Opening  float64   // s, median
	Defrosts []float64 // hours of the day
	Thaw     time.Duration
	Loads    float64 // loadings per day
	Faults   float64 // per day
}

// contacts are the states that the gateway is told.
type contacts struct{ Door, Compressor, Defrost, Power, Outside bool }

// climate is what surrounds a house, in °C.
type climate struct{ Mean, Season, Swing, Weather float64 }

// at is the temperature beyond the walls; drift is the weather's share, −1 to 1.
func (c climate) at(t time.Duration, drift float64) float64 {
	days := t.Hours() / 24
	return c.Mean + c.Season*math.Cos(2*math.Pi*(days-200)/365) +
		c.Swing*math.Cos(2*math.Pi*(t.Hours()-15)/24) + c.Weather*drift
}

// draw makes a house. The ranges are those of the package doc of sensors/emulated, widened:
// rooms of 10 to 120 m³, panels of 0.2 to 0.4 W/m²K, air that changes within 5 to 20
// minutes and product that changes within one to eight hours.
func draw(r *rand.Rand) House {
	between := func(lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }
	volume := 10 * math.Exp(between(0, math.Log(12)))
	walls := 6.5 * math.Pow(volume, 2.0/3) * between(0.2, 0.4)
	h := House{Freezer: r.Float64() < 0.25, Busy: between(2, 9), Opening: between(15, 35), Loads: between(0.1, 0.5)}
	h.Climate = climate{Mean: between(16, 21), Season: between(2, 5), Swing: between(1, 3), Weather: 1.5}
	if r.Float64() < 0.3 { // a wall of its own to the open
		h.Climate = climate{Mean: between(11, 18), Season: between(8, 12), Swing: between(3, 6), Weather: 4}
	}
	set, band := between(4, 5), between(0.6, 1.2)
	h.Limit, h.Hold = 8, 5*time.Minute
	fill := between(15, 60) // kJ/K of goods in each m³
	if h.Freezer {
		set, band, h.Limit = between(-23, -20), between(1, 1.8), -15
	}
	fans := between(4, 9) * volume
	hottest := h.Climate.Mean + h.Climate.Season + h.Climate.Swing + h.Climate.Weather
	need := walls*(hottest-set) + fans
	z := emulated.Zone{
		ID: "room", Start: set, Volume: volume, Air: volume * between(5, 7), Product: volume * fill,
		Coupling: volume * between(4, 9), Walls: walls, Door: between(200, 480) * math.Min(1, math.Sqrt(volume/30)), Fans: fans,
		Cooling: &emulated.Cooling{Power: need*between(2, 3.5) + 500, COP: 2, Setpoint: set, Band: band},
	}
	h.Zone = z
	h.drawDefrost(r)
	h.drawInstrument(r)
	h.Faults = 1.0 / 12
	return h
}

func (h *House) drawDefrost(r *rand.Rand) {
	n := r.IntN(4)
	h.Thaw = time.Duration(10+r.IntN(11)) * time.Minute
	heat := 0.0 // a cold room's coil thaws in its own air
	if h.Freezer {
		n = 1 + r.IntN(4)
		heat = h.Zone.Air * (2 + 4*r.Float64())
	}
	h.Zone.Defrost = &emulated.Defrost{Heat: heat}
	first := r.Float64() * 6
	for i := range n {
		h.Defrosts = append(h.Defrosts, first+float64(i)*24/float64(n))
	}
}

func (h *House) drawInstrument(r *rand.Rand) {
	h.Lag = 20 * time.Second
	switch x := r.Float64(); {
	case x < 0.5:
		h.Probe = ProbeAir
		if h.Freezer {
			h.Limit, h.Hold = -12, 30*time.Minute
		}
	case x < 0.75:
		h.Probe, h.Lag = ProbeBuffered, time.Duration(5+r.IntN(11))*time.Minute
		if h.Freezer {
			h.Limit = -12
		}
	default:
		h.Probe, h.Lag = ProbeProduct, time.Minute
	}
	h.Noise = 0.02 + 0.03*r.Float64()
	h.Grid = []float64{0.01, 0.0625, 0.1}[r.IntN(3)]
	h.Every = []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute}[r.IntN(4)]
	h.Known = contacts{Door: r.Float64() < 0.5, Compressor: r.Float64() < 0.5, Defrost: r.Float64() < 0.5,
		Power: r.Float64() < 0.6, Outside: r.Float64() < 0.3}
}

// Moment is one reading with the truth beside it.
type Moment struct {
	Now   time.Duration
	In    forecast.Input
	Truth float64 // °C that a perfect instrument at the probe's place would show
	Cause Cause   // what is broken now
	Since time.Duration
}

// life runs a house.
type life struct {
	House
	r      *rand.Rand
	room   *emulated.Room
	now    time.Duration
	felt   float64
	zone   emulated.Zone // as built
	work   work
	fault  fault
	drift  [2]float64 // of yesterday's and today's weather
	gapEnd time.Duration
	next   time.Duration // reading
}

func newLife(h House, r *rand.Rand) *life {
	l := &life{House: h, r: r, zone: h.Zone, felt: h.Zone.Start}
	cooling := *h.Zone.Cooling
	z := h.Zone
	z.Cooling = &cooling
	l.room = emulated.NewRoom(z)
	l.fault.next = 3*day + l.wait(h.Faults)
	return l
}

// wait is a time until the next of events that come at random, perDay on average.
func (l *life) wait(perDay float64) time.Duration {
	return time.Duration(l.r.ExpFloat64() / perDay * float64(day))
}

// run lives until end and shows each reading.
func (l *life) run(end time.Duration, show func(*Moment)) {
	var m Moment
	for l.now < end {
		if l.now%day == 0 {
			l.drift = [2]float64{l.drift[1], 2*l.r.Float64() - 1}
			l.work.plan(l)
		}
		share := float64(l.now%day) / float64(day)
		around := l.Climate.at(l.now, l.drift[0]*(1-share)+l.drift[1]*share)
		on := emulated.RoomConditions{Around: around, Beyond: around, Defrost: l.thaws()}
		l.work.act(l, &on)
		l.fault.act(l, &on)
		s := l.room.Step(physicsStep, on)
		l.now += physicsStep
		there := s.Air
		if l.Probe == ProbeProduct {
			there = s.Product
		}
		l.felt += min(1, physicsStep.Seconds()/l.Lag.Seconds()) * (there - l.felt)
		if l.now < l.next {
			continue
		}
		l.next += l.Every
		m = Moment{Now: l.now, Truth: l.felt, Cause: l.fault.cause, Since: l.fault.since}
		if l.fault.cause == CauseLeak && l.now-l.fault.since < l.fault.fades/2 {
			m.Cause = CauseNone
		}
		m.In = l.read(on, s)
		l.fault.watch(l)
		show(&m)
	}
}

func (l *life) thaws() bool {
	ofDay := l.now % day
	for _, h := range l.Defrosts {
		at := time.Duration(h * float64(time.Hour))
		if ofDay >= at && ofDay < at+l.Thaw {
			return true
		}
	}
	return false
}

// read is what the gateway gets to know.
func (l *life) read(on emulated.RoomConditions, s emulated.RoomState) forecast.Input {
	var in forecast.Input
	if l.now >= l.gapEnd && l.r.Float64() < float64(l.Every)/float64(6*day) {
		l.gapEnd = l.now + time.Duration(5+l.r.IntN(55))*time.Minute
	}
	if l.now >= l.gapEnd {
		v := l.felt + l.Noise*l.r.NormFloat64()
		in.Value, in.OK = value(math.Round(v/l.Grid)*l.Grid), true
	}
	if l.Known.Door {
		in.Door = forecast.Is(on.DoorOpen)
	}
	if l.Known.Compressor {
		in.Compressor = forecast.Is(s.Cooling)
	}
	if l.Known.Defrost {
		in.Defrost = forecast.Is(on.Defrost)
	}
	if l.Known.Power {
		in.Power = forecast.Is(!on.MainsGone)
	}
	if l.Known.Outside {
		v := value(on.Around)
		in.Outside = &v
	}
	return in
}
