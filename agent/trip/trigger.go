package trip

import (
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// Trigger does something with a trip without a person: exactly one of Code, Point and Place.
type Trigger struct {
	Do Verb // start, load, depart, unload or end

	// Code is what a scan has to read; a trailing * stands for any ending. The code of a trigger
	// that starts a trip and ends in * names its shipment.
	Code   string
	Reader agent.ReaderID // only at this reader; any if empty

	Point agent.PointID // has to become Is, and stay so for For
	Is    agent.Value
	For   time.Duration

	Place *Place // has to be entered, or left
	Leave bool
}

func (t *Trigger) check() error {
	n := 0
	for _, has := range []bool{t.Code != "", t.Point != "", t.Place != nil} {
		if has {
			n++
		}
	}
	if n != 1 || t.Code == "*" || t.For < 0 {
		return ErrTrigger
	}
	switch t.Do {
	case Start, Load, Depart, Unload, End:
	default:
		return fmt.Errorf("%q: %w", t.Do, ErrVerb)
	}
	return t.Place.check()
}

// key names what the trigger watches, for its state.
func (t *Trigger) key() string {
	if t.Place != nil {
		return fmt.Sprintf("%s:%t:%s,%s,%d", t.Do, t.Leave, t.Place.Lat, t.Place.Lon, t.Place.Radius)
	}
	return fmt.Sprintf("%s:%s:%s", t.Do, t.Point, t.Is)
}

// reads reports whether a scan is the trigger's.
func (t *Trigger) reads(s *agent.Scan) bool {
	if t.Code == "" || t.Reader != "" && t.Reader != s.Reader {
		return false
	}
	want, read := t.Code, s.Code
	if s.Symbology == agent.SymbologyEPC || s.Symbology == agent.SymbologyNFC { // hexadecimal
		want, read = strings.ToUpper(want), strings.ToUpper(read)
	}
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(read, prefix)
	}
	return want == read
}

// watch is the state of a trigger on a contact or a place.
type watch struct {
	Known bool            `json:"known,omitempty"`
	On    bool            `json:"on,omitempty"` // is what it has to become
	Held  held            `json:"held,omitzero"`
	Armed bool            `json:"armed,omitempty"` // became so, and has not acted on it yet
	Seen  timeline.Moment `json:"seen,omitempty"`
}

// become takes in whether it is so; it reports whether the trigger acts now.
func (w *watch) become(on bool, at, until, need timeline.Moment) bool {
	w.Seen = at
	switch {
	case !on:
		*w = watch{Known: true, Seen: at}
		return false
	case !w.Known:
		w.Known, w.On = true, true
		return false
	case !w.On:
		w.On, w.Armed = true, true
	}
	if !w.Armed {
		return false
	}
	w.Held.sample(at, until)
	return w.ripe(at, need)
}

// ripe reports whether it has lasted for long enough at a moment, once.
func (w *watch) ripe(at, need timeline.Moment) bool {
	if !w.Armed {
		return false
	}
	w.Held.reach(at)
	if w.Held.Sum < need {
		return false
	}
	w.Armed, w.Held = false, held{}
	return true
}

// scanned lets the first trigger act that reads the code and can do something now.
func (e *Engine) scanned(s *agent.Scan, now timeline.Moment) {
	if !e.scans() {
		return
	}
	seen := sighting{Reader: s.Reader, Code: []byte(s.Code), At: now}
	last := e.acted
	again := last.Reader == seen.Reader && string(last.Code) == s.Code && now-last.At < timeline.Span(e.setup.Repeat)
	if again {
		e.acted.At = now // a tag that stays before a reader stays one scan
		return
	}
	for i := range e.setup.Triggers {
		t := &e.setup.Triggers[i]
		if !t.reads(s) || !e.can(t.Do) {
			continue
		}
		e.acted = seen
		by := cause{what: agent.CauseScan, source: string(s.Reader)}
		plan := Plan{}
		if strings.HasSuffix(t.Code, "*") {
			plan.Shipment = s.Code
		}
		e.act(t.Do, by, now, plan)
		return
	}
}

func (e *Engine) scans() bool {
	for i := range e.setup.Triggers {
		if e.setup.Triggers[i].Code != "" {
			return true
		}
	}
	return false
}

// contact lets triggers act on a reading of their point.
func (e *Engine) contact(d *agent.Definition, r *agent.Reading, at, until, now timeline.Moment) {
	for i := range e.setup.Triggers {
		t := &e.setup.Triggers[i]
		if t.Point != d.Point {
			continue
		}
		w := &e.watches[i]
		if at < w.Seen {
			continue
		}
		if !r.OK() {
			w.Held.cut(at)
			continue
		}
		if w.become(r.Value == t.Is, at, until, timeline.Span(t.For)) {
			e.trigger(t, agent.CauseContact, string(t.Point), now)
		}
	}
}

// fences lets triggers act on a fix.
func (e *Engine) fences(spot Spot, now timeline.Moment) {
	for i := range e.setup.Triggers {
		t := &e.setup.Triggers[i]
		if t.Place == nil {
			continue
		}
		w := &e.watches[i]
		inside := t.Place.holds(spot, w.Known && w.On != t.Leave)
		if w.become(inside != t.Leave, now, now, 0) {
			e.trigger(t, agent.CauseGeofence, t.Place.Name, now)
		}
	}
}

// holds reports whether a spot is in the place; one that was inside is until it is a tenth of
// the radius out of it.
func (p *Place) holds(spot Spot, wasInside bool) bool {
	radius := float64(p.Radius)
	if wasInside {
		radius /= back
	}
	return metres(spot, p.Spot) <= radius
}

func (e *Engine) trigger(t *Trigger, what agent.TripCause, source string, now timeline.Moment) {
	if e.can(t.Do) {
		e.act(t.Do, cause{what: what, source: source}, now, Plan{})
	}
}

// ripen lets triggers act whose contact has been so for long enough.
func (e *Engine) ripen(now timeline.Moment) {
	for i := range e.setup.Triggers {
		t := &e.setup.Triggers[i]
		if t.Point != "" && e.watches[i].ripe(now, timeline.Span(t.For)) {
			e.trigger(t, agent.CauseContact, string(t.Point), now)
		}
	}
}
