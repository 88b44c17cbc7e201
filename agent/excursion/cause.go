package excursion

import (
	"cmp"
	"slices"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// evidence is something that may explain an excursion in its zone.
type evidence struct {
	Cause agent.ExcursionCause `json:"cause"`
	Zone  agent.ZoneID         `json:"zone,omitempty"`
	From  timeline.Moment      `json:"from"`
	To    timeline.Moment      `json:"to,omitempty"` // 0 while it is so
}

// maxEvidence bounds what is remembered; the oldest goes first.
const maxEvidence = 500

// causes rank the causes that can be inferred, best last, and say how long (in ms) each has to have
// been so: doors are opened for moments and compressors pause all the time.
var causes = map[agent.ExcursionCause]struct {
	rank  int
	least timeline.Moment
}{
	agent.CauseUnknown:     {0, 0},
	agent.CauseSensorFault: {1, 0},
	agent.CauseDoorOpen:    {2, 60_000},
	agent.CauseCompressor:  {3, 20 * 60_000},
	agent.CausePowerFailed: {4, 0},
}

// watch takes in what a reading tells of doors, mains and compressors.
func (e *Engine) watch(r *agent.Reading, d *agent.Definition, now timeline.Moment) {
	if !r.OK() {
		return
	}
	var cause agent.ExcursionCause
	on := false
	switch {
	case slices.Contains(e.setup.Compressors, d.Point):
		cause, on = agent.CauseCompressor, r.Value == 0
	case d.Quantity == agent.Door:
		cause, on = agent.CauseDoorOpen, r.Value != 0
	case d.Quantity == agent.PowerOK:
		cause, on = agent.CausePowerFailed, r.Value == 0
	default:
		return
	}
	e.witness(string(d.Point), cause, d.Zone, on, now)
	for _, c := range e.cases {
		e.upgrade(c, now)
	}
}

// explain takes in alarms that explain excursions.
func (e *Engine) explain(a *agent.AlarmEvent, now timeline.Moment) {
	cause, ok := e.setup.Causes[a.Kind]
	if deadKinds[a.Kind] {
		cause, ok = agent.CauseSensorFault, true
	}
	if !ok {
		return
	}
	switch a.Transition {
	case agent.Raised:
		e.witness(string(a.ID), cause, a.Zone, true, now)
	case agent.Cleared, agent.Latched, agent.Reset, agent.OutOfService:
		e.witness(string(a.ID), cause, a.Zone, false, now)
	default:
		return
	}
	for _, c := range e.cases {
		e.upgrade(c, now)
	}
}

// witness begins or ends a piece of evidence.
func (e *Engine) witness(source string, cause agent.ExcursionCause, zone agent.ZoneID, on bool, now timeline.Moment) {
	have := e.evidence[source]
	switch {
	case on && (have == nil || have.To != 0):
		if have == nil && len(e.evidence) >= maxEvidence {
			e.forget()
		}
		e.evidence[source] = &evidence{Cause: cause, Zone: zone, From: now}
	case !on && have != nil && have.To == 0:
		have.To = now
	}
	for key, ev := range e.evidence {
		if ev.To != 0 && now-ev.To > timeline.Span(LookBack) && !e.needed(ev) {
			delete(e.evidence, key)
		}
	}
}

// needed reports whether a case that is out may be explained by it.
func (e *Engine) needed(ev *evidence) bool {
	return slices.ContainsFunc(e.cases, func(c *openCase) bool {
		return c.State == agent.ExcursionOut && ev.To+timeline.Span(LookBack) >= c.Start
	})
}

// forget drops the oldest piece of evidence.
func (e *Engine) forget() {
	oldest := ""
	for key, ev := range e.evidence {
		if oldest == "" || cmp.Or(cmp.Compare(ev.From, e.evidence[oldest].From), cmp.Compare(key, oldest)) < 0 {
			oldest = key
		}
	}
	delete(e.evidence, oldest)
}

// upgrade names a better cause of a case that is out, if there is one.
func (e *Engine) upgrade(c *openCase, now timeline.Moment) {
	if c.State == agent.ExcursionOut && e.infer(c, now) {
		e.emit(c, agent.CaseCaused, now, nil)
	}
}

// infer finds the cause of a case that nobody has named; it reports whether it is another one.
func (e *Engine) infer(c *openCase, now timeline.Moment) bool {
	if c.CauseBy != "" {
		return false
	}
	best := c.Cause
	for _, ev := range e.evidence {
		if causes[ev.Cause].rank > causes[best].rank && ev.explains(c, now) {
			best = ev.Cause
		}
	}
	changed := best != c.Cause
	c.Cause = best
	return changed
}

// explains reports whether it was so for long enough, where and when it matters.
func (v *evidence) explains(c *openCase, now timeline.Moment) bool {
	if v.Zone != c.Zone && (v.Zone != "" || v.Cause != agent.CausePowerFailed) {
		return false
	}
	if v.Cause == agent.CauseCompressor && !slices.ContainsFunc(c.Members, func(m *member) bool { return m.High }) {
		return false
	}
	since := c.Start - timeline.Span(LookBack)
	if v.Cause == agent.CauseSensorFault && v.From < since {
		return false // it was dead all along
	}
	to := now
	if v.To != 0 {
		to = v.To
	}
	return to >= since && to-v.From >= causes[v.Cause].least
}
