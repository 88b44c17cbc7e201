// Package gpio announces alarms on a digital output: a buzzer or a lamp that is on, in a
// pattern, while an alarm of at least the configured severity is there and nobody has
// acknowledged it. A push button may silence it for a time.
package gpio

import (
	"context"
	"errors"
	"fmt"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/pattern"
)

// Settings choose the pin and when it is on.
type Settings struct {
	Pin      string                             `yaml:"pin" doc:"Name of the pin: GPIO17." like:"GPIO22"`
	Severity agent.Severity                     `yaml:"severity" doc:"Least severity that switches it on."`
	Active   pattern.Level                      `yaml:"active" doc:"Level that switches the device on: high or low." enum:"high,low"`
	Pattern  pattern.Pattern                    `yaml:"pattern" doc:"How it is on: steady, blink, beep, or durations alternately on and off, such as 200ms 800ms."`
	Patterns map[agent.Severity]pattern.Pattern `yaml:"patterns" doc:"Other patterns for some severities, such as critical: beep."`
	Mute     pattern.Mute                       `yaml:"mute" doc:"A push button that silences it for a time. It acknowledges nothing."`
}

// Errors of Validate.
var (
	ErrPin   = errors.New("pin: want the name of a pin, such as GPIO17")
	ErrLevel = pattern.ErrLevel
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if s.Pin == "" {
		errs = append(errs, ErrPin)
	}
	errs = append(errs, s.Active.Check(), announce.CheckSeverity(s.Severity), s.Pattern.Check(), s.Mute.Check())
	for severity, p := range s.Patterns {
		if err := announce.CheckSeverity(severity); err != nil {
			errs = append(errs, fmt.Errorf("patterns: %w", err))
		}
		if err := p.Check(); err != nil {
			errs = append(errs, fmt.Errorf("patterns: %s: %w", severity, err))
		}
	}
	if s.Pin != "" && s.Pin == s.Mute.Pin {
		errs = append(errs, fmt.Errorf("mute: pin %s is the output itself", s.Pin))
	}
	return errors.Join(errs...)
}

// Driver is the output for the config.
var Driver = announce.Define("gpio", Settings{
	Severity: agent.SeverityWarning, Active: pattern.High, Pattern: pattern.Steady, Mute: pattern.DefaultMute(),
}, open)

func open(ctx context.Context, h announce.Host, s Settings) (announce.Output, error) {
	horn, err := pattern.NewHorn(ctx, h, s.Pin, s.Active, s.Mute)
	if err != nil {
		return nil, err
	}
	return &output{horn: horn, set: s}, nil
}

type output struct {
	horn *pattern.Horn
	set  Settings
}

// Announce implements announce.Output. The pattern follows the state, not the transition, so
// a notice that was missed is made good by the next.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	return o.horn.Show(ctx, n, o.pattern(n.Sounding))
}

func (o *output) pattern(sounding agent.Severity) pattern.Pattern {
	if !announce.AtLeast(sounding, o.set.Severity) {
		return pattern.Off
	}
	if p, ok := o.set.Patterns[sounding]; ok {
		return p
	}
	return o.set.Pattern
}

// Close switches the device off: without the agent nobody could silence it.
func (o *output) Close() error { return o.horn.Close() }
