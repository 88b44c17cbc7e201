package alarm

import (
	"container/heap"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/phrase"
)

// Engine steps all rules and keeps all life cycles. It is not safe for concurrent use: its
// one caller is the writer, which commits what a step brings about together with its cause.
type Engine struct {
	setup   Setup
	line    timeline
	counter uint64 // the last number given to an occurrence

	instances []*instance // in the order of specs and targets
	watches   []*watch
	byKey     map[string]*instance
	points    map[agent.PointID]*point
	routes    map[agent.DefID][]*watch
	items     map[agent.ItemID][]*watch
	readers   map[agent.ReaderID][]*watch

	gateway []*watch // watch no point, but the gateway itself
	transit bool     // a trip is under way

	suppressors []*suppressor
	causes      []cause

	due     dueHeap
	timer   Line // the next moment at which an alarm's own time is up; 0 for never
	dirty   []*instance
	fresh   []*watch  // never stepped
	retired []retired // raised by alarms that the config no longer has

	spoken []phrase.Words // one per voice, English with °C first

	in     Input // of the step under way
	events []agent.Event
}

// watch is one rule on one target.
type watch struct {
	rule    Rule
	on      *instance
	index   int
	key     string // "<alarm>:<point, item or reader>"
	head    []byte // of its state, as JSON: "<key>":{"k":"<kind>","s":
	target  Target
	cond    Condition
	waiting int // place in the heap; -1 if not there
}

type point struct {
	seen  Line // when its newest sample was measured; 0 for never
	every time.Duration
}

// lateness is how old a sample may be in any case: work between sensor and engine takes its
// time, and fast sensors have short intervals. Its value holds no longer for that.
const lateness Line = 10_000

// maxRoutes bounds the memory of readings' definitions: a point has one at a time.
const maxRoutes = 100_000

// New makes an engine that has seen nothing. The error joins everything that is wrong.
// Alarms that select nothing are no error here.
func New(s Setup) (*Engine, error) {
	if s.Location == nil {
		s.Location = time.UTC
	}
	e := &Engine{
		byKey:   map[string]*instance{},
		points:  make(map[agent.PointID]*point, len(s.Points)),
		routes:  make(map[agent.DefID][]*watch, len(s.Points)),
		items:   map[agent.ItemID][]*watch{},
		readers: map[agent.ReaderID][]*watch{},
	}
	s.Specs = slices.Clone(s.Specs)
	s.Points = slices.Clone(s.Points)
	for n := range s.Points {
		p := &s.Points[n]
		if p.ID == 0 {
			p.Definition = p.Identified()
		}
		e.points[p.Point] = &point{every: p.Every}
	}
	e.setup, e.spoken = s, spoken(s.Voices)
	for _, sup := range s.Suppressions {
		one := &suppressor{Suppression: sup}
		if p := e.points[sup.Point]; p != nil {
			one.hold = HoldIntervals * Millis(p.every)
		}
		e.suppressors = append(e.suppressors, one)
	}
	b := builder{e: e, kinds: map[string]Kind{}, taken: map[taken]bool{}}
	return e, b.build()
}

// Step runs everything that was due until in.At, then takes in. It never fails: what makes
// no sense to a rule changes nothing.
func (e *Engine) Step(in Input) Output {
	e.in = in
	x, rel := e.line.place(in.At)
	gap := in.Start || rel == firstEver || rel == rebooted
	to := max(x, e.line.now)
	if !gap {
		e.runDue(to)
	}
	// Time until a step of the wall clock counts for the day that the clock then showed.
	switch {
	case rel == rebooted || rel == sameBoot && gap:
		e.stepAll(e.watches, e.line.now, false)
	case rel == sameBoot && x >= e.line.now && e.line.stepped(in.At, x):
		e.stepAll(e.watches, to, false)
	}
	e.line.advance(in.At, x, rel)
	switch {
	case gap:
		e.stepAll(e.watches, to, true)
		e.resume(to)
	case len(e.fresh) > 0:
		e.stepAll(e.fresh, to, true)
	}
	e.fresh = nil
	e.retire(to)
	e.settle(to, gap)
	e.take(x, to, rel)
	e.settle(to, false)
	return e.output()
}

func (e *Engine) output() Output {
	out := Output{Events: e.events}
	e.events = nil
	if next := e.nextDue(); next != 0 {
		out.Next = e.line.last.Mono + (next - e.line.now).Duration()
	}
	return out
}

// runDue steps what wants to be stepped until to, each at its own moment.
func (e *Engine) runDue(to Line) {
	for {
		moment := e.nextDue()
		if moment == 0 || moment > to {
			return
		}
		for len(e.due) > 0 && e.due[0].cond.Next == moment {
			e.step(e.due[0], e.tick(moment), nil)
		}
		if e.timer != 0 && e.timer <= moment {
			e.expire(moment)
		}
		e.settle(moment, false)
		e.retime(moment)
	}
}

func (e *Engine) stepAll(ws []*watch, moment Line, gap bool) {
	t := e.tick(moment)
	t.Gap = gap
	for _, w := range ws {
		e.step(w, t, nil)
	}
}

// take gives the input to the rules that it concerns.
func (e *Engine) take(x, to Line, rel relation) {
	t := e.tick(to)
	switch {
	case e.in.Reading != nil && e.in.Definition != nil:
		if rel == bygone || !e.newest(e.in.Definition.Point, x, to) {
			return
		}
		t.Sampled = x
		if len(e.suppressors) > 0 {
			e.suppress(to, x)
		}
		for _, w := range e.route(e.in.Reading.Def, e.in.Definition) {
			e.step(w, t, &e.in)
		}
	case e.in.Level != nil:
		for _, w := range e.items[e.in.Level.Item] {
			e.step(w, t, &e.in)
		}
	case e.in.Unknown != nil:
		for _, w := range e.readers[e.in.Unknown.Reader] {
			e.step(w, t, &e.in)
		}
	case e.in.Trouble != nil:
		for _, w := range e.gateway {
			e.step(w, t, &e.in)
		}
	case e.in.Trip != nil:
		e.arm(e.in.Trip.Transit)
		e.stepInput(e.watches, t)
	}
}

func (e *Engine) stepInput(ws []*watch, t Tick) {
	for _, w := range ws {
		e.step(w, t, &e.in)
	}
}

// newest reports whether a sample measured at x says anything at the moment to, and
// remembers it as its point's newest.
func (e *Engine) newest(id agent.PointID, x, to Line) bool {
	p := e.points[id]
	if p == nil || x < p.seen || x+max(HoldIntervals*Millis(p.every), lateness) < to {
		return false
	}
	p.seen = x
	return true
}

// route lists the rules that watch what the definition defines. A reading under another
// definition than the present one (another instrument, another zone at that time) goes to
// those rules whose alarm selects it as it was.
func (e *Engine) route(id agent.DefID, d *agent.Definition) []*watch {
	ws, known := e.routes[id]
	if known {
		return ws
	}
	for _, w := range e.watches {
		if w.wants(d) {
			ws = append(ws, w)
		}
	}
	if len(e.routes) < maxRoutes {
		e.routes[id] = ws
	}
	return ws
}

// wants reports whether the rule is to have readings under the definition.
func (w *watch) wants(d *agent.Definition) bool {
	for i := range w.target.Named {
		if p := &w.target.Named[i]; p.Point == d.Point && p.Quantity == d.Quantity {
			return true
		}
	}
	if !w.on.spec.selects(w.on.kind, d) {
		return false
	}
	for i := range w.target.Points {
		if p := &w.target.Points[i]; p.Point == d.Point && p.Quantity == d.Quantity {
			return true
		}
	}
	return w.target.Point.Point == d.Point && w.target.Point.Quantity == d.Quantity
}

func (e *Engine) tick(moment Line) Tick {
	return Tick{Now: moment, Sampled: moment, Wall: e.line.wall(moment), Location: e.setup.Location}
}

func (e *Engine) step(w *watch, t Tick, in *Input) {
	if w.on.spec.Transit && !e.transit {
		return
	}
	was := w.cond
	w.cond = w.rule.Step(t, in)
	if w.cond.Next <= t.Now {
		w.cond.Next = 0
	}
	e.schedule(w, was.Next)
	if w.on.state == agent.StateSuppressed && in != nil {
		e.touch(w.on) // a value that must not be muted may have come
	}
	if was.Active != w.cond.Active {
		w.on.count(w.cond.Active)
		e.touch(w.on)
	}
}

func (e *Engine) touch(i *instance) {
	if !i.dirty {
		i.dirty = true
		e.dirty = append(e.dirty, i)
	}
}

// settle brings the life cycles of touched instances up to date.
func (e *Engine) settle(moment Line, late bool) {
	if len(e.dirty) == 0 {
		return
	}
	slices.SortFunc(e.dirty, func(a, b *instance) int { return a.index - b.index })
	for n := 0; n < len(e.dirty); n++ { // evaluating may touch more
		i := e.dirty[n]
		i.dirty = false
		e.evaluate(i, moment, late)
	}
	e.dirty = e.dirty[:0]
	e.forget()
	e.retime(moment)
}

func (e *Engine) schedule(w *watch, was Line) {
	switch {
	case w.cond.Next == was:
	case w.cond.Next == 0:
		heap.Remove(&e.due, w.waiting)
	case w.waiting < 0:
		heap.Push(&e.due, w)
	default:
		heap.Fix(&e.due, w.waiting)
	}
}
