package forecast

import (
	"math/rand/v2"
	"time"
)

// room is a cold room of 20 m³ for tests: two masses, a controller, a probe with noise and a
// resolution of 0.01 K. Its numbers are those of the emulated cold room, in minutes.
type room struct {
	r            *rand.Rand
	now          time.Duration
	air, product float64
	cooling      bool
	thaw         bool // a defrost goes on
	dead         bool // the compressor does not start
	stuck        bool // it does not stop
	open         bool // the door
	dark         bool // no mains
}

func newRoom(seed uint64) *room {
	return &room{r: rand.New(rand.NewPCG(seed, 1)), air: 5, product: 5}
}

// next moves the room on by half a minute and measures.
func (r *room) next() (time.Duration, Input) {
	const (
		step     = 30.0 / 120e3 // s·K/J of air and fittings
		walls    = 20.0         // W/K
		coupling = 180.0        // W/K
		fans     = 180.0        // W
		cold     = 2100.0       // W
		door     = 480.0        // W/K
	)
	switch {
	case r.dead || r.dark || r.thaw || r.air <= 4 && !r.stuck:
		r.cooling = false
	case r.air >= 6 || r.stuck:
		r.cooling = true
	}
	heat := walls*(18-r.air) + coupling*(r.product-r.air)
	if !r.dark {
		heat += fans
	}
	switch {
	case r.stuck:
		heat -= cold / 3
	case r.cooling:
		heat -= cold
	}
	if r.open {
		heat += door * (18 - r.air)
	}
	r.product += 30 * coupling * (r.air - r.product) / 600e3
	r.air += step * heat
	r.now += 30 * time.Second
	return r.now, Input{OK: true, Value: celsius(r.air + 0.02*r.r.NormFloat64())}
}
