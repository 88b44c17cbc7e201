// Package sensorfault is the alarm on a point that gives faults and no values.
package sensorfault

import (
	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Kind is the kind of alarm for the config. Its default is shorter than the ten minutes after
// which refrigerator loggers report a lost sensor: while a probe is dead nobody watches the
// room, and a dead probe should not be found later than the excursion that it hides.
var Kind = alarm.Define(
	alarm.Facts{Name: "sensor-fault", Scope: alarm.PerSensor, Default: true, Severity: agent.SeverityWarning},
	alarm.Patience{},
	func(s alarm.Patience) string { return "only faults for " + s.String() },
	func(s alarm.Patience, t alarm.Target) alarm.Rule {
		return &rule{after: s.With(t.Point), hold: t.Point.Hold()}
	})

type rule struct {
	after, hold alarm.Line
	state       state
}

type state struct {
	alarm.Held
	Fault agent.Fault `json:"f,omitempty"` // the newest
}

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	s.Advance(t.Now)
	if t.Gap {
		s.Gap(t.Now)
	}
	if in != nil && in.Reading != nil {
		if in.Reading.OK() {
			s.Gone()
		} else {
			s.There(t, r.hold)
			s.Fault = in.Reading.Fault
		}
	}
	c := alarm.Condition{
		Active:  s.Began != 0 && s.Time >= r.after,
		Suspect: s.Began != 0, Began: s.Began, Held: s.Time,
	}
	if !c.Active {
		c.Next = s.Reaches(r.after)
	}
	return c
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	return alarm.Finding{Word: alarm.SensorFault, For: r.after.Duration(), Fault: r.state.Fault}
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
