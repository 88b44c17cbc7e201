// Package stacklight announces alarms on a stack light with red, amber and green lamps and a
// buzzer. It follows the state, after IEC 60073: red is danger, amber is attention, green is
// normal; what blinks waits for somebody.
//
//	critical, nobody has acknowledged    red blinks, the buzzer sounds
//	critical, acknowledged               red is steady
//	warning, nobody has acknowledged     amber blinks
//	warning, acknowledged                amber is steady
//	nothing                              green is steady
//	the agent stopped                    all dark
//
// Red and amber are lit together where there are alarms of both kinds. An alarm of severity
// info leaves the light green.
package stacklight

import (
	"context"
	"errors"
	"fmt"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/pattern"
)

// Settings choose the pins and the patterns.
type Settings struct {
	Red      string          `yaml:"red" doc:"Pin of the red lamp." like:"GPIO5"`
	Amber    string          `yaml:"amber" doc:"Pin of the amber lamp." like:"GPIO6"`
	Green    string          `yaml:"green" doc:"Pin of the green lamp." like:"GPIO13"`
	Buzzer   string          `yaml:"buzzer" doc:"Pin of the buzzer." like:"GPIO19"`
	Active   pattern.Level   `yaml:"active" doc:"Level that switches lamps and buzzer on: high or low." enum:"high,low"`
	Blinking pattern.Pattern `yaml:"blinking" doc:"Pattern of a lamp that waits for somebody: steady, blink, or durations alternately on and off."`
	Sound    pattern.Pattern `yaml:"sound" doc:"Pattern of the buzzer: steady, beep, or durations alternately on and off."`
	Sounds   agent.Severity  `yaml:"sounds" doc:"Least severity for which the buzzer sounds."`
	Mute     pattern.Mute    `yaml:"mute" doc:"A push button that silences the buzzer for a time. It acknowledges nothing, and the lamps stay."`
}

// Errors of Validate.
var (
	ErrPins = errors.New("want at least one of red, amber, green and buzzer")
	ErrTwin = errors.New("has two uses")
)

// ShowsStanding implements announce.Showing.
func (*Settings) ShowsStanding() bool { return true }

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	used := map[string]string{}
	for _, p := range []struct{ key, pin string }{
		{"red", s.Red}, {"amber", s.Amber}, {"green", s.Green}, {"buzzer", s.Buzzer}, {"mute", s.Mute.Pin},
	} {
		if p.pin == "" {
			continue
		}
		if other := used[p.pin]; other != "" {
			errs = append(errs, fmt.Errorf("%s: pin %s %w: it is that of %s too", p.key, p.pin, ErrTwin, other))
		}
		used[p.pin] = p.key
	}
	if s.Red+s.Amber+s.Green+s.Buzzer == "" {
		errs = append(errs, ErrPins)
	}
	if err := s.Blinking.Check(); err != nil {
		errs = append(errs, fmt.Errorf("blinking: %w", err))
	}
	if err := s.Sound.Check(); err != nil {
		errs = append(errs, fmt.Errorf("sound: %w", err))
	}
	return errors.Join(append(errs, s.Active.Check(), announce.CheckSeverity(s.Sounds), s.Mute.Check())...)
}

// Driver is the output for the config.
var Driver = announce.Define("stacklight", Settings{
	Active: pattern.High, Blinking: pattern.Blink, Sound: pattern.Beep, Sounds: agent.SeverityCritical, Mute: pattern.DefaultMute(),
}, open)

func open(ctx context.Context, h announce.Host, s Settings) (_ announce.Output, err error) {
	o := &output{set: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.Close())
		}
	}()
	for _, l := range []struct {
		pin  string
		lamp **pattern.Lamp
	}{{s.Red, &o.red}, {s.Amber, &o.amber}, {s.Green, &o.green}} {
		if l.pin == "" {
			continue
		}
		if *l.lamp, err = pattern.NewLamp(ctx, h, l.pin, s.Active); err != nil {
			return nil, err
		}
	}
	if s.Buzzer == "" {
		return o, nil
	}
	if o.buzzer, err = pattern.NewHorn(ctx, h, s.Buzzer, s.Active, s.Mute); err != nil {
		return nil, err
	}
	return o, nil
}

type output struct {
	set               Settings
	board             announce.Board
	red, amber, green *pattern.Lamp // nil where there is none
	buzzer            *pattern.Horn
}

// Announce implements announce.Output. One lamp that fails keeps no other from being switched.
func (o *output) Announce(ctx context.Context, n announce.Notice) error {
	o.board.Take(n)
	red, amber := o.lamp(n, agent.SeverityCritical), o.lamp(n, agent.SeverityWarning)
	green := pattern.Off
	if red == pattern.Off && amber == pattern.Off {
		green = pattern.Steady
	}
	sound := pattern.Off
	if announce.AtLeast(n.Sounding, o.set.Sounds) {
		sound = o.set.Sound
	}
	var errs []error
	for _, l := range []struct {
		lamp  *pattern.Lamp
		shows pattern.Pattern
	}{{o.red, red}, {o.amber, amber}, {o.green, green}} {
		if l.lamp != nil {
			errs = append(errs, l.lamp.Show(ctx, l.shows))
		}
	}
	if o.buzzer != nil {
		errs = append(errs, o.buzzer.Show(ctx, n, sound))
	}
	return errors.Join(errs...)
}

// lamp is what the lamp for a severity shows.
func (o *output) lamp(n announce.Notice, severity agent.Severity) pattern.Pattern {
	if n.Sounding == severity {
		return o.set.Blinking
	}
	shows := pattern.Off
	for _, s := range o.board.Alarms() {
		switch {
		case s.Alarm.Severity != severity:
		case s.Alarm.State == agent.StateUnack:
			return o.set.Blinking
		case s.Alarm.State == agent.StateAck, s.Alarm.State == agent.StateLatched:
			shows = pattern.Steady
		}
	}
	return shows
}

// Close switches everything off. A second Close does nothing.
func (o *output) Close() error {
	var errs []error
	if o.buzzer != nil {
		errs = append(errs, o.buzzer.Close())
	}
	for _, l := range []*pattern.Lamp{o.red, o.amber, o.green} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}
