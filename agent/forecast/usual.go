package forecast

import (
	"math"
	"slices"
)

func sqrt(v float64) float64 { return math.Sqrt(v) }

// hours are the extremes of the last two days, an hour each.
type hours struct {
	From   int64     `json:"t,omitempty"`
	Top    float32   `json:"x,omitempty"` // of the hour that goes on
	Base   float32   `json:"n,omitempty"`
	Tops   []float32 `json:"xs,omitempty"`
	Base48 []float32 `json:"ns,omitempty"`
	Usual  float32   `json:"u,omitempty"` // middle of Tops
	Floor  float32   `json:"f,omitempty"` // middle of the lowest values
	Width  float32   `json:"w,omitempty"` // from the middle of Tops to their upper fifth
	Depth  float32   `json:"d,omitempty"`
}

const hour = 3600e3 // ms

func (h *hours) add(at int64, v float32) {
	if h.From == 0 || at-h.From >= hour {
		if h.From != 0 {
			h.close()
		}
		h.From, h.Top, h.Base = at, v, v
	}
	h.Top, h.Base = max(h.Top, v), min(h.Base, v)
}

func (h *hours) close() {
	h.Tops = shift(h.Tops, h.Top)
	h.Base48 = shift(h.Base48, h.Base)
	h.Usual, h.Width = middle(h.Tops, 1)
	h.Floor, h.Depth = middle(h.Base48, -1)
}

func shift(s []float32, v float32) []float32 {
	if len(s) == hoursLen {
		s = append(s[:0], s[1:]...)
	}
	return append(s, v)
}

// middle is the median and the distance from it to the outer fifth on the side of sign.
func middle(s []float32, sign float32) (mid, width float32) {
	var a [hoursLen]float32
	n := copy(a[:], s)
	slices.Sort(a[:n])
	mid = a[n/2]
	if sign < 0 {
		return mid, mid - a[n/5]
	}
	return mid, a[n-1-n/5] - mid
}

func (h *hours) known() bool { return len(h.Tops) >= hoursWant }

// overdue gathers evidence that a rise (for the low side: a fall) is not an ordinary one.
type overdue struct {
	Weight float32   `json:"w,omitempty"` // min, weighted
	Peak   float32   `json:"p,omitempty"` // of the run that goes on
	Began  int64     `json:"t,omitempty"`
	Past   []float32 `json:"b,omitempty"` // greatest peaks of runs that came back, greatest first
	Decay  int64     `json:"d,omitempty"`
}

const (
	pastLen     = 4
	needAtLeast = 6
	needAtMost  = 30
	month       = 30 * 24 * hour
)

func (o *overdue) pause() { o.Weight /= 2 }

// need is the weight from which a run is out of the ordinary.
func (o *overdue) need() float64 {
	need := float32(needAtLeast)
	if len(o.Past) >= 2 {
		need = max(need, 1.1*o.Past[1])
	}
	return float64(min(need, needAtMost))
}

// over ends a run that came back by itself.
func (o *overdue) over(at int64) {
	if o.Peak > 1 {
		o.Past = append(o.Past, min(o.Peak, needAtMost))
		slices.SortFunc(o.Past, func(a, b float32) int {
			switch {
			case a > b:
				return -1
			case a < b:
				return 1
			}
			return 0
		})
		o.Past = o.Past[:min(len(o.Past), pastLen)]
	}
	*o = overdue{Past: o.Past, Decay: o.Decay}
}

func (o *overdue) fade(at int64) {
	if o.Decay == 0 {
		o.Decay = at
	}
	if at-o.Decay >= month/30 { // each day
		o.Decay = at
		for i := range o.Past {
			o.Past[i] *= 0.975
		}
	}
}

// judge weighs the newest minute on both sides.
func (m *Model) judge() {
	if !m.Hours.known() {
		return
	}
	at := m.Ring[len(m.Ring)-1].At
	recent, ok := line(m.Ring, at-5*60e3, at, float64(m.Noise))
	if !ok {
		return
	}
	long, ok := m.now()
	if !ok {
		return
	}
	h := &m.Hours
	m.High.step(m, at, recent.level-float64(h.Usual), long.slope, long.err, float64(h.Width))
	m.Low.step(m, at, float64(h.Floor)-recent.level, -long.slope, long.err, float64(h.Depth))
}

// step weighs a minute that is beyond (K) the usual range and goes further by slope.
func (o *overdue) step(m *Model, at int64, beyond, slope, err, width float64) {
	o.fade(at)
	margin := 0.1 + 2*float64(m.Noise) + 0.15*min(width, 2)
	if beyond < margin/2 {
		if o.Weight > 0 || o.Peak > 0 {
			o.over(at)
		}
		return
	}
	if beyond < margin {
		return
	}
	if o.Began == 0 {
		o.Began = at
	}
	up := o == &m.High
	w := 1.0
	switch t := slope / err; {
	case m.Mode.Defrost:
		w = 0
	case t < -2 && slope < -quietSlope:
		w = -2
	case t < -1:
		w = -0.5
	case t < 1:
		w = 0.5
	case up && m.Mode.Cool == No, !up && m.Mode.Cool == Yes:
		w = 2
	}
	if w > 0 && m.Mode.Door {
		w = 0.5
		if at-m.Regime > 6*60e3 {
			w = 2
		}
	}
	o.Weight = min(max(0, o.Weight+float32(w)), needAtMost*1.2)
	o.Peak = max(o.Peak, o.Weight)
}
