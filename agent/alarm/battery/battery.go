// Package battery is the alarm on a battery that runs low, of the gateway's own supply or of
// a wireless sensor.
package battery

import (
	"errors"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are when a battery is low.
type Settings struct {
	Below agent.Value   `yaml:"below" doc:"Raised when the battery has less than this, in %."`
	For   time.Duration `yaml:"for" doc:"For how long it must have less: a motor that starts pulls the voltage down for a moment."`
}

// margin is by how much it must be charged again to clear the alarm: a battery that rests recovers a little.
const margin = 5 * agent.Unit

// Errors of Validate.
var (
	ErrBelow    = errors.New("below must be more than 0 and at most 95")
	ErrNegative = errors.New("for must not be negative")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if s.Below <= 0 || s.Below > 95*agent.Unit {
		errs = append(errs, ErrBelow)
	}
	if s.For < 0 {
		errs = append(errs, ErrNegative)
	}
	return errors.Join(errs...)
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "battery", Scope: alarm.PerPoint, Quantity: agent.Battery, Severity: agent.SeverityWarning},
	Settings{Below: 20 * agent.Unit, For: time.Minute},
	func(s Settings) string { return "below " + s.Below.String() + " for " + alarm.Short(s.For) },
	func(s Settings, t alarm.Target) alarm.Rule {
		return &rule{set: s, hold: t.Point.Hold(), need: alarm.Millis(s.For)}
	})

type rule struct {
	set        Settings
	hold, need alarm.Line
	state      state
}

type state struct {
	alarm.Lasting
	Known bool        `json:"k,omitempty"`
	Value agent.Value `json:"v,omitempty"`
}

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	s.Run(t, r.need)
	if in != nil && in.Reading != nil {
		switch v := in.Reading.Value; {
		case !in.Reading.OK() || v >= r.set.Below && alarm.Doubtful(in.Reading.Marks):
			s.Gap(t.Now)
		case v >= r.set.Below && v < r.set.Below+margin:
			s.Known, s.Value = true, v
			s.Keep(t, r.hold, r.need)
		default:
			s.Known, s.Value = true, v
			s.Sample(t, v < r.set.Below, r.hold, r.need)
		}
	}
	return s.Condition(r.need)
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	f := alarm.Finding{Word: alarm.Below, Limit: &r.set.Below, For: r.set.For}
	if r.state.Known {
		v := r.state.Value
		f.Value = &v
	}
	return f
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
