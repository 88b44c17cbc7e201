package emulated

import (
	"math"
	"time"

	"github.com/frostline/frostline/agent"
)

// Noise of a reading, one standard deviation, at the level of the sensors' data sheets'
// repeatability: SHT4x 0.04 °C and 0.08 %RH at high precision, BME280 0.2 Pa to 1.3 Pa.
const (
	noiseTemperature = 0.02  // K
	noiseHumidity    = 0.1   // %RH
	noisePressure    = 0.008 // hPa
)

// probe is a place in a zone as an instrument in its housing feels it.
type probe struct {
	zone   int
	place  Place
	lag    time.Duration
	number uint64 // keeps the noises of two probes apart

	felt float64 // °C, guarded by the world's mu
}

// newProbe must be called before the world's first step.
func (w *World) newProbe(c *Chip) *probe {
	p := &probe{zone: w.zone(c.Zone), place: c.Place, lag: c.Lag, number: uint64(len(w.probes))}
	p.felt = p.there(w, 0)
	w.probes = append(w.probes, p)
	return p
}

// there is the temperature of the place itself. It needs the world's mu.
func (p *probe) there(w *World, t time.Duration) float64 {
	c := &w.zones[p.zone]
	switch p.place {
	case PlaceProduct:
		return c.product
	case PlaceSupply:
		return c.supply
	case PlaceSurface:
		return c.surface
	case PlaceOutside:
		copy(w.before, w.zones)
		temp, _ := w.beyond(w.scenario.Zones[p.zone].Around, t)
		return temp
	}
	return c.air
}

// follow moves what is felt on by one step. It needs the world's mu.
func (p *probe) follow(w *World) {
	at := time.Duration(w.steps) * step
	p.felt += min(1, step.Seconds()/p.lag.Seconds()) * (p.there(w, at) - p.felt)
}

// value is what an instrument at p measures now. It changes once a second.
func (w *World) value(p *probe, q agent.Quantity) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.advance().Truncate(step)
	switch q {
	case agent.Temperature:
		return p.felt + noiseTemperature*w.noise(p.number, 11, t)
	case agent.Humidity:
		// Inside the housing there is the zone's vapor at the probe's temperature.
		return min(100, max(0, relative(w.zones[p.zone].vapor, p.felt)+noiseHumidity*w.noise(p.number, 12, t)))
	case agent.Pressure:
		return 1013.25 + 6*w.wave(t, 31*time.Hour, 4) + noisePressure*w.noise(p.number, 13, t)
	}
	return math.NaN()
}

// noise is a number of mean 0 and deviation 1, nearly normal: the sum of twelve uniform
// ones.
func (w *World) noise(probe, what uint64, t time.Duration) float64 {
	sum := -6.0
	for i := range uint64(12) {
		sum += w.random(probe, what, uint64(t/step), i)
	}
	return sum
}
