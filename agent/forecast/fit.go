package forecast

import "math"

// members is how many models the ensemble has. They differ by what cannot be seen while a
// zone works: how slowly the product follows.
const members = 5

// tau are the product's time constants in minutes.
var tau = [members]float64{30, 60, 110, 200, 400}

// Constants of the fit.
const (
	forget    = 0.9993 // per minute of warming: about a day of them counts
	prior     = 40.0   // minutes of warming that the first guess counts
	guessA    = 0.15   // K/min
	guessK    = 0.08   // 1/min
	scoreKept = 0.985  // per minute of warming
	afterDoor = 3      // min that the air needs when the door was shut
	warmer    = 20.0   // K between a zone and what warms it, where nobody knows
	fansWarm  = 5.0    // K that fans and people add to what surrounds it
)

// fit is the ensemble. Each member is the least squares of
//
//	dT/dt = a·g + k·(Tp − T),   dTp/dt = (T − Tp)/tau
//
// over minutes in which nothing cools the zone. T is measured; Tp, the product, follows from
// T alone, because the product changes its heat with nothing but the air. g is the share of
// the usual heat that still comes in when the zone is warmer than usual, see Model.pull.
type fit struct {
	M     [members]member `json:"m"`
	Begun bool            `json:"k,omitempty"`
	V     float32         `json:"v,omitempty"` // variance of the residuals, (K/min)²
}

type member struct {
	P     float64 `json:"p"` // Tp
	Sgg   float32 `json:"a"` // sums of products of g, x = Tp − T and y = dT/dt
	Sgx   float32 `json:"b"`
	Sxx   float32 `json:"c"`
	Sgy   float32 `json:"d"`
	Sxy   float32 `json:"e"`
	Score float32 `json:"s,omitempty"` // squared residuals of late
}

// law is a member's a and k. The first guess counts like prior minutes at x = −1, 0 and 1.
func (q *member) law() (a, k float64) {
	const spread = prior * 2 / 3.0
	sgg, sgx, sxx := float64(q.Sgg)+prior, float64(q.Sgx), float64(q.Sxx)+spread
	sgy, sxy := float64(q.Sgy)+prior*guessA, float64(q.Sxy)+spread*guessK
	k = guessK
	if det := sgg*sxx - sgx*sgx; det > 0 {
		k = min(max((sgg*sxy-sgx*sgy)/det, 0.01), 0.5)
	}
	return max((sgy-k*sgx)/sgg, 0.002), k
}

func (q *member) add(g, x, y float64) {
	q.Sgg = forget*q.Sgg + float32(g*g)
	q.Sgx = forget*q.Sgx + float32(g*x)
	q.Sxx = forget*q.Sxx + float32(x*x)
	q.Sgy = forget*q.Sgy + float32(g*y)
	q.Sxy = forget*q.Sxy + float32(x*y)
}

// skip moves the products on over a gap.
func (f *fit) skip(minutes, v float64) {
	for j := range f.M {
		f.M[j].P += (1 - math.Exp(-minutes/tau[j])) * (v - f.M[j].P)
	}
}

// follow moves the products on to the newest value.
func (f *fit) follow(minutes, v float64) {
	for j := range f.M {
		if !f.Begun {
			f.M[j].P = v
		}
		f.M[j].P += min(1, minutes/tau[j]) * (v - f.M[j].P)
	}
	f.Begun = true
}

// learn takes the newest minute into the fit, if the zone warms with nothing switched.
func (m *Model) learn() {
	s := &m.s
	n := len(s.Ring)
	newest := s.Ring[n-1]
	if n < 2 {
		s.Fit.follow(0, float64(newest.V))
		return
	}
	s.Fit.follow(float64(newest.At-s.Ring[n-2].At)/binLen, float64(newest.V))
	if n < 4 {
		return
	}
	m.measureNoise()
	if m.set.Slow || !m.warming(newest.At) {
		return
	}
	back := s.Ring[n-4]
	rate := float64(newest.V-back.V) * binLen / float64(newest.At-back.At)
	middle := float64(s.Ring[n-2].V+s.Ring[n-3].V) / 2
	s.Fit.learn(rate, middle, m.pull(middle), s.High.Weight <= 2)
}

// pull is the share of the usual heat that comes in at a temperature: it falls to nothing as
// the zone comes near what surrounds it.
func (m *Model) pull(at float64) float64 {
	s := &m.s
	if !s.Usual.known() {
		return 1
	}
	usual := float64(s.Usual.Top+s.Usual.Bottom) / 2
	around := usual + warmer
	if s.Around != nil {
		around = max(float64(*s.Around), usual+2) + fansWarm
	}
	return min(max((around-at)/(around-usual), 0), 2)
}

// learn takes a rate of warming in K/min at a temperature with its pull. Only ordinary minutes move the
// law; all of them tell which member is right.
func (f *fit) learn(rate, at, pull float64, ordinary bool) {
	var squares [members]float64
	least := math.Inf(1)
	for j := range f.M {
		a, k := f.M[j].law()
		e := rate - a*pull - k*(f.M[j].P-at)
		squares[j] = e * e
		least = min(least, squares[j])
	}
	f.V = max(f.V+0.01*float32(min(least, 9*float64(f.V))-float64(f.V)), 1e-6)
	odd := least > 16*float64(f.V) // a door, a defrost that nobody told
	for j := range f.M {
		q := &f.M[j]
		// Minutes overlap and residuals last: each counts for 0.3.
		q.Score = scoreKept*q.Score + 0.3*float32(min(squares[j]/float64(f.V), 9))
		if ordinary && !odd {
			q.add(pull, q.P-at, rate)
		}
	}
}

// measureNoise follows how far a minute is from the line through its neighbors: the quantile
// 0.3, which the bends of a cycle hardly move. Of a normal deviation with variance 3/2 it is
// 0.472 times the standard deviation.
func (m *Model) measureNoise() {
	s := &m.s
	n := len(s.Ring)
	e := math.Abs(float64(s.Ring[n-2].V) - float64(s.Ring[n-1].V+s.Ring[n-3].V)/2)
	step := 0.02 * s.Noise
	if e > 0.472*float64(s.Noise) {
		s.Noise = min(s.Noise+0.3*step, 1)
	} else {
		s.Noise = max(s.Noise-0.7*step, 0.015)
	}
}

// warming reports whether the newest minutes are of a zone that nothing cools, heats or
// opens, as far as anybody knows, and whose fans run: without mains the law is another.
func (m *Model) warming(at int64) bool {
	s := &m.s
	if s.Mode.Door || s.Mode.Defrost || s.Mode.Dark || at-s.Regime < 4*binLen {
		return false
	}
	if s.Shut != 0 && at-s.Shut < afterDoor*binLen {
		return false
	}
	if s.Mode.Cool != Unknown {
		return s.Mode.Cool == No
	}
	n := len(s.Ring)
	return float64(s.Ring[n-1].V-s.Ring[n-4].V) > 2*float64(s.Noise)
}
