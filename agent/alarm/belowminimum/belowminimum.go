// Package belowminimum is the alarm on a stock item of which there is less than its minimum
// and more than nothing. That nothing is left is the business of package outofstock: one
// movement raises one of the two.
package belowminimum

import (
	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Kind is the kind of alarm for the config. It has no settings: the minimum stands with the item.
var Kind = alarm.Define(
	alarm.Facts{Name: "below-minimum", Scope: alarm.PerItem, Default: true, Severity: agent.SeverityWarning},
	struct{}{},
	func(struct{}) string { return "less than the item's minimum" },
	func(struct{}, alarm.Target) alarm.Rule { return &rule{} })

type rule struct{ state state }

// The state is zero until the item's stock is known, that is until it first moved.
type state struct {
	Raised   bool       `json:"r,omitempty"`
	Since    alarm.Line `json:"s,omitempty"`
	Quantity int64      `json:"q,omitempty"`
	Minimum  int64      `json:"m,omitempty"`
}

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	if in != nil && in.Level != nil {
		s.Quantity, s.Minimum = in.Level.Quantity, in.Level.Minimum
		low := s.Quantity < s.Minimum
		if low && s.Quantity > 0 && !s.Raised {
			s.Raised, s.Since = true, t.Now
		}
		// Running out does not end the shortage: it stays raised if it was.
		s.Raised = s.Raised && low
	}
	c := alarm.Condition{Active: s.Raised}
	if s.Raised {
		c.Began = s.Since
	}
	return c
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	return alarm.Finding{Word: alarm.BelowMinimum, Value: alarm.Pieces(r.state.Quantity), Limit: alarm.Pieces(r.state.Minimum)}
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
