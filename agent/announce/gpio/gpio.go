// Package gpio announces alarms on a digital output: a buzzer, a lamp or a relay that is on
// while an alarm of at least the configured severity is there and nobody has acknowledged it.
package gpio

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
)

// Level is which level switches the device on.
type Level string

// The levels.
const (
	High Level = "high"
	Low  Level = "low"
)

// Settings choose the pin and when it is on.
type Settings struct {
	Pin      string         `yaml:"pin" doc:"Name of the pin: GPIO17." like:"GPIO22"`
	Severity agent.Severity `yaml:"severity" doc:"Least severity that switches it on."`
	Active   Level          `yaml:"active" doc:"Level that switches the device on: high or low." enum:"high,low"`
}

// Errors of Validate.
var (
	ErrPin   = errors.New("pin: want the name of a pin, such as GPIO17")
	ErrLevel = errors.New("active: want high or low")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if s.Pin == "" {
		errs = append(errs, ErrPin)
	}
	if s.Active != High && s.Active != Low {
		errs = append(errs, ErrLevel)
	}
	return errors.Join(append(errs, announce.CheckSeverity(s.Severity))...)
}

// Driver is the output for the config.
var Driver = announce.Define("gpio", Settings{Severity: agent.SeverityWarning, Active: High}, open)

func open(ctx context.Context, h announce.Host, s Settings) (announce.Output, error) {
	pin, err := h.Pin(s.Pin)
	if err != nil {
		return nil, fmt.Errorf("pin %s: %w", s.Pin, err)
	}
	o := &output{pin: pin, set: s}
	if err := o.put(ctx, false); err != nil {
		return nil, err
	}
	return o, nil
}

type output struct {
	pin    announce.Pin
	set    Settings
	closed bool
}

// Announce implements announce.Output. The level follows the state, not the transition, so
// a notice that was missed is made good by the next.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	return o.put(ctx, announce.AtLeast(n.Sounding, o.set.Severity))
}

func (o *output) put(ctx context.Context, on bool) error {
	if err := o.pin.Out(ctx, on == (o.set.Active == High)); err != nil {
		return fmt.Errorf("pin %s: %w", o.set.Pin, err)
	}
	return nil
}

// closing is how long switching off may take.
const closing = time.Second

// Close switches the device off: without the agent nobody could silence it.
func (o *output) Close() error {
	if o.closed {
		return nil
	}
	o.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	return o.put(ctx, false)
}
