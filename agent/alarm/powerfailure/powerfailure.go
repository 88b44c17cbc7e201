// Package powerfailure is the alarm on mains that are gone. The gateway needs a supply of
// its own to tell.
package powerfailure

import (
	"errors"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are how long mains may be gone.
type Settings struct {
	For time.Duration `yaml:"for" doc:"Raised when the mains have been gone for this long; shorter ones are on record as readings."`
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

// Kind is the kind of alarm for the config. With its default, a failure that a contact
// reports at once reaches people within 10 s.
var Kind = alarm.Define(
	alarm.Facts{Name: "power-failure", Scope: alarm.PerPoint, Quantity: agent.PowerOK, Severity: agent.SeverityCritical},
	Settings{For: 5 * time.Second},
	func(s Settings) string { return "off for " + alarm.Short(s.For) },
	func(s Settings, t alarm.Target) alarm.Rule {
		return alarm.NewStateRule(t.Point, 0, s.For, alarm.Finding{Word: alarm.AtOrBelow})
	})
