package excursion

import (
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

const (
	// DeadAfter is after which time without a value a point that is outside has died: the time
	// after which a 30-day refrigerator logger reports a sensor connection error.
	DeadAfter = 10 * time.Minute
	// LookBack is how long before an excursion its cause may lie.
	LookBack = 30 * time.Minute
	// MaxCases is how many cases can be open.
	MaxCases = 200
	// MaxItems is how many goods a case names.
	MaxItems = 1000

	deadIntervals = 3
)

// Engine keeps the open cases. It is not safe for concurrent use: its one caller is the writer,
// which commits what a step brings about together with its cause.
type Engine struct {
	setup    Setup
	points   map[agent.PointID]Point
	kinds    map[string]bool // of alarms that are excursions
	line     timeline.Line
	counter  uint64
	cases    []*openCase // in the order in which they opened
	evidence map[string]*evidence
	events   []agent.Event
}

// Setup is everything that an engine is made of.
type Setup struct {
	// Kinds are the kinds of alarm that are about the climate of a zone. Their alarms open a case if
	// they watch a temperature or a humidity, or no point at all.
	Kinds []string
	// Causes are kinds of alarm that explain an excursion in their zone, such as door-ajar: door-open.
	Causes map[string]agent.ExcursionCause
	Points []Point
	// Compressors are contacts that are 1 while a zone's compressor runs.
	Compressors []agent.PointID
	// Goods lists the items in a zone, and Trip the open trip. They must be pure. May be nil.
	Goods func(agent.ZoneID) []agent.ItemID
	Trip  func() agent.TripID
}

// Point is a measured point.
type Point struct {
	agent.Definition
	Every time.Duration // sampling interval
}

// Input is what an engine is stepped with: an instant, and at most one thing that came in then.
type Input struct {
	At agent.Instant
	// Start says that the agent starts at At and was not running since the last step.
	// The first instant of a new boot implies it.
	Start      bool
	Alarm      *agent.AlarmEvent // that the alarm engine said; At is its event's
	Reading    *agent.Reading
	Definition *agent.Definition // of the reading; not nil if Reading is not
}

// Output is what a step brought about.
type Output struct {
	Events []agent.Event // of kind excursion, in the order in which they happened
	Next   time.Duration // Instant.Mono of the present boot at which to step without input; 0 for never
}

// New makes an engine that knows of no excursion.
func New(s Setup) *Engine {
	e := &Engine{setup: s, points: map[agent.PointID]Point{}, kinds: map[string]bool{}, evidence: map[string]*evidence{}}
	for _, p := range s.Points {
		e.points[p.Point] = p
	}
	for _, k := range s.Kinds {
		e.kinds[k] = true
	}
	return e
}

// Step runs everything that was due until in.At, then takes in. It never fails: what makes
// no sense changes nothing.
func (e *Engine) Step(in Input) Output {
	e.advance(in.At, in.Start)
	now := e.line.Now()
	switch {
	case in.Alarm != nil:
		e.alarm(in.At, in.Alarm, now)
	case in.Reading != nil && in.Definition != nil:
		e.reading(in.Reading, in.Definition, now)
	}
	return e.output()
}

// advance brings the engine to an instant.
func (e *Engine) advance(at agent.Instant, start bool) {
	x, rel := e.line.Place(at)
	gap := start || rel == timeline.FirstEver || rel == timeline.Rebooted || rel == timeline.Lost
	was := e.line.Now()
	if !gap {
		e.runDue(max(x, was))
	}
	e.line.Advance(at)
	if gap {
		e.unwatched(was, rel == timeline.Lost)
	}
}

// unwatched marks as died what nobody watched for too long.
func (e *Engine) unwatched(since timeline.Moment, lost bool) {
	now := e.line.Now()
	for _, c := range e.cases {
		for _, m := range c.Members {
			if !m.Out || m.Dead {
				continue
			}
			if lost || now-since >= e.deadAfter(m.Point) {
				m.Died = true
			}
			m.Seen = now // its time to speak begins anew
		}
	}
}

// deadAfter is after which time without a value a point has died.
func (e *Engine) deadAfter(id agent.PointID) timeline.Moment {
	return timeline.Span(max(DeadAfter, deadIntervals*e.points[id].Every))
}

// runDue lets points die until a moment, each at its own.
func (e *Engine) runDue(to timeline.Moment) {
	for {
		next := e.due()
		if next == 0 || next > to {
			return
		}
		for _, c := range slices.Clone(e.cases) {
			for _, m := range c.Members {
				if m.waits() && m.Seen+e.deadAfter(m.Point) <= next {
					m.die()
				}
			}
			e.settle(c, next)
		}
	}
}

// waits reports whether a value of the member's point is waited for.
func (m *member) waits() bool { return m.Out && !m.Dead && m.Point != "" }

func (m *member) die() { m.Dead, m.Died = true, true }

// due is when the next point dies if nothing comes; 0 for never.
func (e *Engine) due() timeline.Moment {
	next := timeline.Moment(0)
	for _, c := range e.cases {
		for _, m := range c.Members {
			if at := m.Seen + e.deadAfter(m.Point); m.waits() && (next == 0 || at < next) {
				next = at
			}
		}
	}
	return next
}

func (e *Engine) output() Output {
	out := Output{Events: e.events}
	e.events = nil
	if next := e.due(); next > e.line.Now() {
		out.Next = e.line.Mono(next)
	}
	return out
}

// alarm takes in what the alarm engine said.
func (e *Engine) alarm(at agent.Instant, a *agent.AlarmEvent, now timeline.Moment) {
	e.explain(a, now)
	switch a.Transition {
	case agent.Raised:
		switch {
		case e.opens(a):
			e.raised(at, a, now)
		case deadKinds[a.Kind]:
			e.died(a, now)
		}
	case agent.Cleared, agent.Latched, agent.Reset:
		e.cleared(a, false, now)
	case agent.OutOfService:
		if a.By == "" { // it left the config; by a person, it goes on below
			e.cleared(a, true, now)
		}
	}
}

// deadKinds are the kinds of alarm that say of a sensor that it gives nothing.
var deadKinds = map[string]bool{"sensor-fault": true, "no-data": true}

// opens reports whether an alarm is an excursion of a zone's climate.
func (e *Engine) opens(a *agent.AlarmEvent) bool {
	if !e.kinds[a.Kind] {
		return false
	}
	p, known := e.points[a.Point]
	if !known {
		return true
	}
	return (p.Quantity == agent.Temperature || p.Quantity == agent.Humidity) && p.Role != agent.RoleOutside
}

// reading takes in a reading.
func (e *Engine) reading(r *agent.Reading, d *agent.Definition, now timeline.Moment) {
	at, rel := e.line.Place(r.At)
	if rel == timeline.Bygone || at+e.deadAfter(d.Point) <= now {
		return
	}
	e.watch(r, d, now)
	const doubts = agent.MarkImplausible | agent.MarkTooFast
	if !r.OK() || r.Marks&doubts != 0 {
		return
	}
	for _, c := range e.cases {
		lives := false
		for _, m := range c.Members {
			if m.Point != d.Point || !m.Out || at < m.Seen {
				continue
			}
			v := r.Value
			m.see(&v)
			lives = lives || m.Dead
			m.Seen, m.Dead = at, false
		}
		if lives && c.State != agent.ExcursionOut {
			e.resume(c, now)
		}
	}
}
