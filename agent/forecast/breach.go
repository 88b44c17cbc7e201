package forecast

import (
	"math"
	"time"

	"github.com/frostline/frostline/agent"
)

// Constants of the interval, chosen so that with seeds 101 to 104 of internal/lab/forecast
// about nine of ten breaches are inside. docs/forecast.md reports other seeds.
const (
	levelErr   = 0.05 // K, of the level now: resolution, and what a straight line misses
	widenEarly = 0.25 // relative deviation that the ensemble does not know of
	widenLate  = 0.8
	blurEarly  = 2.0 // min
	blurLate   = 4.0
	relax      = 12.0 // min in which a slow probe's slope settles
)

// The shares of its present slope that a slow probe keeps, of the members: in goods, which
// are still to feel what the air does, and in a bottle, which the air is about to leave
// behind.
var (
	lastsGoods  = [members]float64{0.35, 0.6, 0.85, 1, 1.25}
	lastsBottle = [members]float64{0.1, 0.3, 0.5, 0.75, 1}
)

// bottleSwing is the hourly range in K from which a slow probe is taken to be in a bottle:
// the compressor's cycles are seen through it, but not through goods.
const bottleSwing = 0.25

// Bins of a course: horizonBins up to the horizon, and twice as many beyond.
const (
	horizonBins = 60
	courseBins  = 3 * horizonBins
)

// course gathers when the limit is passed: how much weight in each bin of time ahead.
type course struct {
	m    *Model
	side Side
	now  trend
	bin  float64 // min
	at   int64
	bins [courseBins]float64
	all  float64 // weight, also of what never passes
}

// Forecast looks ahead for a limit. It is false while it cannot be said: within the first
// twelve hours, in the first minutes after a gap, and while the point is beyond the limit.
func (m *Model) Forecast(limit agent.Value, side Side) (Forecast, bool) {
	s := &m.s
	if !s.Usual.known() || len(s.Ring) < 4 {
		return Forecast{}, false
	}
	now, ok := m.trend()
	if !ok || (limit.Float64()-now.level)*side.sign() <= 0 {
		return Forecast{}, false
	}
	c := course{m: m, side: side, now: now, bin: m.set.Horizon.Minutes() / horizonBins, at: s.Ring[len(s.Ring)-1].At}
	least := math.Inf(1)
	for j := range s.Fit.M {
		least = min(least, float64(s.Fit.M[j].Score))
	}
	for j := range s.Fit.M {
		weight := 1.0
		if !m.set.Slow {
			weight = math.Exp((least - float64(s.Fit.M[j].Score)) / 2)
		}
		c.add(j, limit.Float64(), weight)
	}
	return c.result(m.unusual(side)), true
}

// add lets one member go on with three slopes, Gauss's and Hermite's points and weights of a
// normal distribution; the level errs with them.
func (c *course) add(j int, limit, weight float64) {
	const far = 1.73
	c.way(j, c.now.slope, limit, weight*4/6)
	c.way(j, c.now.slope-far*c.now.err, limit+far*levelErr, weight/6)
	c.way(j, c.now.slope+far*c.now.err, limit-far*levelErr, weight/6)
}

// way goes on from now until the limit is passed by the course itself or, bit by bit, by the
// jumps upon it.
func (c *course) way(j int, slope, limit, weight float64) {
	c.all += weight
	w := c.walker(j, slope)
	sign := c.side.sign()
	for i := range c.bins {
		distance := (limit - w.step(c.bin, float64(i)*c.bin)) * sign
		if distance <= 0 {
			c.bins[i] += weight
			return
		}
		if c.side == Above {
			at := c.at + int64(float64(i)*c.bin*binLen)
			gone := weight * c.m.s.Jumps.passes(at, c.bin, distance)
			c.bins[i] += gone
			weight -= gone
		}
	}
}

// walker is one member on its way: for the air two masses, with what the slope of late was
// off the member's law held; for a slow probe its slope, of which a share lasts.
type walker struct {
	m           *Model
	slow        bool
	y, p        float64
	slope, last float64 // of a slow probe
	rate        float64 // K/min in the usual range, without the product
	k, tau      float64
}

func (c *course) walker(j int, slope float64) walker {
	s, now := &c.m.s, c.now
	if c.m.set.Slow {
		last := lastsGoods[j]
		if s.Usual.Top-s.Usual.Bottom > bottleSwing {
			last = lastsBottle[j]
		}
		return walker{slow: true, y: now.level, slope: slope, last: last}
	}
	q := &s.Fit.M[j]
	_, k := q.law()
	// What the product was in the middle of the trend, of which the slope is.
	then := q.P - now.half*(now.level-q.P)/tau[j]
	rate := slope - k*(then-now.middle)
	if pull := c.m.pull(now.middle); rate > 0 && pull > 0 {
		rate /= pull
	}
	return walker{m: c.m, y: now.level, p: q.P, rate: rate, k: k, tau: tau[j]}
}

// step is the temperature after minutes more; t is how many went before.
func (w *walker) step(minutes, t float64) float64 {
	if w.slow {
		w.y += minutes * w.slope * (w.last + (1-w.last)*math.Exp(-t/relax))
		return w.y
	}
	const longest = 2 // min, with which the steps stay stable for every k
	parts := math.Ceil(minutes / longest)
	dt := minutes / parts
	for range int(parts) {
		rate := w.rate
		if rate > 0 {
			rate *= w.m.pull(w.y)
		}
		was := w.y
		w.y += dt * (rate + w.k*(w.p-w.y))
		w.p += dt / w.tau * (was - w.p)
	}
	return w.y
}

// result makes quantiles of the bins.
func (c *course) result(unusual float64) Forecast {
	var within, passing float64
	for i, w := range c.bins {
		passing += w
		if i < horizonBins {
			within += w
		}
	}
	f := Forecast{Probability: within / c.all * unusual}
	if passing < 0.5*c.all {
		return f
	}
	lo, mid, hi := c.quantile(0.05*passing), c.quantile(0.5*passing), c.quantile(0.95*passing)
	f.Breach = true
	f.Median = minutes(mid)
	f.Earliest = minutes(mid - math.Hypot(mid-lo, mid*(1-math.Exp(-1.645*widenEarly))) - blurEarly)
	f.Latest = minutes(mid + math.Hypot(hi-mid, mid*(math.Exp(1.645*widenLate)-1)) + blurLate)
	return f
}

// quantile is the minute until which so much weight has passed.
func (c *course) quantile(weight float64) float64 {
	var sum float64
	for i, w := range c.bins {
		if sum += w; sum >= weight && w > 0 {
			return (float64(i) + 1 - (sum-weight)/w) * c.bin
		}
	}
	return courseBins * c.bin
}

func minutes(v float64) time.Duration { return time.Duration(max(v, 0) * float64(time.Minute)) }

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
