// Package sensorfault is the alarm on a point that gives faults and no values.
package sensorfault

import (
	"errors"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are how long faults may last.
//
// The default is shorter than the ten minutes after which refrigerator loggers report a
// lost sensor: while a probe is dead nobody watches the room, and a dead probe should not be
// found later than the excursion that it hides.
type Settings struct {
	After time.Duration `yaml:"after" doc:"Raised when there were only faults for this long; three intervals, at least 1m, if absent."`
}

// ErrNegative is what Validate returns.
var ErrNegative = errors.New("after must not be negative")

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	if s.After < 0 {
		return ErrNegative
	}
	return nil
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "sensor-fault", Scope: alarm.PerSensor, Severity: agent.SeverityWarning},
	Settings{},
	func(s Settings) string {
		if s.After == 0 {
			return "only faults for three intervals, at least 1m"
		}
		return "only faults for " + alarm.Short(s.After)
	},
	func(s Settings, t alarm.Target) alarm.Rule {
		after := alarm.Millis(s.After)
		if after == 0 {
			after = max(t.Point.Hold(), alarm.Millis(time.Minute))
		}
		return &rule{after: after, hold: t.Point.Hold()}
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
