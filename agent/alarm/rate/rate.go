// Package rate is the alarm on a value that changes faster than it should.
package rate

import (
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are how much a value may change in a time. Exactly one of Rise and Fall is set.
type Settings struct {
	Rise   agent.Value   `yaml:"rise" doc:"Raised when the value has risen by more than this within the time within:."`
	Fall   agent.Value   `yaml:"fall" doc:"Raised when the value has fallen by more than this within the time within:."`
	Within time.Duration `yaml:"within" doc:"The time in which the change counts."`
}

// Errors of Validate.
var (
	ErrOne    = errors.New("want exactly one of rise and fall, and more than 0")
	ErrWithin = errors.New("within must be from 10s to 7d")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if s.Rise < 0 || s.Fall < 0 || (s.Rise == 0) == (s.Fall == 0) {
		errs = append(errs, ErrOne)
	}
	if s.Within < 10*time.Second || s.Within > 7*24*time.Hour {
		errs = append(errs, ErrWithin)
	}
	return errors.Join(errs...)
}

// Side is the side that the value moves to.
func (s *Settings) Side() alarm.Side {
	if s.Fall > 0 {
		return alarm.Low
	}
	return alarm.High
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "rate", Scope: alarm.PerPoint, Excursion: true, Severity: agent.SeverityWarning},
	Settings{Within: 10 * time.Minute},
	func(s Settings) string {
		if s.Fall > 0 {
			return fmt.Sprintf("falls by %s within %s", s.Fall, alarm.Short(s.Within))
		}
		return fmt.Sprintf("rises by %s within %s", s.Rise, alarm.Short(s.Within))
	},
	func(s Settings, t alarm.Target) alarm.Rule {
		return &rule{set: s, span: alarm.Millis(s.Within), hold: t.Point.Hold()}
	})

// maxSteps bounds what is remembered of a window: the most extreme value of each 120th of it.
// A change is so found at most a 120th of the window early.
const maxSteps = 120

type rule struct {
	set   Settings
	span  alarm.Line
	hold  alarm.Line
	state state
}

// state is the newest value and, oldest first, those extremes of the window from which it can
// still have come the farthest: their values approach the newest one.
type state struct {
	Known   bool        `json:"k,omitempty"`
	Value   agent.Value `json:"v,omitempty"`
	Until   alarm.Line  `json:"u,omitempty"` // up to when the newest value holds
	Steps   []step      `json:"s,omitempty"`
	Active  bool        `json:"a,omitempty"`
	Began   alarm.Line  `json:"b,omitempty"`
	Changed agent.Value `json:"c,omitempty"`
}

type step struct {
	At    alarm.Line  `json:"t"`
	Value agent.Value `json:"v"`
}

// Step implements alarm.Rule. What changed across a gap has changed, but in a gap nothing is cleared.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	if t.Gap {
		s.Until = 0
	}
	if in != nil && in.Reading != nil {
		r.sample(t, in.Reading)
	}
	if s.Active && t.Now > s.Until {
		return alarm.Condition{Active: true, Began: s.Began, Held: t.Now - s.Began}
	}
	old := 0
	for old < len(s.Steps) && s.Steps[old].At+r.span < t.Now {
		old++
	}
	s.Steps = append(s.Steps[:0], s.Steps[old:]...)
	s.Active, s.Changed = false, 0
	var c alarm.Condition
	if len(s.Steps) > 0 {
		s.Changed = r.sign(s.Value - s.Steps[0].Value)
		s.Active = s.Changed > r.set.Rise+r.set.Fall
	}
	if !s.Active {
		s.Began = 0
		return c
	}
	if s.Began == 0 {
		s.Began = s.Steps[0].At
	}
	return alarm.Condition{Active: true, Began: s.Began, Held: t.Now - s.Began, Next: s.Steps[0].At + r.span + 1}
}

// sample takes a reading. From a fault on nothing is known; a doubtful value may be what a change
// leads to, but none begins there, and it ends none.
func (r *rule) sample(t alarm.Tick, rd *agent.Reading) {
	s := &r.state
	doubtful := alarm.Doubtful(rd.Marks)
	switch {
	case !rd.OK() || doubtful && s.Active:
		s.Until = 0
	case doubtful:
		s.Known, s.Value, s.Until = true, rd.Value, t.Now
	default:
		s.Known, s.Value, s.Until = true, rd.Value, max(t.Now, t.Sampled+r.hold)
		r.remember(t.Sampled)
	}
}

// remember adds the newest value. What it passes in the direction away from the watched one
// can no longer be the beginning of a change.
func (r *rule) remember(at alarm.Line) {
	s := &r.state
	n := len(s.Steps)
	for n > 0 && r.sign(s.Value-s.Steps[n-1].Value) <= 0 {
		n--
	}
	s.Steps = s.Steps[:n]
	if n > 0 && at-s.Steps[n-1].At < r.span/maxSteps {
		return // the one before is as old, and farther away
	}
	s.Steps = append(s.Steps, step{at, s.Value})
}

// sign turns a fall into a rise where falls are watched.
func (r *rule) sign(v agent.Value) agent.Value {
	if r.set.Fall > 0 {
		return -v
	}
	return v
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	f := alarm.Finding{Word: alarm.Rises, For: r.set.Within, Limit: &r.set.Rise}
	if r.set.Fall > 0 {
		f.Word, f.Limit = alarm.Falls, &r.set.Fall
	}
	if r.state.Known {
		v, changed := r.state.Value, r.state.Changed
		f.Value, f.Other = &v, &changed
	}
	return f
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
