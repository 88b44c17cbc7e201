package escalate

import (
	"slices"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// entry is how far one alarm has climbed. Its fields are saved as they are.
type entry struct {
	Event    agent.AlarmEvent  `json:"event"`             // the newest transition
	Raised   []agent.PointID   `json:"points,omitempty"`  // that its message spoke for
	Counted  timeline.Moment   `json:"counted,omitempty"` // time until Since
	Since    timeline.Moment   `json:"since,omitempty"`   // it counts from then on; 0: it does not count
	From     timeline.Moment   `json:"from,omitempty"`    // levels from this time on are still to come
	Held     []held            `json:"held,omitempty"`    // that came due and wait
	Level    int               `json:"level,omitempty"`   // the highest that was told
	Persons  []string          `json:"persons,omitempty"` // who was told
	Outputs  []string          `json:"outputs,omitempty"`
	News     *agent.AlarmEvent `json:"news,omitempty"` // what became of it, for those who were told, after the quiet hours
	Returned bool              `json:"returned,omitempty"`
	Closed   bool              `json:"closed,omitempty"` // only what it holds is still to be told

	rungs []rung
}

// held is a level that came due and waits for the end of the quiet hours, or for somebody who is
// on duty.
type held struct {
	After   timeline.Moment `json:"after"`
	Persons bool            `json:"persons,omitempty"` // the outputs were told
}

// due is when the next level is due; 0 for never.
func (en *entry) due() timeline.Moment {
	if en.Since == 0 || en.Closed {
		return 0
	}
	for i := range en.rungs {
		if after := en.rungs[i].after; after >= en.From {
			return max(1, en.Since+after-en.Counted)
		}
	}
	return 0
}

func (en *entry) holds() bool { return len(en.Held) > 0 || en.News != nil }

// waited is for how long it has counted.
func (en *entry) waited(now timeline.Moment) timeline.Moment {
	if en.Since == 0 {
		return en.Counted
	}
	return en.Counted + max(0, now-en.Since)
}

// stop ends the counting.
func (en *entry) stop(now timeline.Moment) { en.Counted, en.Since = en.waited(now), 0 }

// take brings an alarm up to a transition.
func (e *Engine) take(ev *agent.AlarmEvent, now timeline.Moment) {
	if ev.Cause != "" {
		return // another one's message speaks for it
	}
	en := e.entry(ev)
	switch {
	case ev.State == agent.StateUnack && begins[ev.Transition]:
		e.begin(en, ev, now)
	case en == nil || en.Closed:
	case ev.State == agent.StateRtnUnack, ev.State == agent.StateLatched && ev.Transition == agent.Latched:
		e.returned(en, ev, now)
	default: // somebody knows of it, or it is gone for good
		en.stop(now)
		en.Held, en.Closed = nil, true
		e.follow(en, ev, now)
	}
}

// begins are the transitions after which an alarm that nobody has acknowledged is there.
var begins = map[agent.Transition]bool{
	agent.Raised: true, agent.ReAlarmed: true, agent.Unshelved: true, agent.InService: true,
}

// entry finds what a transition is about; nil if it is nothing that climbs. The message that all
// alarms of one cause are back may be another one's than the message that they are there.
func (e *Engine) entry(ev *agent.AlarmEvent) *entry {
	if en := e.entries[ev.ID.Instance()]; en != nil || ev.Transition != agent.Cleared && ev.Transition != agent.Latched {
		return en
	}
	for _, key := range e.keys() {
		en := e.entries[key]
		if en.Event.Alarm == ev.Alarm && slices.ContainsFunc(ev.Points, func(p agent.PointID) bool { return slices.Contains(en.Raised, p) }) {
			return en
		}
	}
	return nil
}

// begin has an alarm climb, or climb on.
func (e *Engine) begin(en *entry, ev *agent.AlarmEvent, now timeline.Moment) {
	if en != nil && !en.Closed && ev.Transition == agent.Raised {
		if en.Since == 0 {
			en.Since = now
		}
		en.Returned, en.Raised = false, ev.Points
		e.follow(en, ev, now)
		return
	}
	fresh := &entry{Event: *ev, Raised: ev.Points, Since: now, rungs: e.setup.rungs(ev)}
	if len(fresh.rungs) == 0 {
		return
	}
	e.entries[ev.ID.Instance()] = fresh
}

// returned stops a warning. A critical alarm counts until the next level was told.
func (e *Engine) returned(en *entry, ev *agent.AlarmEvent, now timeline.Moment) {
	if en.Returned {
		return
	}
	en.Returned = true
	if ev.Severity != agent.SeverityCritical {
		en.stop(now)
	}
	e.follow(en, ev, now)
}

// follow tells what became of an alarm to those who were told of it.
func (e *Engine) follow(en *entry, ev *agent.AlarmEvent, now timeline.Moment) {
	en.Event, en.News = *ev, nil
	if len(en.Outputs) > 0 { // what follows the state falls silent at once
		e.call(en, Call{Level: en.Level, Outputs: en.Outputs}, now)
	}
	switch {
	case len(en.Persons) == 0:
	case e.setup.quiet(en.Event.Severity, e.local(now)):
		news := *ev
		en.News = &news
	default:
		e.call(en, Call{Level: en.Level, Persons: en.Persons}, now)
	}
}

// release tells what was held back and need wait no longer.
func (e *Engine) release(en *entry, now timeline.Moment, late bool) {
	if !en.holds() || e.setup.quiet(en.Event.Severity, e.local(now)) {
		return
	}
	if en.News != nil {
		en.News = nil
		e.call(en, Call{Level: en.Level, Late: late, Persons: en.Persons}, now)
	}
	waiting := en.Held
	en.Held = nil
	for _, h := range waiting {
		i := slices.IndexFunc(en.rungs, func(r rung) bool { return r.after == h.After })
		if i >= 0 { // else the config has it no more
			e.tell(en, &en.rungs[i], now, late, h.Persons)
		}
	}
}

// climb takes the next level.
func (e *Engine) climb(en *entry, now timeline.Moment, late bool) {
	i := slices.IndexFunc(en.rungs, func(r rung) bool { return r.after >= en.From })
	r := &en.rungs[i]
	en.From = r.after + 1
	if e.setup.quiet(en.Event.Severity, e.local(now)) {
		en.Held = append(en.Held, held{After: r.after})
	} else {
		e.tell(en, r, now, late, false)
	}
	if en.Returned {
		en.stop(now)
	}
}

// tell tells a level: its outputs, unless only persons are left, and those of its persons who are
// on duty. Where nobody is, it waits for the first who will be.
func (e *Engine) tell(en *entry, r *rung, now timeline.Moment, late, personsOnly bool) {
	c := Call{Level: r.number, Late: late, Advice: r.advice()}
	if !personsOnly {
		c.Outputs = r.outputs()
	}
	all, onDuty := e.setup.persons(r, e.local(now))
	c.Persons = onDuty
	if len(all) > 0 && len(onDuty) == 0 {
		en.Held = append(en.Held, held{After: r.after, Persons: true})
	}
	if len(c.Persons)+len(c.Outputs) == 0 {
		return
	}
	en.Level = max(en.Level, r.number)
	en.Persons, en.Outputs = add(en.Persons, c.Persons...), add(en.Outputs, c.Outputs...)
	e.call(en, c, now)
}

// call notes a call about an alarm as it stands.
func (e *Engine) call(en *entry, c Call, now timeline.Moment) {
	c.At, c.Event, c.Waited = e.line.Instant(now), en.Event, en.waited(now).Duration()
	c.Persons, c.Outputs = slices.Clone(c.Persons), slices.Clone(c.Outputs)
	e.calls = append(e.calls, c)
}
