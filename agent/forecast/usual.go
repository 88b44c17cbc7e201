package forecast

import (
	"cmp"
	"slices"
)

// usual are the extremes of the last two days, hour by hour. Their medians are the range in
// which the zone usually goes up and down: less than half of the hours being odd does not
// move them.
type usual struct {
	From    int64     `json:"t,omitempty"` // of the hour that goes on
	High    float32   `json:"x,omitempty"`
	Low     float32   `json:"n,omitempty"`
	Tops    []float32 `json:"xs,omitempty"`
	Bottoms []float32 `json:"ns,omitempty"`
	Top     float32   `json:"u,omitempty"` // median of Tops
	Bottom  float32   `json:"f,omitempty"` // median of Bottoms
	Above   float32   `json:"w,omitempty"` // K from Top to the outer fifth of Tops
	Under   float32   `json:"d,omitempty"` // K from Bottom to the outer fifth of Bottoms
}

const (
	hoursLen  = 48
	hoursWant = 12 // before which nothing is usual yet
)

func (u *usual) known() bool { return len(u.Tops) >= hoursWant }

func (u *usual) add(at int64, v float32) {
	if u.From == 0 || at-u.From >= hour {
		if u.From != 0 {
			u.close()
		}
		u.From, u.High, u.Low = at, v, v
	}
	u.High, u.Low = max(u.High, v), min(u.Low, v)
}

func (u *usual) close() {
	u.Tops, u.Bottoms = push(u.Tops, u.High, hoursLen), push(u.Bottoms, u.Low, hoursLen)
	var a [hoursLen]float32
	n := copy(a[:], u.Tops)
	slices.Sort(a[:n])
	u.Top, u.Above = a[n/2], a[n-1-n/5]-a[n/2]
	n = copy(a[:], u.Bottoms)
	slices.Sort(a[:n])
	u.Bottom, u.Under = a[n/2], a[n/2]-a[n/5]
}

// evidence is how long the zone has been beyond its usual range on one side and not on its
// way back. A run is the time from leaving the range to coming back.
type evidence struct {
	Weight float32   `json:"w,omitempty"` // min, weighted
	Peak   float32   `json:"p,omitempty"` // greatest of this run
	Breach bool      `json:"x,omitempty"` // this run passed a limit: it was no ordinary one
	Past   []float32 `json:"b,omitempty"` // peaks of runs that came back, ascending
	Faded  int64     `json:"d,omitempty"` // when Past was last made less
}

// Constants of the evidence, chosen with seeds 101 to 104 of internal/lab/forecast.
const (
	pastLen     = 4
	needAtLeast = 6.0   // min
	needAtMost  = 45.0  // min
	fadePerDay  = 0.975 // halves a peak in four weeks
	quiet       = 0.01  // K/min that is no fall
)

// pause takes account of a gap.
func (e *evidence) pause() { e.Weight /= 2 }

// need is the weight from which a run is out of the ordinary: somewhat more than the second
// greatest of those that came back by themselves, so that what a zone does again and again
// is learned to be harmless.
func (e *evidence) need() float64 {
	if n := len(e.Past); n >= 2 {
		return min(max(needAtLeast, 1.1*float64(e.Past[n-2])), needAtMost)
	}
	return needAtLeast
}

// over ends a run.
func (e *evidence) over() {
	if e.Peak > 1 && !e.Breach {
		e.Past = append(e.Past, min(e.Peak, needAtMost))
		slices.SortFunc(e.Past, cmp.Compare)
		e.Past = e.Past[max(0, len(e.Past)-pastLen):]
	}
	e.Weight, e.Peak, e.Breach = 0, 0, false
}

func (e *evidence) fade(at int64) {
	if e.Faded == 0 {
		e.Faded = at
	}
	for ; at-e.Faded >= 24*hour; e.Faded += 24 * hour {
		for i := range e.Past {
			e.Past[i] *= fadePerDay
		}
	}
}

// judge weighs the newest minute on both sides.
func (m *Model) judge(at int64) {
	s := &m.s
	s.High.fade(at)
	s.Low.fade(at)
	if !s.Usual.known() {
		return
	}
	recent, ok := line(s.Ring, at-5*binLen, at, float64(s.Noise))
	if !ok {
		return
	}
	long, ok := m.trend()
	if !ok {
		return
	}
	u := &s.Usual
	m.weigh(&s.High, Above, recent.level-float64(u.Top), float64(u.Above), long)
	m.weigh(&s.Low, Below, float64(u.Bottom)-recent.level, float64(u.Under), long)
}

// weigh adds a minute in which the zone is beyond its usual range by so many K; width is how
// far the odd hours of that range go.
func (m *Model) weigh(e *evidence, side Side, beyond, width float64, long trend) {
	margin := 0.1 + 2*float64(m.s.Noise) + 0.15*min(width, 2)
	if beyond < margin {
		if beyond < margin/2 && e.Peak > 0 {
			e.over()
		}
		return
	}
	e.Weight = min(max(0, e.Weight+m.minuteWeight(side, long)), 1.2*needAtMost)
	e.Peak = max(e.Peak, e.Weight)
}

// minuteWeight is what a minute beyond the usual range counts.
func (m *Model) minuteWeight(side Side, long trend) float32 {
	slope := long.slope * side.sign()
	mode := &m.s.Mode
	switch sure := slope / long.err; {
	case mode.Defrost:
		return 0
	case sure < -2 && slope < -quiet:
		return -0.7
	case sure < -1:
		return 0
	case mode.Door:
		if m.s.Bin.From-m.s.Regime > 6*binLen {
			return 2 // nobody goes in and out for so long
		}
		return 0.5
	case sure < 1:
		return 0.5
	case side == Above && mode.Cool == No, side == Below && mode.Cool == Yes:
		return 2 // it ought to have been switched by now
	}
	return 1
}

// unusual is the probability that what goes on is no ordinary cycle.
func (m *Model) unusual(side Side) float64 {
	s := &m.s
	if len(s.Ring) == 0 || !s.Usual.known() {
		return 0
	}
	e := &s.High
	if side == Below {
		e = &s.Low
	} else if s.Dark != 0 && s.Ring[len(s.Ring)-1].At-s.Dark > 3*binLen {
		return 0.95
	}
	return logistic((float64(e.Weight) - e.need()) / (0.15 * e.need()))
}
