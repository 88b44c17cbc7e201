package forecast

import (
	"math"
	"time"

	"github.com/frostline/frostline/agent"
)

// Forecast is when the point will pass a limit if what goes on goes on.
type Forecast struct {
	// Probability that the limit is passed within the horizon, 0 to 1.
	Probability float64
	// Earliest, Median and Latest are times from now: nine of ten breaches are between
	// the first and the last. They are set if Breach is.
	Breach                   bool
	Earliest, Median, Latest time.Duration
}

// Constants of the interval, set so that on the houses of internal/lab/forecast with seeds
// 101 and 102 nine of ten breaches are inside; the seeds of docs/forecast.md are others.
const (
	certain    = 0.95 // that a zone without mains or with an open door is not as usual
	widenEarly = 0.25 // relative deviation that the ensemble does not know of
	widenLate  = 0.5
	levelErr   = 0.05 // K, of the level now: noise, resolution, what a straight line misses
	blur       = 2.0  // min, the same
	beyondTime = 3    // times the horizon that is looked at
	lasting    = 1.1  // a jump must be so much greater than the distance to last
)

// course gathers when the limit is passed: the weight of each minute ahead, in bins of
// horizon/60.
type course struct {
	bins [60*beyondTime + 1]float64
	all  float64
	bin  float64 // min
	m    *Model
	at   int64
	side Side
}

// Forecast looks ahead for a limit. It is false while too little is known: before twelve
// hours, after a gap, and when the last value is outside already.
func (m *Model) Forecast(limit agent.Value, side Side) (Forecast, bool) {
	if !m.Hours.known() || len(m.Ring) < 4 {
		return Forecast{}, false
	}
	now, ok := m.now()
	if !ok {
		return Forecast{}, false
	}
	far := (limit.Float64() - now.level) * side.sign()
	if far <= 0 {
		return Forecast{}, false
	}
	c := course{m: m, side: side, bin: m.set.Horizon.Minutes() / 60, at: m.Ring[len(m.Ring)-1].At}
	m.ways(&c, now, limit.Float64())
	return c.weigh(m.unusual(side)), true
}

// ways lets each member go on from now with three slopes.
func (m *Model) ways(c *course, now trend, limit float64) {
	best := math.Inf(1)
	for _, q := range m.Fit.M {
		best = min(best, float64(q.Score))
	}
	for j := range m.Fit.M {
		w := math.Exp((best - float64(m.Fit.M[j].Score)) / 2)
		if m.set.Slow {
			w = 1
		}
		c.way(j, now, now.slope, limit, w*4/6) // Gauss and Hermite's three points
		for _, s := range [...]float64{-1.73, 1.73} {
			c.way(j, now, now.slope+s*now.err, limit-s*levelErr, w/6)
		}
	}
}

// way goes on from now with one member and one slope until the limit is passed. For the
// air it is two masses, with what the slope of late was off the member's law held; for a
// slow probe the present slope, of which a share lasts.
func (c *course) way(j int, now trend, slope, limit, weight float64) {
	m, sign := c.m, c.side.sign()
	q := &m.Fit.M[j]
	a, k := q.law()
	rest := slope - a - k*(q.P-now.half*(now.level-q.P)/tau[j]-now.middle)
	y, p := now.level, q.P
	share := shape[j]
	if m.Hours.Usual-m.Hours.Floor > 0.25 {
		share = shapeBuffer[j]
	}
	around := y + warmer
	if m.OutOK {
		around = max(float64(m.Out), y+2) + 5
	}
	c.all += weight
	alive := 1.0
	for i := range c.bins {
		t := float64(i) * c.bin
		var d float64
		if m.set.Slow {
			d = slope * (share + (1-share)*math.Exp(-t/relax))
		} else {
			rate := a + rest
			if rate > 0 {
				rate *= (around - y) / (around - now.level)
			}
			d = rate + k*(p-y)
			p += min(1, c.bin/tau[j]) * (y - p)
		}
		y += c.bin * d
		far := (limit - y) * sign
		if far <= 0 {
			c.bins[i] += weight * alive
			return
		}
		if gone := alive * c.jumps(t, far); gone > 0 {
			c.bins[i] += weight * gone
			alive -= gone
		}
	}
}

// jumps is the probability that in a bin a jump passes a limit that is far away.
func (c *course) jumps(t, far float64) float64 {
	j := &c.m.Jumps
	if j.Size == 0 || c.side == Below {
		return 0
	}
	rate := float64(j.Rate[(c.at+int64(t*60e3))/hour%24]) / 60 * c.bin
	if rate < 1e-4 {
		return 0
	}
	return min(1, rate) * math.Exp(-lasting*far/float64(j.Size))
}

// weigh makes quantiles of the ways.
func (c *course) weigh(unusual float64) Forecast {
	var within, crossing float64
	for i, w := range c.bins {
		crossing += w
		if i < 60 {
			within += w
		}
	}
	f := Forecast{Probability: within / c.all * unusual}
	if crossing < 0.5*c.all {
		return f
	}
	lo, mid, hi := c.quantile(0.05*crossing), c.quantile(0.5*crossing), c.quantile(0.95*crossing)
	f.Breach = true
	f.Median = minutes(mid)
	f.Earliest = minutes(mid - math.Hypot(mid-lo, mid*(1-math.Exp(-1.645*widenEarly))) - blur)
	f.Latest = minutes(mid + math.Hypot(hi-mid, mid*(math.Exp(1.645*widenLate)-1)) + 2*blur)
	return f
}

func (c *course) quantile(at float64) float64 {
	var sum float64
	for i, w := range c.bins {
		if sum += w; sum >= at {
			return (float64(i) + 1 - (sum-at)/w) * c.bin
		}
	}
	return float64(len(c.bins)) * c.bin
}

func minutes(v float64) time.Duration { return time.Duration(max(v, 0) * float64(time.Minute)) }

// unusual is the probability that what goes on is no ordinary cycle.
func (m *Model) unusual(side Side) float64 {
	o := &m.High
	if side == Below {
		o = &m.Low
	} else {
		at := m.Ring[len(m.Ring)-1].At
		if m.Dark != 0 && at-m.Dark > 3*60e3 || m.Ajar != 0 && at-m.Ajar > 6*60e3 {
			return certain
		}
	}
	x := (float64(o.Weight) - o.need()) / (0.15 * o.need())
	return 1 / (1 + math.Exp(-x))
}
