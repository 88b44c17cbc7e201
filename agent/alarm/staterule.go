package alarm

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// NewStateRule is a rule that is active while a state point has had one value for a time.
// f says in its Word what that is.
func NewStateRule(p Point, is agent.Value, span time.Duration, f Finding) Rule {
	f.For = span
	return &stateRule{is: is, hold: p.Hold(), need: Millis(span), finding: f}
}

type stateRule struct {
	is         agent.Value
	hold, need Line
	finding    Finding
	state      stateSeen
}

type stateSeen struct {
	Lasting
	Known bool        `json:"k,omitempty"`
	Value agent.Value `json:"v,omitempty"`
}

// Step implements Rule.
func (r *stateRule) Step(t Tick, in *Input) Condition {
	s := &r.state
	s.Run(t, r.need)
	if in != nil && in.Reading != nil {
		if in.Reading.OK() {
			s.Known, s.Value = true, in.Reading.Value
			s.Sample(t, s.Value == r.is, r.hold, r.need)
		} else {
			s.Gap(t.Now)
		}
	}
	return s.Condition(r.need)
}

// Explain implements Rule.
func (r *stateRule) Explain() Finding {
	f := r.finding
	if r.state.Known {
		v := r.state.Value
		f.Value = &v
	}
	return f
}

// State implements Rule.
func (r *stateRule) State() any { return &r.state }
