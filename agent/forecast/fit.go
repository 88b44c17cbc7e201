package forecast

import "math"

// tau are the product's time constants, in minutes, that the members of the ensemble
// stand for; shape are the shares of the present slope that last, of the members for slow
// probes.
var (
	tau         = [members]float64{30, 70, 150, 300, 600}
	shape       = [members]float64{0.35, 0.6, 0.85, 1.0, 1.25}
	shapeBuffer = [members]float64{0.1, 0.3, 0.5, 0.75, 1}
)

const (
	members = 5
	relax   = 12.0   // min in which a slow probe's slope settles
	forget  = 0.9993 // per minute of warming that was learned from: a day of them
	prior   = 40.0   // minutes of warming that the first guess counts
	guessA  = 0.15   // K/min
	guessK  = 0.08   // 1/min
	warmer  = 20.0   // K between the zone and what warms it, where nobody knows
)

// fit is the ensemble: for each time constant of the product the least squares of
//
//	dT/dt = a + k·(Tp − T)
//
// over minutes of warming, Tp being the temperature T filtered with that constant.
type fit struct {
	M [members]member `json:"m"`
	N float32         `json:"n,omitempty"` // minutes learned from
	V float32         `json:"v,omitempty"` // variance of the residuals, (K/min)²
}

type member struct {
	P     float64 `json:"p"` // °C of the product
	S1    float32 `json:"a"` // sums: weight
	Sx    float32 `json:"b"` // x
	Sxx   float32 `json:"c"`
	Sy    float32 `json:"d"`
	Sxy   float32 `json:"e"`
	Score float32 `json:"s,omitempty"` // of late, squared residuals
}

func (f *fit) begin() {
	f.V = 0.002
	for j := range f.M {
		f.M[j] = member{P: math.MaxFloat32}
	}
}

// law is a member's two numbers.
func (q *member) law() (a, k float64) {
	// The guess counts as prior minutes at x = −1, 0 and 1.
	const spread = prior * 2 / 3.0
	s1, sx, sxx := float64(q.S1)+prior, float64(q.Sx), float64(q.Sxx)+spread
	sy, sxy := float64(q.Sy)+prior*guessA, float64(q.Sxy)+spread*guessK
	det := s1*sxx - sx*sx
	k = min(max((s1*sxy-sx*sy)/det, 0.01), 0.5)
	return max((sy-k*sx)/s1, 0.002), k
}

// skip moves the products on over a gap.
func (f *fit) skip(minutes, v float64) {
	for j := range f.M {
		if q := &f.M[j]; q.P != math.MaxFloat32 {
			q.P += (1 - math.Exp(-minutes/tau[j])) * (v - q.P)
		}
	}
}

// learn follows the products and, while the zone warms with nothing switched, its law.
func (m *Model) learn() {
	n := len(m.Ring)
	newest := m.Ring[n-1]
	y := float64(newest.V)
	if n < 2 {
		for j := range m.Fit.M {
			if q := &m.Fit.M[j]; q.P == math.MaxFloat32 {
				q.P = y
			}
		}
		return
	}
	dt := float64(newest.At-m.Ring[n-2].At) / 60e3
	for j := range m.Fit.M {
		q := &m.Fit.M[j]
		q.P += min(1, dt/tau[j]) * (y - q.P)
	}
	if n < 6 {
		return
	}
	m.measureNoise()
	if m.set.Slow {
		return
	}
	if !m.warming(newest.At) {
		return
	}
	back := m.Ring[n-4]
	span := float64(newest.At-back.At) / 60e3
	rate := (y - float64(back.V)) / span
	mid := float64(m.Ring[n-2].V+m.Ring[n-3].V) / 2
	f := &m.Fit
	best := math.Inf(1)
	var e2 [members]float64
	for j := range f.M {
		a, k := f.M[j].law()
		e := rate - a - k*(f.M[j].P-mid)
		e2[j] = e * e
		best = min(best, e2[j])
	}
	f.V += 0.01 * float32(min(best, 9*float64(f.V))-float64(f.V))
	f.V = max(f.V, 1e-6)
	odd := best > 16*float64(f.V)
	for j := range f.M {
		q := &f.M[j]
		q.Score = 0.985*q.Score + 0.3*float32(min(e2[j]/float64(f.V), 9))
		if odd || m.High.Weight > 2 {
			continue // a door, a defrost that nobody told
		}
		x := q.P - mid
		q.S1 = forget*q.S1 + 1
		q.Sx = forget*q.Sx + float32(x)
		q.Sxx = forget*q.Sxx + float32(x*x)
		q.Sy = forget*q.Sy + float32(rate)
		q.Sxy = forget*q.Sxy + float32(x*rate)
	}
	if !odd {
		f.N = min(f.N+1, 1e6)
	}
}

// measureNoise follows the deviation of a minute from the line through its neighbors.
func (m *Model) measureNoise() {
	n := len(m.Ring)
	e := float64(m.Ring[n-2].V) - float64(m.Ring[n-1].V+m.Ring[n-3].V)/2
	if m.Noise == 0 {
		m.Noise = 0.03
	}
	// A tracker of the quantile 0.3, which the bends of a cycle hardly move; of a normal
	// deviation of variance 3/2 that is 0.472.
	if step := 0.02 * max(m.Noise, 0.01); math.Abs(e) > 0.472*float64(m.Noise) {
		m.Noise += 0.3 * step
	} else {
		m.Noise -= 0.7 * step
	}
	m.Noise = max(m.Noise, 0.015)
}

// warming reports whether the newest minutes are of a zone that nothing cools, heats or
// opens, as far as anybody knows.
func (m *Model) warming(at int64) bool {
	if m.Mode.Door || m.Mode.Defrost || at-m.Shut < afterDoor*60e3 && m.Shut != 0 {
		return false
	}
	if at-m.Regime < 4*60e3 {
		return false
	}
	switch m.Mode.Cool {
	case Yes:
		return false
	case No:
		return true
	}
	n := len(m.Ring)
	return m.Mode.Dark || float64(m.Ring[n-1].V-m.Ring[n-4].V) > 2*float64(m.Noise)
}
