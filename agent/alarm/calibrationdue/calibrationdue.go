// Package calibrationdue is the warning before an instrument's calibration expires. It watches
// the points whose sensor says calibration_due.
package calibrationdue

import (
	"errors"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are how long before.
type Settings struct {
	Before time.Duration `yaml:"before" doc:"Raised so long before the calibration expires."`
}

// ErrBefore is what Validate returns.
var ErrBefore = errors.New("before must be from 0s to 366d")

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	if s.Before < 0 || s.Before > 366*24*time.Hour {
		return ErrBefore
	}
	return nil
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "calibration-due", Scope: alarm.PerSensor, Default: true, Severity: agent.SeverityInfo},
	Settings{Before: 30 * 24 * time.Hour},
	func(s Settings) string { return alarm.Short(s.Before) + " before the calibration expires" },
	func(s Settings, t alarm.Target) alarm.Rule { return &rule{due: t.Point.Due, before: s.Before} })

// look is how often the wall clock is compared, at most: it may be set at any time.
const look = alarm.Line(time.Hour / time.Millisecond)

type rule struct {
	due    time.Time
	before time.Duration
	state  state
}

type state struct {
	Active bool       `json:"a,omitempty"`
	Next   alarm.Line `json:"n,omitempty"`
}

// Step implements alarm.Rule. Without a clock nothing is known about a date.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	if r.due.IsZero() {
		return alarm.Condition{}
	}
	if s.Next == 0 || t.Gap || t.Now >= s.Next {
		s.Next = t.Now + look
		if !t.Wall.IsZero() {
			left := r.due.Add(-r.before).Sub(t.Wall)
			s.Active = left <= 0
			if left > 0 && alarm.Millis(left) < look {
				s.Next = t.Now + alarm.Millis(left)
			}
		}
	}
	return alarm.Condition{Active: s.Active, Suspect: s.Active, Next: s.Next}
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	return alarm.Finding{Word: alarm.CalibrationDue, Text: r.due.Format(time.DateOnly)}
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
