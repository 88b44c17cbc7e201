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
	point  agent.PointID // the first one affected when it was raised
}

func (i *instance) count(active bool) {
	if active {
		i.active++
		return
	}
	i.active--
}

// evaluate makes the transition that the rules' conditions ask for, if any.
func (e *Engine) evaluate(i *instance, moment Line, late bool) {
	want := agent.Cleared
	if i.active > 0 {
		want = agent.Raised
	}
	next, ok := after(i.state, want)
	if !ok {
		return
	}
	at := e.line.instant(moment)
	e.refresh(i, moment)
	if want == agent.Raised {
		e.open(i, at, moment)
	}
	i.state, i.since = next, at
	ev := e.event(i, want, moment)
	ev.Late = late && want == agent.Raised
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
	i.id, i.began, i.start, i.by, i.why, i.items, i.point = "", time.Time{}, 0, "", "", nil, ""
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
		Zone: i.zone, Point: i.point, Item: i.item,
		Transition: t, State: i.state, Value: f.Value, Limit: f.Limit, Began: i.began,
	}
	if t == agent.Raised {
		ev.Items = i.items
	}
	ev.Message = e.message(i, f, t, moment)
	return ev
}

func (e *Engine) emit(at agent.Instant, ev *agent.AlarmEvent) {
	e.events = append(e.events, agent.Event{At: at, Kind: agent.EventAlarm, Alarm: ev})
}
