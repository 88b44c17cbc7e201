// Package cooling is the alarm on food that cools too slowly: FDA Food Code 3-501.14 wants it
// from 57 °C to 21 °C within 2 hours, and to 5 °C within 6 hours in all.
package cooling

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Stage is a temperature that must be reached in a time.
type Stage struct {
	From   agent.Value   `yaml:"from,required" doc:"The time runs from the moment at which the value falls below this."`
	To     agent.Value   `yaml:"to,required" doc:"The value must come down to this."`
	Within time.Duration `yaml:"within,required" doc:"The time for it."`
}

// Settings are the stages.
type Settings struct {
	Stages []Stage `yaml:"stages,required" doc:"Each is a way down that must be gone in a time: [{from: 57, to: 21, within: 2h}, {from: 57, to: 5, within: 6h}]."`
}

// mostStages bounds a cooling.
const mostStages = 8

// Errors of Validate.
var (
	ErrStages = fmt.Errorf("stages must be 1 to %d", mostStages)
	ErrDown   = errors.New("stages must lead down: from above to")
	ErrTime   = errors.New("stages need a time: within 1m to 7d")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if len(s.Stages) == 0 || len(s.Stages) > mostStages {
		errs = append(errs, ErrStages)
	}
	for _, one := range s.Stages {
		if one.From <= one.To {
			errs = append(errs, ErrDown)
		}
		if one.Within < time.Minute || one.Within > 7*24*time.Hour {
			errs = append(errs, ErrTime)
		}
	}
	return errors.Join(errs...)
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "cooling", Scope: alarm.PerPoint, Quantity: agent.Temperature, Excursion: true, Severity: agent.SeverityCritical},
	Settings{},
	func(s Settings) string {
		parts := make([]string, len(s.Stages))
		for n, one := range s.Stages {
			parts[n] = fmt.Sprintf("from %s to %s within %s", one.From, one.To, alarm.Short(one.Within))
		}
		return strings.Join(parts, ", ")
	},
	func(s Settings, _ alarm.Target) alarm.Rule {
		return &rule{stages: s.Stages, state: state{Began: make([]alarm.Line, len(s.Stages))}}
	})

type rule struct {
	stages []Stage
	state  state
}

type state struct {
	Known bool        `json:"k,omitempty"`
	Value agent.Value `json:"v,omitempty"`
	// Began is, per stage, when the value fell below where it starts; 0 while no cooling runs.
	Began []alarm.Line `json:"b,omitempty"`
	Late  int          `json:"l,omitempty"` // the stage that was missed, from 1; 0 for none
}

// Step implements alarm.Rule. A gap does not stop the time: food cools, or does not, whether
// or not it is measured.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	if len(s.Began) != len(r.stages) || s.Late < 0 || s.Late > len(r.stages) {
		*s = state{Began: make([]alarm.Line, len(r.stages))} // of other settings, or damaged
	}
	r.judge(t.Now)
	if in != nil && in.Reading != nil && in.Reading.OK() && !alarm.Doubtful(in.Reading.Marks) {
		r.sample(t, in.Reading.Value)
	}
	var c alarm.Condition
	for n, began := range s.Began {
		if began == 0 {
			continue
		}
		if c.Began == 0 || began < c.Began {
			c.Began = began
		}
		if due := began + alarm.Millis(r.stages[n].Within); due > t.Now {
			c.Next = alarm.Earlier(c.Next, due)
		}
	}
	c.Active = s.Late != 0
	if c.Began != 0 {
		c.Held = t.Now - c.Began
	}
	return c
}

func (r *rule) judge(now alarm.Line) {
	s := &r.state
	for n, began := range s.Began {
		if began != 0 && now >= began+alarm.Millis(r.stages[n].Within) && s.Late == 0 {
			s.Late = n + 1
		}
	}
}

// sample starts a stage when the value falls below its beginning, ends it when it is reached, and
// forgets the cooling when the food is heated again.
func (r *rule) sample(t alarm.Tick, v agent.Value) {
	s := &r.state
	running := false
	for n, stage := range r.stages {
		switch {
		case v >= stage.From:
			s.Began[n] = 0
			if s.Late == n+1 {
				s.Late = 0
			}
		case s.Known && s.Value >= stage.From && v > stage.To:
			s.Began[n] = t.Sampled
		case v <= stage.To:
			s.Began[n] = 0
		}
		running = running || s.Began[n] != 0
	}
	if !running {
		s.Late = 0
	}
	s.Known, s.Value = true, v
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	f := alarm.Finding{Word: alarm.Cooling}
	if r.state.Known {
		v := r.state.Value
		f.Value = &v
	}
	stage := r.stages[max(0, r.state.Late-1)]
	f.Limit, f.For = &stage.To, stage.Within
	return f
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
