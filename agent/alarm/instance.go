package alarm

import (
	"fmt"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// instance is one alarm on one subject: what has a life cycle, an id and messages.
type instance struct {
	spec    *Spec
	kind    Kind
	key     string // "<alarm>:<point, sensor, item or reader>"
	index   int
	zone    agent.ZoneID
	bus     string // of all its points; empty if they have none in common
	item    agent.ItemID
	watches []*watch
	active  int // watches whose condition is active
	dirty   bool

	state  agent.AlarmState
	id     agent.AlarmEventID // of the occurrence; empty while normal
	raised agent.Instant
	since  agent.Instant // of the last transition
	began  time.Time
	start  Line // began on the line; 0 where unknown
	by     string
	why    string // the comment of the acknowledgement
	items  []agent.ItemID
	point  agent.PointID      // the first one affected when it was raised
	cause  agent.AlarmEventID // of several alarms that one message speaks for

	over     overlay
	clearing Line // when the off-delay ends; 0 if none runs
	realarm  Line // when an acknowledged alarm asks again; 0 for never
}

func (i *instance) count(active bool) {
	if active {
		i.active++
		return
	}
	i.active--
}

// evaluate makes the transitions that the rules' conditions ask for, if any.
func (e *Engine) evaluate(i *instance, moment Line, late bool) {
	there := i.active > 0
	if i.state == agent.StateSuppressed && (!there || !e.muted(i, moment)) {
		e.turn(i, agent.Unsuppressed, moment)
	}
	if there {
		i.clearing = 0
		if i.state == agent.StateNormal && e.muted(i, moment) {
			e.turn(i, agent.Suppressed, moment)
			return
		}
		e.turnLate(i, agent.Raised, moment, late)
		return
	}
	if _, ok := after(i.state, agent.Cleared); !ok || e.delayed(i, moment) {
		return
	}
	if i.spec.Latching {
		e.turn(i, agent.Latched, moment)
		return
	}
	e.turn(i, agent.Cleared, moment)
}

// delayed reports whether an alarm whose condition has gone still waits for its off-delay.
func (e *Engine) delayed(i *instance, moment Line) bool {
	if i.spec.OffDelay == 0 {
		return false
	}
	if i.clearing == 0 {
		i.clearing = moment + Millis(i.spec.OffDelay)
	}
	return moment < i.clearing
}

func (e *Engine) turn(i *instance, t agent.Transition, moment Line) { e.turnLate(i, t, moment, false) }

// turnLate makes a transition, if the alarm's state allows it.
func (e *Engine) turnLate(i *instance, t agent.Transition, moment Line, late bool) {
	next, ok := after(i.state, t)
	if !ok {
		return
	}
	at := e.line.instant(moment)
	e.refresh(i, moment)
	if t == agent.Raised || t == agent.Suppressed {
		e.open(i, at, moment)
	}
	if t == agent.Raised {
		e.speak(i, moment)
	}
	i.state, i.since = next, at
	i.clearing, i.realarm = 0, 0
	ev := e.event(i, t, moment)
	ev.Late = late && t == agent.Raised
	e.emit(at, ev)
	if next == agent.StateNormal {
		i.close()
	}
}

// refresh asks all rules of the instance how they stand, so that the message lists every
// point that is affected and not only the first whose time was up. Nothing is due, so
// nothing changes by it.
func (e *Engine) refresh(i *instance, moment Line) {
	e.stepAll(i.watches, moment, false)
}

// open begins a new occurrence.
func (e *Engine) open(i *instance, at agent.Instant, moment Line) {
	i.close()
	w := i.first()
	i.raised = at
	i.id = e.nextID(i, at)
	i.point = w.target.Point.Point
	i.start = w.cond.Began
	if w.cond.Began != 0 {
		i.began = e.line.wall(w.cond.Began)
	}
	if i.kind.Excursion && e.setup.Goods != nil {
		i.items = slices.Clone(e.setup.Goods(i.zone))
	}
}

func (i *instance) close() {
	i.id, i.began, i.start, i.by, i.why, i.items, i.point, i.cause = "", time.Time{}, 0, "", "", nil, "", ""
	i.raised = agent.Instant{}
}

// nextID names a new occurrence; see the package comment.
func (e *Engine) nextID(i *instance, at agent.Instant) agent.AlarmEventID {
	e.counter = max(e.counter+1, uint64(max(0, millisOf(at.Mono))))
	return agent.AlarmEventID(fmt.Sprintf("%s:%s:%d", i.key, at.Boot.String()[:8], e.counter))
}

// first is the watch that speaks for the instance: the first active one, else the first
// whose point was affected when the alarm was raised, else the first.
func (i *instance) first() *watch {
	for _, w := range i.watches {
		if w.cond.Active {
			return w
		}
	}
	for _, w := range i.watches {
		if i.point != "" && w.target.Point.Point == i.point {
			return w
		}
	}
	return i.watches[0]
}

// affected lists the watches whose condition is there.
func (i *instance) affected() []*watch {
	var ws []*watch
	for _, w := range i.watches {
		if w.cond.Active || w.cond.Suspect {
			ws = append(ws, w)
		}
	}
	return ws
}

func (e *Engine) event(i *instance, t agent.Transition, moment Line) *agent.AlarmEvent {
	f := i.first().rule.Explain()
	ev := &agent.AlarmEvent{
		ID: i.id, Alarm: i.spec.ID, Kind: i.kind.Name, Severity: i.spec.Severity,
		Zone: i.zone, Point: i.place(), Item: i.item,
		Transition: t, State: i.shown(), Value: f.Value, Limit: f.Limit, Began: i.began,
	}
	if t == agent.Raised {
		ev.Items = i.items
	}
	if e.quiet(i, t) {
		ev.Cause = i.cause
	} else {
		ev.Points = e.pointsTogether(i)
	}
	ev.Message, ev.Texts = e.tell(func(s speech) string { return s.message(i, f, t, moment) })
	return ev
}

// place is the point by which the alarm is known: the first one affected when it was
// raised, the only one before.
func (i *instance) place() agent.PointID {
	if i.point == "" && i.kind.Scope == PerPoint {
		return i.watches[0].target.Point.Point
	}
	return i.point
}

func (e *Engine) emit(at agent.Instant, ev *agent.AlarmEvent) {
	e.events = append(e.events, agent.Event{At: at, Kind: agent.EventAlarm, Alarm: ev})
}
