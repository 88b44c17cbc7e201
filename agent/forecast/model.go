package forecast

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Lengths of the memory.
const (
	ringLen   = 24    // minutes, for trends of up to as long
	coarseLen = 14    // means of ten minutes, for longer ones
	binLen    = 60e3  // ms whose readings are one mean
	coarseBin = 600e3 // ms
	gapLen    = 720e3 // ms without a value after which trends begin anew
	hour      = 3600e3
)

// Model is what is known of one point's zone. It is not safe for concurrent use. As JSON it
// is below 4 KiB however long it lives.
type Model struct {
	set Settings
	s   state
}

// state is what survives a restart. Times are milliseconds on the caller's line, values °C,
// slopes K/min.
type state struct {
	Bin    bin      `json:"b"`
	Ring   []minute `json:"r,omitempty"`
	Coarse []minute `json:"c,omitempty"`
	Ten    gather   `json:"e"`
	Usual  usual    `json:"h"`
	Fit    fit      `json:"f"`
	Jumps  jumps    `json:"j"`
	Noise  float32  `json:"n,omitempty"` // standard deviation of a minute's mean
	Regime int64    `json:"g,omitempty"` // since when nothing was switched
	Mode   mode     `json:"m"`
	Shut   int64    `json:"d,omitempty"` // when the door was last known to be open
	Dark   int64    `json:"p,omitempty"` // since when there is no mains; 0: there is
	High   evidence `json:"u"`
	Low    evidence `json:"l"`
	Around *float32 `json:"o,omitempty"` // °C around the zone
}

// bin gathers the readings of a minute and what the contacts said in it.
type bin struct {
	From    int64   `json:"t,omitempty"`
	N       int32   `json:"n,omitempty"`
	Sum     float64 `json:"s,omitempty"`
	Door    bool    `json:"d,omitempty"` // was open at some time
	Defrost bool    `json:"f,omitempty"` // went on at some time
	Cool    State   `json:"c,omitempty"` // Yes: cooled at some time
}

// minute is the mean of a minute's readings.
type minute struct {
	At int64   `json:"t"`
	V  float32 `json:"v"`
}

// gather is the mean of ten minutes that is being made.
type gather struct {
	From int64   `json:"f,omitempty"`
	N    int32   `json:"n,omitempty"`
	Sum  float64 `json:"s,omitempty"`
	Age  float64 `json:"t,omitempty"` // sum of the minutes' times since From
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
	s.Horizon = min(s.Horizon, 24*time.Hour)
	return &Model{set: s, s: state{Noise: 0.03, Fit: fit{V: 0.002}}}
}

// MarshalJSON writes what was learned, without the settings.
func (m *Model) MarshalJSON() ([]byte, error) { return json.Marshal(&m.s) }

// UnmarshalJSON takes up what MarshalJSON wrote and keeps the settings. After an error the
// model is as before.
func (m *Model) UnmarshalJSON(b []byte) error {
	s := New(m.set).s
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("forecast: read a model: %w", err)
	}
	s.Ring, s.Coarse = last(s.Ring, ringLen), last(s.Coarse, coarseLen)
	s.Usual.Tops, s.Usual.Bottoms = last(s.Usual.Tops, hoursLen), last(s.Usual.Bottoms, hoursLen)
	s.High.Past, s.Low.Past = last(s.High.Past, pastLen), last(s.Low.Past, pastLen)
	m.s = s
	return nil
}

// last are the newest of a list, at most most of them.
func last[T any](list []T, most int) []T { return list[max(0, len(list)-most):] }

// push appends to a ring of most values.
func push[T any](ring []T, v T, most int) []T {
	if len(ring) >= most {
		copy(ring, ring[len(ring)-most+1:])
		ring = ring[:most-1]
	}
	return append(ring, v)
}

// Step takes what is known at now, a time on the caller's monotonic line, which begins above
// zero and goes on over restarts. A step into the past is left out. It reports whether a
// minute was completed, so that forecasts may have changed.
func (m *Model) Step(now time.Duration, in Input) bool {
	t := now.Milliseconds()
	b := &m.s.Bin
	if t <= 0 || t < b.From {
		return false
	}
	completed := false
	if b.From == 0 || t-b.From >= binLen {
		completed = m.complete(t)
		*b = bin{From: t}
	}
	b.Door = b.Door || in.Door == Yes
	b.Defrost = b.Defrost || in.Defrost == Yes
	b.Cool = max(b.Cool, in.Compressor)
	switch {
	case in.Power != No:
		m.s.Dark = 0
	case m.s.Dark == 0:
		m.s.Dark = t
	}
	if in.Outside != nil {
		v := milli(in.Outside.Float64())
		m.s.Around = &v
	}
	if in.OK {
		b.N++
		b.Sum += in.Value.Float64()
	}
	return completed
}

// milli rounds to thousandths, which keeps the JSON short.
func milli(v float64) float32 { return float32(math.Round(v*1000) / 1000) }

// complete makes a minute of the bin that ends at t.
func (m *Model) complete(t int64) bool {
	s, b := &m.s, m.s.Bin
	if b.N == 0 {
		return false
	}
	at, v := b.From+(min(t, b.From+binLen)-b.From)/2, b.Sum/float64(b.N)
	if n := len(s.Ring); n > 0 && at-s.Ring[n-1].At > gapLen {
		s.Fit.skip(float64(at-s.Ring[n-1].At)/binLen, v)
		s.Ring, s.Coarse, s.Ten, s.Regime = s.Ring[:0], s.Coarse[:0], gather{}, at
		s.High.pause()
		s.Low.pause()
	}
	s.Ring = push(s.Ring, minute{At: at, V: milli(v)}, ringLen)
	m.gather(at, v)
	s.Usual.add(at, milli(v))
	if b.Door {
		s.Shut = at
	}
	m.follow(at, mode{Door: b.Door, Defrost: b.Defrost, Cool: b.Cool, Dark: s.Dark != 0})
	m.learn()
	m.leap(at)
	m.judge(at)
	return true
}

// gather makes means of ten minutes.
func (m *Model) gather(at int64, v float64) {
	g := &m.s.Ten
	if g.N > 0 && at-g.From >= coarseBin {
		mean := minute{At: g.From + int64(g.Age/float64(g.N)), V: milli(g.Sum / float64(g.N))}
		m.s.Coarse = push(m.s.Coarse, mean, coarseLen)
		*g = gather{}
	}
	if g.N == 0 {
		g.From = at
	}
	g.N++
	g.Sum += v
	g.Age += float64(at - g.From)
}

// follow begins a new regime where a contact changed or the temperature turned.
func (m *Model) follow(at int64, now mode) {
	s := &m.s
	if now != s.Mode {
		s.Mode, s.Regime = now, at
		return
	}
	n := len(s.Ring)
	if now.Cool != Unknown && !m.set.Slow || n < 7 {
		return // the contact says it better, and sooner
	}
	before := float64(s.Ring[n-4].V - s.Ring[n-7].V)
	after := float64(s.Ring[n-1].V - s.Ring[n-4].V)
	turn := 3 * max(float64(s.Noise), 0.02)
	if before < -turn && after > turn || before > turn && after < -turn {
		s.Regime = max(s.Regime, s.Ring[n-4].At)
	}
}
