package trip

import (
	"math"
	"slices"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// judge brings both deviations to a moment. late says that what is found was due before.
func (e *Engine) judge(now timeline.Moment, late bool) {
	if e.open == nil {
		return
	}
	e.judgeLate(now, late)
	e.judgeOff(now)
}

// next is the first planned stop that was neither reached nor skipped.
func (t *trip) next() *stop {
	for i := range t.Stops {
		if s := &t.Stops[i]; s.Reached == 0 && !s.Skipped {
			return s
		}
	}
	return nil
}

// dueAt is when a stop is due on the line; ok is false where that is not known. It may be
// before the line began.
func (e *Engine) dueAt(s *stop) (due timeline.Moment, ok bool) {
	switch {
	case !s.Due.IsZero():
		if e.anchor.Trust == agent.ClockUnset {
			return 0, false
		}
		return e.anchor.At + timeline.Moment(s.Due.Sub(e.anchor.Wall).Milliseconds()), true
	case s.After > 0 && e.open.Departed != 0:
		return e.open.Departed + timeline.Span(s.After), true
	}
	return 0, false
}

// behind is how late the trip is at the next planned stop; ok is false where nothing is judged.
func (e *Engine) behind(now timeline.Moment) (s *stop, by timeline.Moment, ok bool) {
	if e.open.Departed == 0 {
		return nil, 0, false
	}
	if s = e.open.next(); s == nil {
		return nil, 0, false
	}
	due, ok := e.dueAt(s)
	return s, now - due, ok
}

func (e *Engine) judgeLate(now timeline.Moment, late bool) {
	s, by, ok := e.behind(now)
	if !ok {
		return // reaching a stop ends its delay
	}
	level := e.setup.Levels.at(by, timeline.Span(e.setup.Levels.Late))
	if level == e.open.LateLevel {
		return
	}
	ev := e.event(agent.TripDeviated, cause{what: agent.CausePlan}, now)
	if level == 0 {
		ev.Transition = agent.TripRecovered
	}
	e.open.LateLevel = level
	ev.Stop, ev.Deviation, ev.Level, ev.LateS, ev.Late = s.Name, agent.DeviationLate, level, by.Seconds(), late && level > 0
	e.emit(ev, now)
}

// lateDue is when the delay reaches its next level; 0 for never.
func (e *Engine) lateDue() timeline.Moment {
	if e.open == nil || e.open.LateLevel >= e.setup.Levels.Highest {
		return 0
	}
	_, by, ok := e.behind(0)
	if !ok {
		return 0
	}
	return e.setup.Levels.from(e.open.LateLevel+1, timeline.Span(e.setup.Levels.Late)) - by
}

// reachStops sees whether a fix is at a planned stop.
func (e *Engine) reachStops(spot Spot, until, now timeline.Moment) {
	if e.open.Departed == 0 {
		return
	}
	t := e.open
	next := t.next()
	here := slices.IndexFunc(t.Stops, func(s stop) bool {
		return s.Reached == 0 && !s.Skipped && s.Place != nil && s.Place.holds(spot, t.Near == s.Name)
	})
	if here < 0 {
		t.Near, t.NearHeld = "", held{}
		return
	}
	s := &t.Stops[here]
	by := cause{what: agent.CauseGeofence, source: s.Name}
	if s == next {
		e.arrive(s, by, now, Person{}, "")
		return
	}
	if t.Near != s.Name {
		t.Near, t.NearHeld = s.Name, held{}
	}
	t.NearHeld.sample(now, until)
	if t.NearHeld.Sum >= timeline.Span(skipDwell) {
		e.arrive(s, by, now, Person{}, "")
	}
}

// arrive marks a planned stop as reached, and those before it as skipped.
func (e *Engine) arrive(s *stop, by cause, now timeline.Moment, who Person, comment string) {
	t := e.open
	t.Near, t.NearHeld = "", held{}
	late := t.LateLevel
	t.LateLevel = 0
	for i := range t.Stops {
		if &t.Stops[i] == s {
			break
		}
		if before := &t.Stops[i]; before.Reached == 0 && !before.Skipped {
			before.Skipped = true
			ev := e.event(agent.TripSkipped, cause{what: agent.CausePlan}, now)
			ev.Stop = before.Name
			e.emit(ev, now)
		}
	}
	s.Reached = now
	ev := e.event(agent.TripArrived, by, now)
	ev.Stop = s.Name
	if due, ok := e.dueAt(s); ok {
		ev.LateS = (now - due).Seconds()
	}
	who.sign(ev, comment)
	e.emit(ev, now)
	if late > 0 {
		ev := e.event(agent.TripRecovered, cause{what: agent.CausePlan}, now)
		ev.Stop, ev.Deviation = s.Name, agent.DeviationLate
		e.emit(ev, now)
	}
}

// corridor is that of the trip's lane; nil if it has none.
func (e *Engine) corridor() *Corridor {
	if l := e.lanes[e.open.Lane]; l != nil {
		return l.Corridor
	}
	return nil
}

// offCorridor sees how far a fix is from the corridor.
func (e *Engine) offCorridor(spot Spot, until, now timeline.Moment) {
	c := e.corridor()
	if c == nil || e.open.Phase != agent.PhaseUnderWay {
		return
	}
	far := fromLine(spot, c.Line)
	e.open.Distance = int64(math.Round(far))
	width := float64(c.Width)
	if e.open.Off.On {
		width *= back
	}
	if e.open.Distance >= int64(math.Ceil(width)) {
		e.open.Off.sample(now, until)
		return
	}
	e.onCorridor(now)
}

// onCorridor ends being off it, as seen or because it is no longer judged.
func (e *Engine) onCorridor(now timeline.Moment) {
	t := e.open
	t.Off = held{}
	if t.OffLevel == 0 {
		return
	}
	t.OffLevel = 0
	ev := e.event(agent.TripRecovered, cause{what: agent.CausePlan}, now)
	ev.Deviation, ev.DistanceM = agent.DeviationCorridor, t.Distance
	e.emit(ev, now)
}

func (e *Engine) judgeOff(now timeline.Moment) {
	t := e.open
	t.Off.reach(now)
	if !t.Off.On {
		return
	}
	level := e.setup.Levels.at(t.Off.Sum, timeline.Span(e.setup.Levels.Off))
	if level <= t.OffLevel {
		return
	}
	t.OffLevel = level
	ev := e.event(agent.TripDeviated, cause{what: agent.CausePlan}, now)
	ev.Deviation, ev.Level, ev.DistanceM = agent.DeviationCorridor, level, t.Distance
	e.emit(ev, now)
}

// offDue is when being off the corridor reaches its next level; 0 for never.
func (e *Engine) offDue() timeline.Moment {
	if e.open == nil || e.open.OffLevel >= e.setup.Levels.Highest {
		return 0
	}
	return e.open.Off.due(e.setup.Levels.from(e.open.OffLevel+1, timeline.Span(e.setup.Levels.Off)))
}

// temperature keeps the newest value of a point, for the departure.
func (e *Engine) temperature(r *agent.Reading, d *agent.Definition, at, until timeline.Moment) {
	p, known := e.points[d.Point]
	if !known || !travels(p.Role) || at < e.temps[d.Point].At {
		return
	}
	e.temps[d.Point] = sample{r.Value, r.OK(), at, until}
}

// travels reports whether a probe tells in what the goods travel. The air before the evaporator's
// fan, surfaces and the world outside do not.
func travels(r agent.Role) bool {
	return r != agent.RoleOutside && r != agent.RoleSurface && r != agent.RoleSupply
}

// ready tells how the compartments stand, each with the point that speaks against it.
func (e *Engine) ready(now timeline.Moment) []agent.TripCompartment {
	list := make([]agent.TripCompartment, 0, len(e.open.Compartments))
	for i := range e.open.Compartments {
		out := e.open.Compartments[i].noun()
		if out.Low != nil || out.High != nil {
			e.compartment(&out, now)
		}
		list = append(list, out)
	}
	return list
}

// compartment judges one: out of range if any probe is, else unknown if any is, else in range.
func (e *Engine) compartment(out *agent.TripCompartment, now timeline.Moment) {
	out.State = agent.CompartmentUnknown
	for n, p := range e.probes(out.Zone) {
		if n == 0 {
			out.State = agent.CompartmentInRange
		}
		s := e.temps[p]
		switch {
		case s.At == 0 || !s.OK || s.Until <= now:
			if out.State == agent.CompartmentInRange {
				out.State, out.Point = agent.CompartmentUnknown, p
			}
		case out.Low != nil && s.Value < *out.Low, out.High != nil && s.Value > *out.High:
			v := s.Value
			out.State, out.Point, out.Value = agent.CompartmentOutOfRange, p, &v
			return
		}
	}
}

// probes lists the points that tell in what the goods of a zone travel, in the config's order.
func (e *Engine) probes(zone agent.ZoneID) []agent.PointID {
	var list []agent.PointID
	for i := range e.setup.Points {
		if p := &e.setup.Points[i]; p.Zone == zone && p.Quantity == agent.Temperature && travels(p.Role) {
			list = append(list, p.Point)
		}
	}
	return list
}
