// Package nodata is the alarm on a point that records nothing, neither a value nor a fault:
// its lane or its device's driver has stopped. A device that answers with failures is the
// business of package sensorfault; one cause raises one of the two.
package nodata

import (
	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "no-data", Scope: alarm.PerSensor, Default: true, Severity: agent.SeverityWarning},
	alarm.Patience{},
	func(s alarm.Patience) string { return "no data for " + s.String() },
	func(s alarm.Patience, t alarm.Target) alarm.Rule { return &rule{after: s.With(t.Point)} })

type rule struct {
	after alarm.Line
	state state
}

type state struct {
	Seen   alarm.Line `json:"s,omitempty"` // when anything last came, or the agent started
	Real   bool       `json:"d,omitempty"` // Seen is when something came
	Raised bool       `json:"r,omitempty"`
}

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	switch {
	case in != nil && in.Reading != nil:
		s.Seen, s.Real, s.Raised = t.Now, true, false
	case !s.Raised && (t.Gap || s.Seen == 0):
		// While the agent was off nothing was due: a point that does not come back after a
		// start is found after the same time as any other.
		s.Seen, s.Real = t.Now, false
	}
	s.Raised = s.Raised || t.Now-s.Seen >= r.after
	c := alarm.Condition{Active: s.Raised, Suspect: t.Now-s.Seen >= r.after/2, Held: t.Now - s.Seen}
	if s.Real {
		c.Began = s.Seen
	}
	if !s.Raised {
		c.Next = s.Seen + r.after
	}
	return c
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	return alarm.Finding{Word: alarm.NoData, For: r.after.Duration()}
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
