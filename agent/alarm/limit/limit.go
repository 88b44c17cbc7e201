// Package limit is the alarm on a value beyond a limit: at once, for a time without
// interruption, or for a time in all.
package limit

import (
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are the limit and for how long it may be passed. Exactly one of the four words
// is set. Without For and Total the alarm is raised by the first value outside; with both,
// by whichever is reached first.
type Settings struct {
	Above     *agent.Value  `yaml:"above" doc:"Limit: values greater than this are outside."`
	AtOrAbove *agent.Value  `yaml:"at_or_above" doc:"Limit: values greater than or equal to this are outside."`
	Below     *agent.Value  `yaml:"below" doc:"Limit: values less than this are outside."`
	AtOrBelow *agent.Value  `yaml:"at_or_below" doc:"Limit: values less than or equal to this are outside."`
	For       time.Duration `yaml:"for" doc:"Raised when values were outside for this long without a break; a value that has returned starts again from nothing."`
	Total     time.Duration `yaml:"total" doc:"Raised when values were outside for this long in all within the time that within: names."`
	Within    Window        `yaml:"within" doc:"What total: adds up over: trip, day (in the site's time), or a time such as 24h."`
	Deadband  agent.Value   `yaml:"deadband" doc:"Once raised, the alarm clears only when a value is inside the limit by more than this."`
}

// Errors of Validate.
var (
	ErrOneLimit = errors.New("want exactly one of above, at_or_above, below and at_or_below")
	ErrNegative = errors.New("must not be negative")
	ErrWithin   = errors.New("total and within go together: total: 10h, within: trip, day or 24h")
	ErrTooLong  = errors.New("total cannot be longer than within")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	n := 0
	for _, v := range []*agent.Value{s.Above, s.AtOrAbove, s.Below, s.AtOrBelow} {
		if v != nil {
			n++
		}
	}
	if n != 1 {
		errs = append(errs, ErrOneLimit)
	}
	if s.For < 0 {
		errs = append(errs, fmt.Errorf("for %w", ErrNegative))
	}
	if s.Total < 0 {
		errs = append(errs, fmt.Errorf("total %w", ErrNegative))
	}
	if s.Deadband < 0 {
		errs = append(errs, fmt.Errorf("deadband %w", ErrNegative))
	}
	if (s.Total != 0) != (s.Within != "") {
		errs = append(errs, ErrWithin)
	}
	if span, err := s.Within.span(); err != nil {
		errs = append(errs, err)
	} else if span > 0 && s.Total > span {
		errs = append(errs, ErrTooLong)
	}
	return errors.Join(errs...)
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "limit", Scope: alarm.PerPoint, Excursion: true, Severity: agent.SeverityCritical},
	Settings{}, describe, newRule)

func describe(s Settings) string {
	word, limit := s.limit()
	text := fmt.Sprintf("%s %s", word, limit)
	if s.For > 0 {
		text += " for " + alarm.Short(s.For)
	}
	if s.Total > 0 {
		text += fmt.Sprintf(" total %s within %s", alarm.Short(s.Total), s.Within)
	}
	return text
}

// Side is on which side of the limit the alarm watches; none where time in all counts, which
// nothing suppresses.
func (s *Settings) Side() alarm.Side {
	switch word, _ := s.limit(); {
	case s.Total > 0:
		return ""
	case word == alarm.Above || word == alarm.AtOrAbove:
		return alarm.High
	}
	return alarm.Low
}

func (s *Settings) limit() (alarm.Word, agent.Value) {
	switch {
	case s.Above != nil:
		return alarm.Above, *s.Above
	case s.AtOrAbove != nil:
		return alarm.AtOrAbove, *s.AtOrAbove
	case s.Below != nil:
		return alarm.Below, *s.Below
	case s.AtOrBelow != nil:
		return alarm.AtOrBelow, *s.AtOrBelow
	}
	return "", 0
}

// doubtful values may open an alarm but neither clear nor reset one.
const doubtful = agent.MarkImplausible | agent.MarkTooFast

// rule watches one point.
type rule struct {
	set       Settings
	word      alarm.Word
	limit     agent.Value
	hold      alarm.Line
	need      alarm.Line // For, or 0 for at once
	totalOnly bool       // a run of values raises nothing however long
	state     state
}

type state struct {
	alarm.Held
	Raised bool        `json:"r,omitempty"` // by a run of values; until a value is inside by more than the deadband
	Known  bool        `json:"k,omitempty"` // there was a value
	Value  agent.Value `json:"v,omitempty"` // the newest
	Total  *total      `json:"t,omitempty"`
}

func newRule(s Settings, t alarm.Target) alarm.Rule {
	r := &rule{set: s, hold: t.Point.Hold(), need: alarm.Millis(s.For), totalOnly: s.Total > 0 && s.For == 0}
	r.word, r.limit = s.limit()
	return r
}

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	from, to := s.Advance(t.Now)
	if r.set.Total > 0 {
		if s.Total == nil || s.Total.Window != r.set.Within {
			s.Total = &total{Window: r.set.Within}
		}
		s.Total.add(t, from, to, alarm.Millis(r.set.Total))
		if in != nil && in.Trip != nil && in.Trip.Begins && r.set.Within == Trip {
			s.Total = &total{Window: Trip}
		}
	}
	r.judgeTime()
	if t.Gap {
		s.Gap(t.Now)
	}
	if in != nil && in.Reading != nil {
		r.sample(t, in.Reading)
	}
	return r.condition(t)
}

// judgeTime raises by a run of values that has lasted long enough.
func (r *rule) judgeTime() {
	if s := &r.state; !r.totalOnly && s.Began != 0 && s.Time >= r.need {
		s.Raised = true
	}
}

func (r *rule) sample(t alarm.Tick, rd *agent.Reading) {
	s := &r.state
	if !rd.OK() {
		s.Gap(t.Now)
		return
	}
	v := rd.Value
	out := r.outside(v)
	if !out && rd.Marks&doubtful != 0 {
		s.Gap(t.Now)
		return
	}
	s.Known, s.Value = true, v
	switch {
	case out:
		s.There(t, r.hold)
		r.judgeTime()
	case s.Raised && !r.clears(v):
		s.Pause()
	default:
		s.Gone()
		s.Raised = false
	}
}

func (r *rule) outside(v agent.Value) bool {
	switch r.word {
	case alarm.Above:
		return v > r.limit
	case alarm.AtOrAbove:
		return v >= r.limit
	case alarm.Below:
		return v < r.limit
	default:
		return v <= r.limit
	}
}

// clears reports whether a value that is not outside ends a raised alarm: strictly beyond
// the deadband (OPC UA part 9, B.1.5). Without a deadband every value inside does.
func (r *rule) clears(v agent.Value) bool {
	if r.set.Deadband == 0 {
		return true
	}
	if r.word == alarm.Above || r.word == alarm.AtOrAbove {
		return v < r.limit-r.set.Deadband
	}
	return v > r.limit+r.set.Deadband
}

func (r *rule) condition(t alarm.Tick) alarm.Condition {
	s := &r.state
	c := alarm.Condition{Active: s.Raised, Suspect: s.Present, Began: s.Began, Held: s.Time}
	if !r.totalOnly && !s.Raised {
		c.Next = s.Reaches(r.need)
	}
	if s.Total != nil {
		reached, next := s.Total.reached(t, &s.Held, alarm.Millis(r.set.Total))
		c.Active = c.Active || reached
		c.Next = alarm.Earlier(c.Next, next)
		if c.Began == 0 || reached {
			c.Began = s.Total.began(c.Began)
		}
		if !s.Raised {
			c.Held = s.Total.sum()
		}
	}
	return c
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	f := alarm.Finding{Word: r.word, Limit: &r.limit, For: r.set.For}
	if r.state.Known {
		v := r.state.Value
		f.Value = &v
	}
	if r.totalOnly || r.totalReached() && !r.state.Raised {
		f.For, f.Total, f.Within = r.set.Total, true, string(r.set.Within)
		f.Window, _ = r.set.Within.span() // Validate has found it right
	}
	return f
}

func (r *rule) totalReached() bool {
	w := r.state.Total
	return w != nil && w.sum() >= alarm.Millis(r.set.Total)
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
