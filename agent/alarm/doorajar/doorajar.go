// Package doorajar is the alarm on a door that stays open.
package doorajar

import (
	"errors"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are how long a door may be open.
type Settings struct {
	For time.Duration `yaml:"for" doc:"Raised when the door has been open for this long."`
}

// ErrNegative is what Validate returns.
var ErrNegative = errors.New("for must not be negative")

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	if s.For < 0 {
		return ErrNegative
	}
	return nil
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "door-ajar", Scope: alarm.PerPoint, Quantity: agent.Door, Severity: agent.SeverityWarning},
	Settings{For: 3 * time.Minute},
	func(s Settings) string { return "open for " + alarm.Short(s.For) },
	func(s Settings, t alarm.Target) alarm.Rule {
		return alarm.NewStateRule(t.Point, agent.Unit, s.For, alarm.Finding{Word: alarm.AtOrAbove})
	})
