package main

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/frostline/frostline/sensors/emulated"
)

const day = 24 * time.Hour

// span is a range that something is drawn from.
type span struct{ low, high float64 }

func (s span) draw(r *rand.Rand) float64 { return s.low + (s.high-s.low)*r.Float64() }

// site is the sort of room that a profile is meant for.
type site struct {
	profile string
	volume  span // m³
	set     span // °C: the cooling's setpoint
	band    span // K on either side
	heated  float64
	goods   span    // °C of goods that are brought
	busy    span    // door openings in a busy hour
	frost   bool    // the coil needs heat to defrost
	cabinet bool    // an upright freezer: thin air, thick walls
	hall    bool    // a hall with a wall to the open
	loads   float64 // a day
}

// sites are the rooms of the year, in turn. Each works within its profile's limits as long as
// nothing is broken, as the room of a careful keeper does.
var sites = []site{
	{profile: "vaccine-2-8", volume: span{10, 60}, set: span{4.3, 5}, band: span{0.6, 1.1}, goods: span{3, 8}, busy: span{2, 9}, loads: 0.2},
	{profile: "quick-frozen", volume: span{20, 120}, set: span{-24, -22}, band: span{1, 1.6}, goods: span{-20, -17}, busy: span{2, 8}, frost: true, loads: 0.3},
	{profile: "gsp-cold-store", volume: span{20, 120}, set: span{5, 5.8}, band: span{0.6, 1.2}, goods: span{4, 10}, busy: span{3, 9}, loads: 0.4},
	{profile: "food-code-cold-holding", volume: span{8, 40}, set: span{1.6, 2.2}, band: span{0.6, 1}, goods: span{3, 7}, busy: span{4, 12}, loads: 0.5},
	{profile: "ultra-cold", volume: span{0.5, 0.9}, set: span{-80, -77}, band: span{1.5, 3}, goods: span{-70, -30}, busy: span{0.3, 2}, cabinet: true, loads: 0.1},
	{profile: "gsp-cool-store", volume: span{100, 500}, set: span{14, 16.5}, band: span{0.7, 1.2}, goods: span{12, 24}, busy: span{3, 10}, hall: true, loads: 0.4},
	{profile: "gsp-normal-store", volume: span{100, 500}, set: span{24, 26.5}, band: span{0.7, 1.2}, heated: 8, goods: span{5, 30}, busy: span{3, 10}, hall: true, loads: 0.4},
	{profile: "who-30dtr", volume: span{5, 15}, set: span{4.3, 5}, band: span{0.6, 1.1}, goods: span{3, 8}, busy: span{1, 5}, loads: 0.1},
	{profile: "usp-crt", volume: span{100, 500}, set: span{21.5, 23}, band: span{0.7, 1.2}, heated: 19.5, goods: span{15, 28}, busy: span{3, 10}, hall: true, loads: 0.4},
	{profile: "usp-cct", volume: span{10, 60}, set: span{4.3, 5}, band: span{0.6, 1.1}, goods: span{3, 8}, busy: span{2, 9}, loads: 0.2},
}

// house is one room with everything that is drawn for it.
type house struct {
	site
	zone    emulated.Zone
	around  weather // beyond the walls
	beyond  weather // beyond the door
	opening float64 // s, median
	busiest float64 // openings in a busy hour
	thaws   []time.Duration
	thaw    time.Duration
	faults  float64 // a day
	knows   contacts
	air     probe
	product probe
}

// contacts are the states that the gateway is told.
type contacts struct{ door, defrost, loading, mains bool }

// probe is an instrument. Without a lag there is none.
type probe struct {
	lag         time.Duration
	among       bool    // among the goods; else in the air
	noise, grid float64 // K: standard deviation, resolution
}

// mistake is how far a reading may be off: four deviations and half a step.
func (p *probe) mistake() float64 { return 4*p.noise + p.grid/2 }

// weather is a climate, in °C.
type weather struct{ mean, season, swing, chance float64 }

// at is the temperature after t; drift is chance's share, −1 to 1. The year begins in January.
func (w weather) at(t time.Duration, drift float64) float64 {
	return w.mean + w.season*math.Cos(2*math.Pi*(t.Hours()/24-200)/365) +
		w.swing*math.Cos(2*math.Pi*(t.Hours()-15)/24) + w.chance*drift
}

func (w weather) hottest() float64 { return w.mean + w.season + w.swing + w.chance }
func (w weather) coldest() float64 { return w.mean - w.season - w.swing - w.chance }

// draw makes the n-th house. Time constants are those of internal/lab/forecast: air that
// changes within minutes, goods within hours.
func draw(r *rand.Rand, n int) *house {
	h := &house{site: sites[n%len(sites)], opening: span{15, 35}.draw(r), faults: 1.0 / 14}
	h.busiest = h.busy.draw(r)
	hall := weather{span{16, 21}.draw(r), span{2, 5}.draw(r), span{1, 3}.draw(r), 1.5}
	open := weather{span{8, 17}.draw(r), span{9, 14}.draw(r), span{3, 6}.draw(r), 4}
	h.around, h.beyond = hall, hall
	switch {
	case h.hall:
		h.around, h.beyond = open, open
	case !h.cabinet && r.Float64() < 0.3: // a dock door
		h.beyond = open
	}
	h.build(r)
	h.drawDefrost(r)
	h.knows = contacts{door: r.Float64() < 0.75, defrost: r.Float64() < 0.75, loading: r.Float64() < 0.3, mains: r.Float64() < 0.6}
	h.drawProbes(r)
	return h
}

func (h *house) build(r *rand.Rand) {
	volume := h.volume.low * math.Exp(span{0, math.Log(h.volume.high / h.volume.low)}.draw(r))
	walls := 6.5 * math.Pow(volume, 2.0/3) * span{0.2, 0.4}.draw(r)
	set := h.set.draw(r)
	z := emulated.Zone{
		ID: zone, Start: set, Volume: volume, Air: volume * span{5, 7}.draw(r), Product: volume * span{15, 60}.draw(r),
		Coupling: volume * span{4, 9}.draw(r), Walls: walls, Door: span{200, 480}.draw(r) * math.Min(1, math.Sqrt(volume/30)), Fans: span{4, 9}.draw(r) * volume,
	}
	if h.cabinet {
		z.Air, z.Product, z.Coupling = span{8, 14}.draw(r), span{60, 200}.draw(r), span{6, 14}.draw(r)
		z.Walls, z.Door, z.Fans = span{0.9, 1.4}.draw(r), span{8, 16}.draw(r), 15
	}
	need := z.Walls*(h.around.hottest()-set) + z.Fans
	z.Cooling = &emulated.Cooling{Power: need*span{2, 3.5}.draw(r) + 500, COP: 2, Setpoint: set, Band: h.band.draw(r)}
	if h.cabinet {
		z.Cooling.Power = need * span{2.5, 4}.draw(r)
	}
	h.zone = z
}

func (h *house) drawDefrost(r *rand.Rand) {
	n := r.IntN(3)
	if h.frost {
		n = 1 + r.IntN(4)
	}
	if h.cabinet || h.hall {
		n = 0
	}
	heat := 0.0 // a cold room's coil thaws in its own air
	if h.frost {
		heat = h.zone.Air * span{2, 6}.draw(r)
	}
	h.zone.Defrost = &emulated.Defrost{Heat: heat}
	h.thaw = time.Duration(10+r.IntN(11)) * time.Minute
	first := time.Duration(r.IntN(6*60)) * time.Minute
	for i := range n {
		h.thaws = append(h.thaws, first+time.Duration(i)*day/time.Duration(n))
	}
}

// drawProbes gives most rooms a probe in the air and one that feels what the goods feel.
func (h *house) drawProbes(r *rand.Rand) {
	instrument := func(lag time.Duration) probe {
		return probe{lag: lag, noise: span{0.02, 0.04}.draw(r), grid: []float64{0.01, 0.0625, 0.1}[r.IntN(3)]}
	}
	h.air = instrument(20 * time.Second)
	h.product = instrument(time.Minute)
	if r.Float64() < 0.5 { // in a bottle, beside the goods
		h.product = instrument(time.Duration(5+r.IntN(11)) * time.Minute)
	} else {
		h.product.among = true
	}
	switch x := r.Float64(); {
	case x < 0.15:
		h.product.lag = 0
	case x < 0.3:
		h.air.lag = 0
	}
}
