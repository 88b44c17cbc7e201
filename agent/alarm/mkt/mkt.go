// Package mkt is the alarm on the mean kinetic temperature over a rolling window: USP
// <1079.2> limits the window to 30 days for controlled room temperature and to 24 hours for
// controlled cold, and does not apply it to frozen goods.
package mkt

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/climate"
)

// Settings are the limit of the mean and what it is made of. Exactly one of the two words is set.
type Settings struct {
	Above     *agent.Value  `yaml:"above" doc:"Raised when the mean kinetic temperature is greater than this."`
	AtOrAbove *agent.Value  `yaml:"at_or_above" doc:"Raised when the mean kinetic temperature is greater than or equal to this."`
	Within    time.Duration `yaml:"within,required" doc:"The rolling window: at most 30d at controlled room temperature, 24h at controlled cold (USP 1079.2)."`
	DH        agent.Value   `yaml:"dh" doc:"The heat of activation in kJ/mol."`
}

// Errors of Validate.
var (
	ErrOneLimit = errors.New("want exactly one of above and at_or_above")
	ErrWithin   = errors.New("within must be from 1h to 366d")
	ErrEnergy   = errors.New("dh is no heat of activation: want 10 to 500 kJ/mol")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if (s.Above == nil) == (s.AtOrAbove == nil) {
		errs = append(errs, ErrOneLimit)
	}
	if s.Within < time.Hour || s.Within > 366*24*time.Hour {
		errs = append(errs, ErrWithin)
	}
	if s.DH < 10*agent.Unit || s.DH > 500*agent.Unit || s.energy().Check() != nil {
		errs = append(errs, ErrEnergy)
	}
	return errors.Join(errs...)
}

func (s *Settings) energy() climate.Energy { return climate.Energy(s.DH.Float64()) }

func (s *Settings) limit() (alarm.Word, agent.Value) {
	if s.Above != nil {
		return alarm.Above, *s.Above
	}
	return alarm.AtOrAbove, *s.AtOrAbove
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "mkt", Scope: alarm.PerPoint, Quantity: agent.Temperature, Excursion: true, Severity: agent.SeverityCritical},
	Settings{DH: 83_144 * agent.Unit / 1000},
	func(s Settings) string {
		word, limit := s.limit()
		return fmt.Sprintf("mean kinetic temperature %s %s within %s", word, limit, alarm.Short(s.Within))
	}, newRule)

type rule struct {
	set   Settings
	word  alarm.Word
	limit agent.Value
	hold  alarm.Line
	state state
}

type state struct {
	Known  bool            `json:"k,omitempty"` // there was a value that may still hold
	Value  agent.Value     `json:"v,omitempty"` // the newest
	From   alarm.Line      `json:"f,omitempty"` // up to when it was added
	Until  alarm.Line      `json:"u,omitempty"` // up to when it holds
	Window *climate.Window `json:"w"`
	Mean   agent.Value     `json:"m,omitempty"`
	Active bool            `json:"a,omitempty"`
	Began  alarm.Line      `json:"b,omitempty"`
	Due    alarm.Line      `json:"d,omitempty"` // when to form the mean without a sample
}

func newRule(s Settings, t alarm.Target) alarm.Rule {
	r := &rule{set: s, hold: t.Point.Hold()}
	r.word, r.limit = s.limit()
	r.state.Window = s.window()
	return r
}

func (s *Settings) window() *climate.Window {
	w, err := climate.NewWindow(s.Within, s.energy())
	if err != nil {
		panic("mkt: Validate lets no such window pass: " + err.Error())
	}
	return w
}

// Step implements alarm.Rule. What is not known adds nothing to the mean: it is neither taken
// for warm nor for cold.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	if s.Window == nil { // a damaged state
		s.Window = r.set.window()
	}
	if in == nil && !t.Gap && (s.Due == 0 || t.Now < s.Due) {
		return r.condition()
	}
	if s.Known && !t.Gap {
		if end := min(t.Now, s.Until); end > s.From {
			_ = s.Window.Add(s.From.Duration(), end.Duration(), s.Value) // only what cannot be a temperature is refused
			s.From = end
		}
	}
	if t.Gap {
		s.Known = false
	}
	if in != nil && in.Reading != nil {
		s.Known = in.Reading.OK() && !alarm.Doubtful(in.Reading.Marks)
		if s.Known {
			s.Value, s.From, s.Until = in.Reading.Value, max(s.From, t.Now), t.Sampled+r.hold
		}
	}
	r.judge(t.Now)
	return r.condition()
}

func (r *rule) judge(now alarm.Line) {
	s := &r.state
	mean := s.Window.Mean(now.Duration())
	celsius, ok := mean.Kinetic()
	known := s.Known && now <= s.Until
	if known || !s.Active {
		s.Active = false // in a gap nothing is cleared
	}
	if ok && (known || !s.Active) {
		s.Mean = agent.Value(math.Round(celsius * float64(agent.Unit)))
		s.Active = s.Mean > r.limit || r.word == alarm.AtOrAbove && s.Mean == r.limit
	}
	switch {
	case !s.Active:
		s.Began = 0
	case s.Began == 0:
		s.Began = now
	}
	s.Due = r.next(now)
}

func (r *rule) condition() alarm.Condition {
	return alarm.Condition{Active: r.state.Active, Began: r.state.Began, Next: r.state.Due}
}

// steps is how often the mean is formed while nothing comes: a 720th of the window.
const steps = 720

// next is when the mean may cross the limit without a new sample: while the newest value
// holds, or when old ones leave the window.
func (r *rule) next(now alarm.Line) alarm.Line {
	s := &r.state
	var next alarm.Line
	if s.Known && s.Until > now {
		next = min(s.Until, now+max(1, alarm.Millis(s.Window.Length())/steps))
	}
	if drops, ok := s.Window.Drops(now.Duration()); ok {
		next = alarm.Earlier(next, alarm.Millis(drops))
	}
	return next
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	mean := r.state.Mean
	return alarm.Finding{Word: alarm.Kinetic, Value: &mean, Limit: &r.limit, For: r.set.Within}
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
