package excursion

import (
	"fmt"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// openCase is a case that is not closed.
type openCase struct {
	ID          agent.CaseID              `json:"id"`
	N           int64                     `json:"n"`
	Last        agent.ExcursionTransition `json:"last"`
	State       agent.ExcursionState      `json:"state"`
	Key         string                    `json:"key"` // the zone, or the point where there is none
	Zone        agent.ZoneID              `json:"zone,omitempty"`
	Trip        agent.TripID              `json:"trip,omitempty"`
	Start       timeline.Moment           `json:"start"`
	End         timeline.Moment           `json:"end,omitempty"` // 0 while it is out
	Began       time.Time                 `json:"began,omitzero"`
	Ended       time.Time                 `json:"ended,omitzero"`
	Members     []*member                 `json:"members"`
	Items       []agent.ItemID            `json:"items,omitempty"`
	Cause       agent.ExcursionCause      `json:"cause"`
	CauseBy     string                    `json:"cause_by,omitempty"`
	Evaluation  string                    `json:"evaluation,omitempty"`
	Disposition agent.Disposition         `json:"disposition,omitempty"`
}

// member is one alarm on one point that belongs to a case.
type member struct {
	Alarm agent.AlarmID      `json:"alarm"`
	Event agent.AlarmEventID `json:"event"`
	Point agent.PointID      `json:"point,omitempty"`
	Limit *agent.Value       `json:"limit,omitempty"`
	Worst *agent.Value       `json:"worst,omitempty"`
	High  bool               `json:"high,omitempty"` // too high, not too low
	Out   bool               `json:"out,omitempty"`  // raised and not cleared
	Dead  bool               `json:"dead,omitempty"` // gives no value now
	Died  bool               `json:"died,omitempty"` // did so at some time while it was out
	Seen  timeline.Moment    `json:"seen"`           // its newest value
}

// raised opens a case, or makes the alarm part of the one that it overlaps.
func (e *Engine) raised(at agent.Instant, a *agent.AlarmEvent, now timeline.Moment) {
	key := string(a.Zone)
	if key == "" {
		key = string(a.Point)
	}
	c := e.overlapping(key)
	fresh := c == nil
	if fresh {
		c = e.open(at, a, key, now)
	}
	m := c.member(a)
	known := m != nil
	if !known {
		m = &member{Alarm: a.Alarm, Point: a.Point}
		c.Members = append(c.Members, m)
	}
	m.Event, m.Out, m.Dead, m.Seen, m.Limit = a.ID, true, false, now, a.Limit
	if a.Value != nil && a.Limit != nil {
		m.High = *a.Value >= *a.Limit
	}
	m.see(a.Value)
	e.goods(c, a.Items)
	switch {
	case fresh:
		c.Cause = agent.CauseUnknown
		e.infer(c, now)
		e.emit(c, agent.CaseOpened, now, nil)
	case c.State != agent.ExcursionOut:
		e.resume(c, now)
	case !known:
		e.emit(c, agent.CaseJoined, now, nil)
	}
}

// overlapping is the case of a zone that has an alarm which is not cleared.
func (e *Engine) overlapping(key string) *openCase {
	for _, c := range e.cases {
		if c.Key == key && c.out() {
			return c
		}
	}
	return nil
}

func (c *openCase) out() bool {
	return slices.ContainsFunc(c.Members, func(m *member) bool { return m.Out })
}

// member is the one of an alarm on its point.
func (c *openCase) member(a *agent.AlarmEvent) *member {
	for _, m := range c.Members {
		if m.Alarm == a.Alarm && m.Point == a.Point {
			return m
		}
	}
	return nil
}

// open begins a case.
func (e *Engine) open(at agent.Instant, a *agent.AlarmEvent, key string, now timeline.Moment) *openCase {
	if len(e.cases) >= MaxCases {
		e.drop(now)
	}
	e.counter = max(e.counter+1, uint64(max(0, at.Mono.Milliseconds())))
	c := &openCase{
		ID:    agent.CaseID(fmt.Sprintf("%s:%s:%d", key, at.Boot.String()[:8], e.counter)),
		State: agent.ExcursionOut, Key: key, Zone: a.Zone, Start: now, Began: a.Began,
	}
	if before := at.Wall.Sub(a.Began); !a.Began.IsZero() && at.Trust != agent.ClockUnset && before > 0 {
		c.Start = max(1, now-timeline.Span(before))
	}
	if e.setup.Trip != nil {
		c.Trip = e.setup.Trip()
	}
	e.cases = append(e.cases, c)
	return c
}

// drop makes room for a case.
func (e *Engine) drop(now timeline.Moment) {
	n := max(0, slices.IndexFunc(e.cases, func(c *openCase) bool { return !c.out() }))
	e.emit(e.cases[n], agent.CaseDropped, now, nil)
	e.cases = slices.Delete(e.cases, n, n+1)
}

// goods adds items that were in the zone.
func (e *Engine) goods(c *openCase, items []agent.ItemID) {
	all := append(slices.Clone(c.Items), items...)
	if e.setup.Goods != nil && c.Zone != "" {
		all = append(all, e.setup.Goods(c.Zone)...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	c.Items = all[:min(len(all), MaxItems)]
}

// died takes in that a sensor gives nothing.
func (e *Engine) died(a *agent.AlarmEvent, now timeline.Moment) {
	for _, c := range slices.Clone(e.cases) {
		for _, m := range c.Members {
			if m.waits() && (m.Point == a.Point || slices.Contains(a.Points, m.Point)) {
				m.die()
			}
		}
		e.settle(c, now)
	}
}

// cleared takes in that an alarm is over; blind says that nobody saw how.
func (e *Engine) cleared(a *agent.AlarmEvent, blind bool, now timeline.Moment) {
	for _, c := range slices.Clone(e.cases) {
		for _, m := range c.Members {
			if m.Event != a.ID || !m.Out {
				continue
			}
			m.Out = false
			m.Died = m.Died || blind
			e.settle(c, now)
		}
	}
}

// settle ends a case where nothing that lives is outside any more, and lets go of one that is
// done with.
func (e *Engine) settle(c *openCase, now timeline.Moment) {
	if c.State == agent.ExcursionOut && !slices.ContainsFunc(c.Members, func(m *member) bool { return m.Out && !m.Dead }) {
		e.end(c, now)
	}
	if c.State != agent.ExcursionOut && c.Disposition != "" && !c.out() {
		e.cases = slices.DeleteFunc(e.cases, func(o *openCase) bool { return o == c })
	}
}

func (e *Engine) end(c *openCase, now timeline.Moment) {
	c.State, c.End = agent.ExcursionReturned, now
	last := timeline.Moment(0)
	for _, m := range c.Members {
		if m.Died {
			c.State = agent.ExcursionUnknown
		}
		last = max(last, m.Seen)
	}
	if c.out() { // what is still outside is dead
		c.End = max(c.Start, last)
	}
	c.Ended = e.line.Wall(c.End)
	e.goods(c, nil)
	if c.State == agent.ExcursionUnknown && c.CauseBy == "" && c.Cause == agent.CauseUnknown {
		c.Cause = agent.CauseSensorFault
	}
	e.emit(c, agent.CaseEnded, now, nil)
}

// resume takes back that a case has ended: what was dead lives, and is outside.
func (e *Engine) resume(c *openCase, now timeline.Moment) {
	c.State, c.End, c.Ended, c.Disposition = agent.ExcursionOut, 0, time.Time{}, ""
	e.emit(c, agent.CaseResumed, now, nil)
}

// see remembers the value farthest outside.
func (m *member) see(v *agent.Value) {
	switch {
	case v == nil:
	case m.Worst == nil:
		worst := *v
		m.Worst = &worst
	case m.Limit == nil:
	case m.High && *v > *m.Worst, !m.High && *v < *m.Worst:
		worst := *v
		m.Worst = &worst
	}
}

// emit says what happened to a case. by completes the event; may be nil.
func (e *Engine) emit(c *openCase, t agent.ExcursionTransition, now timeline.Moment, by func(*agent.ExcursionEvent)) {
	c.N++
	c.Last = t
	ev := c.noun(now)
	if by != nil {
		by(ev)
	}
	ev.Message = message(ev)
	e.events = append(e.events, agent.Event{At: e.line.Instant(now), Kind: agent.EventExcursion, Excursion: ev})
}

// noun is the case as events and lists have it.
func (c *openCase) noun(now timeline.Moment) *agent.ExcursionEvent {
	until := now
	if c.End != 0 {
		until = c.End
	}
	ev := &agent.ExcursionEvent{
		ID: c.ID, N: c.N, Transition: c.Last, State: c.State, Zone: c.Zone, Trip: c.Trip, Began: c.Began, Ended: c.Ended,
		OutS: max(0, until-c.Start).Seconds(), Items: slices.Clone(c.Items), Cause: c.Cause, CauseBy: c.CauseBy,
		Evaluation: c.Evaluation, Disposition: c.Disposition,
	}
	for _, m := range c.Members {
		ev.Outside = append(ev.Outside, agent.ExcursionPoint{Point: m.Point, Alarm: m.Event, Limit: m.Limit, Worst: m.Worst, Dead: m.Died})
	}
	return ev
}

// Idle reports whether no case is kept: readings that are no state change nothing then.
func (e *Engine) Idle() bool { return len(e.cases) == 0 }

// Cases lists the open cases, oldest first. A case that was decided and is out again stands here
// too; one that was decided while its dead sensor still holds its alarm does not.
func (e *Engine) Cases() []agent.ExcursionEvent {
	list := []agent.ExcursionEvent{}
	for _, c := range e.cases {
		if c.State == agent.ExcursionOut || c.Disposition == "" {
			ev := c.noun(e.line.Now())
			ev.Message = message(ev)
			list = append(list, *ev)
		}
	}
	return list
}
