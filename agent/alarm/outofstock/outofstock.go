// Package outofstock is the alarm on a stock item with a minimum of which nothing is left.
package outofstock

import (
	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Kind is the kind of alarm for the config. It has no settings.
var Kind = alarm.Define(
	alarm.Facts{Name: "out-of-stock", Scope: alarm.PerItem, Default: true, Severity: agent.SeverityWarning},
	struct{}{},
	func(struct{}) string { return "nothing left of an item with a minimum" },
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
		out := s.Quantity <= 0 && s.Minimum > 0 // an item without a minimum may run out
		if out && !s.Raised {
			s.Since = t.Now
		}
		s.Raised = out
	}
	c := alarm.Condition{Active: s.Raised}
	if s.Raised {
		c.Began = s.Since
	}
	return c
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	return alarm.Finding{Word: alarm.OutOfStock, Value: alarm.Pieces(r.state.Quantity), Limit: alarm.Pieces(r.state.Minimum)}
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
