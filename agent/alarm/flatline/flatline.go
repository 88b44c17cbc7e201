// Package flatline is the alarm on a probe whose raw value does not move at all: its noise
// alone would, if it still measured.
package flatline

import (
	"errors"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are how long a raw value may stand still.
type Settings struct {
	For time.Duration `yaml:"for" doc:"Raised when the raw value has not moved for this long. A coarse probe in glycol stands still for hours; give it its time."`
}

// ErrFor is what Validate returns.
var ErrFor = errors.New("for must be at least 1m")

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	if s.For < time.Minute {
		return ErrFor
	}
	return nil
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "flat-line", Scope: alarm.PerPoint, Excursion: false, Gauge: true, Severity: agent.SeverityWarning},
	Settings{For: 6 * time.Hour},
	func(s Settings) string { return "not moved for " + alarm.Short(s.For) },
	func(s Settings, t alarm.Target) alarm.Rule {
		return &rule{hold: t.Point.Hold(), need: alarm.Millis(s.For)}
	})

type rule struct {
	hold, need alarm.Line
	state      state
}

type state struct {
	alarm.Lasting
	Known bool        `json:"k,omitempty"`
	Raw   agent.Value `json:"w,omitempty"`
	Value agent.Value `json:"v,omitempty"`
}

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	s.Run(t, r.need)
	if in != nil && in.Reading != nil {
		if !in.Reading.OK() {
			s.Gap(t.Now)
			return s.Condition(r.need)
		}
		if !s.Known || in.Reading.Raw != s.Raw {
			s.Sample(t, false, r.hold, r.need)
		}
		s.Known, s.Raw, s.Value = true, in.Reading.Raw, in.Reading.Value
		s.Sample(t, true, r.hold, r.need)
	}
	c := s.Condition(r.need)
	c.Suspect = s.Raised
	return c
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	f := alarm.Finding{Word: alarm.FlatLine, For: r.need.Duration()}
	if r.state.Known {
		v := r.state.Value
		f.Value = &v
	}
	return f
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
