// Package relay announces alarms on a relay, for what is not ours: an alarm panel, a telephone
// dialer, a horn with its own supply. The contact tells that an alarm of at least the configured
// severity is there and that nobody has acknowledged it.
//
// Fail-safe wiring, energized: quiet, holds the relay while all is well. An alarm, a power cut
// and an agent that stopped all release it, so that the panel hears of each.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/pattern"
)

// Energized is when the relay's coil has current.
type Energized string

// The choices.
const (
	OnAlarm Energized = "alarm" // while there is an alarm
	OnQuiet Energized = "quiet" // while there is none: fail-safe
)

// Settings choose the relay and when it switches.
type Settings struct {
	Pin       string         `yaml:"pin" doc:"Name of the pin that drives the relay." like:"GPIO24"`
	Severity  agent.Severity `yaml:"severity" doc:"Least severity that is told."`
	Active    pattern.Level  `yaml:"active" doc:"Level that energizes the coil: high or low." enum:"high,low"`
	Energized Energized      `yaml:"energized" doc:"alarm: the coil has current while there is an alarm. quiet: while there is none, so that a power cut or a stopped agent is an alarm too." enum:"alarm,quiet"`
	Hold      time.Duration  `yaml:"hold" doc:"How long the contact tells an alarm at least; a dialer may need some seconds. It also spares the contact."`
}

// Errors of Validate.
var (
	ErrPin       = errors.New("pin: want the name of a pin, such as GPIO24")
	ErrEnergized = errors.New("energized: want alarm or quiet")
	ErrHold      = errors.New("hold: want a time from 0s to 10m")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if s.Pin == "" {
		errs = append(errs, ErrPin)
	}
	if s.Energized != OnAlarm && s.Energized != OnQuiet {
		errs = append(errs, ErrEnergized)
	}
	if s.Hold < 0 || s.Hold > 10*time.Minute {
		errs = append(errs, ErrHold)
	}
	return errors.Join(append(errs, s.Active.Check(), announce.CheckSeverity(s.Severity))...)
}

// Driver is the output for the config.
var Driver = announce.Define("relay", Settings{
	Severity: agent.SeverityCritical, Active: pattern.High, Energized: OnAlarm, Hold: time.Second,
}, open)

func open(ctx context.Context, h announce.Host, s Settings) (announce.Output, error) {
	lamp, err := pattern.NewLamp(ctx, h, s.Pin, s.Active)
	if err != nil {
		return nil, err
	}
	return &output{coil: lamp, set: s, log: h.Log}, nil
}

type output struct {
	coil *pattern.Lamp
	set  Settings
	log  *slog.Logger

	mu     sync.Mutex
	alarm  bool        // there is one
	held   *time.Timer // until the contact may be quiet again; nil: it may
	ended  sync.WaitGroup
	closed bool
}

// Announce implements announce.Output. The contact follows the state, not the transition.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.alarm
	o.alarm = announce.AtLeast(n.Sounding, o.set.Severity)
	if o.alarm && !was {
		o.hold()
	}
	if !o.alarm && o.held != nil {
		return nil // when it ends, the contact follows
	}
	if err := o.follow(ctx); err != nil {
		o.alarm = was // the notice comes again
		return err
	}
	return nil
}

// hold begins the shortest time of an alarm. The caller holds mu.
func (o *output) hold() {
	if o.held != nil && o.held.Stop() {
		o.ended.Done()
	}
	if o.set.Hold == 0 {
		return
	}
	var timer *time.Timer
	o.ended.Add(1)
	timer = time.AfterFunc(o.set.Hold, func() {
		defer o.ended.Done()
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.closed || o.held != timer {
			return
		}
		o.held = nil
		if err := o.follow(context.Background()); err != nil {
			o.log.Warn("relay not switched", slog.Any("err", err))
		}
	})
	o.held = timer
}

// follow switches the coil. The caller holds mu.
func (o *output) follow(ctx context.Context) error {
	state := pattern.Off
	if o.alarm == (o.set.Energized == OnAlarm) {
		state = pattern.Steady
	}
	if err := o.coil.Show(ctx, state); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	return nil
}

// Close releases the coil. A second Close does nothing.
func (o *output) Close() error {
	o.mu.Lock()
	o.closed = true
	if o.held != nil && o.held.Stop() {
		o.ended.Done()
	}
	o.held = nil
	o.mu.Unlock()
	o.ended.Wait()
	return o.coil.Close()
}
