// Package forecast says when a zone's temperature will pass a limit, before it does.
//
// It is pure: no clock, no input or output, nothing started. A Model learns from the
// readings of one point how the zone warms when nothing cools it and how far it usually
// goes; a Watch turns its forecasts into a pre-alarm that is raised and withdrawn. Both are
// plain state that survives a restart as JSON. How it works, what it was measured on and
// what it cannot do: docs/forecast.md.
package forecast

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// State is what a contact says, or that nobody knows.
type State uint8

// The states.
const (
	Unknown State = iota
	No
	Yes
)

// Is makes a State of a contact that is known.
func Is(on bool) State {
	if on {
		return Yes
	}
	return No
}

// Input is what is known at one moment. Contacts that are wired for some time must be
// given at each step: what is Unknown now is not remembered.
type Input struct {
	OK    bool        // there is a value
	Value agent.Value // temperature of the point, °C

	Door       State        // the zone's door is open
	Compressor State        // the zone is being cooled
	Defrost    State        // the coil is being defrosted
	Power      State        // there is mains
	Outside    *agent.Value // temperature around the zone, °C; nil: unknown
}

// Side is the side of a limit on which values are outside.
type Side uint8

// The sides.
const (
	Above Side = iota
	Below
)

// sign is what turns a value so that greater is worse.
func (s Side) sign() float64 {
	if s == Below {
		return -1
	}
	return 1
}

// Settings are what a Model is told beside readings. The zero value is good for a probe in
// the air.
type Settings struct {
	// Slow is set for a probe that does not follow the air within a minute or two: in a
	// bottle, in a buffer, in the goods.
	Slow bool
	// Horizon is how far ahead a forecast looks; 0 is DefaultHorizon.
	Horizon time.Duration
}

// DefaultHorizon is how far ahead a forecast looks unless told otherwise.
const DefaultHorizon = 90 * time.Minute

// Lengths of the memory.
const (
	ringLen    = 24               // minutes that slopes are taken from
	coarseLen  = 14               // means of ten minutes
	hoursLen   = 48               // hours that the usual range is taken from
	hoursWant  = 12               // hours before which there is no forecast
	binLen     = time.Minute      // readings of this time are one mean
	gapLen     = 12 * time.Minute // silence after which slopes begin anew
	afterDoor  = 3                // min that the air needs after the door was shut
	quietSlope = 0.01             // K/min that is neither rising nor falling
)

// Model is what is known of one point's zone. It is not safe for concurrent use. Its JSON
// is bounded, below 3 KiB.
type Model struct {
	set Settings
	state
}

// state is what survives a restart. Times are milliseconds on the caller's line, values
// °C, slopes K/min.
type state struct {
	Bin    bin      `json:"b"`
	Ring   []minute `json:"r,omitempty"`
	Coarse []minute `json:"c,omitempty"` // means of ten minutes
	Ten    ten      `json:"e"`
	Hours  hours    `json:"h"`
	Fit    fit      `json:"f"`
	Jumps  jumps    `json:"j"`
	Noise  float32  `json:"n,omitempty"` // deviation of a minute's mean
	Regime int64    `json:"g,omitempty"` // since when nothing was switched
	Mode   mode     `json:"m,omitempty"`
	Shut   int64    `json:"d,omitempty"` // when the door was last seen open
	Dark   int64    `json:"p,omitempty"` // since when there is no mains; 0: there is
	Ajar   int64    `json:"a,omitempty"` // since when the door is open; 0: it is not
	High   overdue  `json:"u"`
	Low    overdue  `json:"l"`
	Out    float32  `json:"o,omitempty"` // °C outside
	OutOK  bool     `json:"k,omitempty"`
}

// bin gathers the readings of a minute.
type bin struct {
	From    int64   `json:"t,omitempty"`
	N       int32   `json:"n,omitempty"`
	Sum     float64 `json:"s,omitempty"`
	Door    bool    `json:"d,omitempty"` // was open at some time
	Defrost bool    `json:"f,omitempty"`
	Cool    State   `json:"c,omitempty"` // Yes: cooled at some time
}

// ten gathers ten minutes.
type ten struct {
	N    int32   `json:"n,omitempty"`
	Sum  float64 `json:"s,omitempty"`
	At   float64 `json:"t,omitempty"` // sum of the ages against From, ms
	From int64   `json:"f,omitempty"`
}

// minute is the mean of a minute's readings.
type minute struct {
	At int64   `json:"t"`
	V  float32 `json:"v"`
}

// mode is what acts on the zone, as far as contacts tell.
type mode struct {
	Door    bool  `json:"d,omitempty"`
	Defrost bool  `json:"f,omitempty"`
	Cool    State `json:"c,omitempty"`
	Dark    bool  `json:"p,omitempty"`
}

// New makes a model that knows nothing.
func New(s Settings) *Model {
	if s.Horizon <= 0 {
		s.Horizon = DefaultHorizon
	}
	m := &Model{set: s}
	m.Fit.begin()
	return m
}

// Step takes what is known at now, a time on the caller's monotonic line that begins above
// zero; it must go on over restarts. A step into the past is left out. It reports whether a
// minute was completed, so that a forecast may have changed.
func (m *Model) Step(now time.Duration, in Input) bool {
	t := now.Milliseconds()
	b := &m.Bin
	if t <= 0 || t < b.From {
		return false
	}
	closed := false
	if b.From == 0 || t-b.From >= binLen.Milliseconds() {
		closed = m.close(t)
		*b = bin{From: t}
	}
	b.Door = b.Door || in.Door == Yes
	b.Defrost = b.Defrost || in.Defrost == Yes
	b.Cool = max(b.Cool, in.Compressor)
	since(&m.Dark, t, in.Power == No)
	since(&m.Ajar, t, in.Door == Yes)
	if in.Outside != nil {
		m.Out, m.OutOK = float32(in.Outside.Float64()), true
	}
	if in.OK {
		b.N++
		b.Sum += in.Value.Float64()
	}
	return closed
}

// since keeps when something began that holds without a break; 0 while it does not.
func since(began *int64, t int64, holds bool) {
	switch {
	case !holds:
		*began = 0
	case *began == 0:
		*began = t
	}
}

// close makes a minute of the bin that ends at t.
func (m *Model) close(t int64) bool {
	b := m.Bin
	if b.N == 0 {
		return false
	}
	at, v := (b.From+t)/2, b.Sum/float64(b.N)
	if n := len(m.Ring); n > 0 && at-m.Ring[n-1].At > gapLen.Milliseconds() {
		m.Fit.skip(float64(at-m.Ring[n-1].At)/60e3, v)
		m.Ring, m.Coarse, m.Ten, m.Regime = m.Ring[:0], m.Coarse[:0], ten{}, at
		m.High.pause()
		m.Low.pause()
	}
	m.Ring = push(m.Ring, minute{At: at, V: float32(v)}, ringLen)
	m.gather(at, v)
	m.Hours.add(at, float32(v))
	if b.Door {
		m.Shut = at
	}
	m.follow(at, mode{Door: b.Door, Defrost: b.Defrost, Cool: b.Cool, Dark: m.Dark != 0})
	m.learn()
	m.leap(at)
	m.judge()
	return true
}

// push appends to a ring of at most most.
func push(r []minute, p minute, most int) []minute {
	if len(r) == most {
		copy(r, r[1:])
		r = r[:most-1]
	}
	return append(r, p)
}

// gather makes the means of ten minutes.
func (m *Model) gather(at int64, v float64) {
	t := &m.Ten
	if t.N > 0 && at-t.From >= 10*60e3 {
		m.Coarse = push(m.Coarse, minute{At: t.From + int64(t.At/float64(t.N)), V: float32(t.Sum / float64(t.N))}, coarseLen)
		*t = ten{}
	}
	if t.N == 0 {
		t.From = at
	}
	t.N++
	t.Sum += v
	t.At += float64(at - t.From)
}

// follow begins a new regime where a contact or the direction changed.
func (m *Model) follow(at int64, now mode) {
	if now != m.Mode {
		m.Mode, m.Regime = now, at
		return
	}
	if now.Cool != Unknown && !m.set.Slow {
		return
	}
	if n := len(m.Ring); n >= 7 {
		early, late := float64(m.Ring[n-4].V-m.Ring[n-7].V), float64(m.Ring[n-1].V-m.Ring[n-4].V)
		turn := 3 * max(float64(m.Noise), 0.02)
		if early < -turn && late > turn || early > turn && late < -turn {
			m.Regime = max(m.Regime, m.Ring[n-4].At)
		}
	}
}

// trend is a straight line through the minutes of the present regime: the level at its
// end, its slope and the slope's standard error.
type trend struct {
	level, slope, err float64
	middle            float64 // mean value
	half              float64 // minutes from the middle to the end
	n                 int
}

// now is the trend at the newest minute. It is taken over the newest half of the present
// regime, at least eight minutes and at most two hours: what a switch set off fades with
// the time since, so that the newest half is nearly straight whatever the zone.
func (m *Model) now() (trend, bool) {
	end := m.Ring[len(m.Ring)-1].At
	age := float64(end-m.Regime) / 60e3
	span := min(max(0.5*age, min(age, 8)), 120)
	from := end - int64(span*60e3)
	if span > ringLen && len(m.Coarse) >= 4 && m.Coarse[len(m.Coarse)-4].At >= m.Regime {
		t, ok := line(m.Coarse, from, end, float64(m.Noise)/3)
		if recent, also := line(m.Ring, end-20*60e3, end, float64(m.Noise)); ok && also {
			t.level += recent.level - (t.level)
		}
		return t, ok
	}
	return line(m.Ring, from, end, float64(m.Noise))
}

// line fits the part of a ring since from, at least four of it.
func line(ring []minute, from, end int64, noise float64) (trend, bool) {
	n := len(ring)
	first := n
	for first > 0 && (ring[first-1].At >= from || n-first < 4) {
		first--
	}
	part := ring[first:]
	if len(part) < 4 {
		return trend{}, false
	}
	var sx, sy, sxx, sxy float64
	for _, p := range part {
		x, y := float64(p.At-end)/60e3, float64(p.V)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	k := float64(len(part))
	det := sxx - sx*sx/k
	if det <= 0 {
		return trend{}, false
	}
	t := trend{n: len(part), middle: sy / k, half: -sx / k}
	t.slope = (sxy - sx*sy/k) / det
	t.level = t.middle - t.slope*sx/k
	var rest float64
	for _, p := range part {
		e := float64(p.V) - t.level - t.slope*float64(p.At-end)/60e3
		rest += e * e
	}
	t.err = sqrt(max(noise*noise, rest/(k-2)) / det)
	return t, true
}
