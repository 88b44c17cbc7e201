// Package forecast is the pre-alarm: it says that a temperature will pass a limit, and in what
// time, from the thermal behavior that package agent/forecast has learned of the zone. It is
// silent for the first 12 hours, and it is not a limit: write that too.
package forecast

import (
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	thermal "github.com/frostline/frostline/agent/forecast"
)

// Settings are the limit, exactly one of the two, and the contacts that tell why the
// temperature moves. What has no contact is inferred.
type Settings struct {
	Above      *agent.Value  `yaml:"above" doc:"Raised when the value is likely to become greater than this."`
	Below      *agent.Value  `yaml:"below" doc:"Raised when the value is likely to become less than this."`
	Horizon    time.Duration `yaml:"horizon" doc:"How far to look ahead, 30m to 24h."`
	Door       agent.PointID `yaml:"door" doc:"The zone's door." like:"cr1-door/door"`
	Compressor agent.PointID `yaml:"compressor" doc:"A contact that is 1 while the compressor runs." like:"cr1-compressor/contact"`
	Defrost    agent.PointID `yaml:"defrost" doc:"A contact that is 1 during a defrost." like:"cr1-defrost/contact"`
	Power      agent.PointID `yaml:"power" doc:"The mains." like:"mains/power_ok"`
	Outside    agent.PointID `yaml:"outside" doc:"The temperature around the zone." like:"dock-air/temperature"`
}

// Errors of Validate.
var (
	ErrOneLimit = errors.New("want exactly one of above and below")
	ErrHorizon  = errors.New("horizon must be from 30m to 24h")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if (s.Above == nil) == (s.Below == nil) {
		errs = append(errs, ErrOneLimit)
	}
	if s.Horizon < 30*time.Minute || s.Horizon > 24*time.Hour {
		errs = append(errs, ErrHorizon)
	}
	return errors.Join(errs...)
}

// Names lists the contacts; see alarm.Naming.
func (s *Settings) Names() []agent.PointID {
	return []agent.PointID{s.Door, s.Compressor, s.Defrost, s.Power, s.Outside}
}

func (s *Settings) limit() (thermal.Side, agent.Value) {
	if s.Above != nil {
		return thermal.Above, *s.Above
	}
	return thermal.Below, *s.Below
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "forecast", Scope: alarm.PerPoint, Quantity: agent.Temperature, Severity: agent.SeverityWarning},
	Settings{Horizon: thermal.DefaultHorizon},
	func(s Settings) string {
		word := alarm.Above
		if s.Above == nil {
			word = alarm.Below
		}
		_, limit := s.limit()
		return fmt.Sprintf("will be %s %s within %s", word, limit, alarm.Short(s.Horizon))
	}, newRule)

type rule struct {
	set   Settings
	point alarm.Point
	holds map[agent.PointID]alarm.Line
	limit agent.Value
	state state
}

// state keeps the pointers that newRule made: what is read into them keeps their settings.
type state struct {
	Model    *thermal.Model            `json:"m"`
	Watch    *thermal.Watch            `json:"w"`
	Contacts map[agent.PointID]contact `json:"c,omitempty"`
	Known    bool                      `json:"k,omitempty"`
	Value    agent.Value               `json:"v,omitempty"` // the newest
	Began    alarm.Line                `json:"b,omitempty"`
	Soonest  alarm.Line                `json:"s,omitempty"` // of the newest forecast that had a time, from At on
	Latest   alarm.Line                `json:"l,omitempty"`
	At       alarm.Line                `json:"t,omitempty"`
}

// contact is the newest value of a contact, which holds until Until.
type contact struct {
	Value agent.Value `json:"v"`
	Until alarm.Line  `json:"u"`
}

func newRule(s Settings, t alarm.Target) alarm.Rule {
	_, limit := s.limit()
	r := &rule{set: s, point: t.Point, limit: limit, holds: map[agent.PointID]alarm.Line{}}
	for _, p := range t.Named {
		r.holds[p.Point] = p.Hold()
	}
	r.state = r.fresh()
	return r
}

// fresh is the state of a rule that has seen nothing.
func (r *rule) fresh() state {
	side, limit := r.set.limit()
	return state{
		Model:    thermal.New(thermal.Settings{Slow: r.point.Role == agent.RoleProduct, Horizon: r.set.Horizon}),
		Watch:    thermal.NewWatch(limit, side),
		Contacts: map[agent.PointID]contact{},
	}
}

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	if s.Model == nil || s.Watch == nil || s.Contacts == nil { // damaged
		*s = r.fresh()
	}
	if in != nil && in.Reading != nil {
		ok := in.Reading.OK() && !alarm.Doubtful(in.Reading.Marks)
		if id := in.Definition.Point; id == r.point.Point {
			r.sample(t, in.Reading, ok)
		} else if ok {
			s.Contacts[id] = contact{in.Reading.Value, t.Sampled + r.holds[id]}
		} else {
			delete(s.Contacts, id)
		}
	}
	return alarm.Condition{Active: s.Watch.Raised(), Suspect: s.Watch.Raised(), Began: s.Began}
}

func (r *rule) sample(t alarm.Tick, rd *agent.Reading, ok bool) {
	s := &r.state
	input := thermal.Input{
		OK: ok, Door: r.is(t.Now, r.set.Door), Compressor: r.is(t.Now, r.set.Compressor),
		Defrost: r.is(t.Now, r.set.Defrost), Power: r.is(t.Now, r.set.Power),
	}
	if ok {
		input.Value = rd.Value
		s.Known, s.Value = true, rd.Value
	}
	if c, known := s.Contacts[r.set.Outside]; known && c.Until > t.Now {
		input.Outside = &c.Value
	}
	if !s.Model.Step(t.Now.Duration(), input) {
		return
	}
	change, f := s.Watch.Step(s.Model)
	if f.Breach {
		s.Soonest, s.Latest, s.At = alarm.Millis(f.Earliest), alarm.Millis(f.Latest), t.Now
	}
	switch change {
	case thermal.Raised:
		s.Began = t.Now
	case thermal.Withdrawn:
		s.Began, s.Soonest, s.Latest, s.At = 0, 0, 0, 0
	}
}

// is the state of a contact at a moment.
func (r *rule) is(now alarm.Line, id agent.PointID) thermal.State {
	c, known := r.state.Contacts[id]
	if !known || c.Until <= now {
		return thermal.Unknown
	}
	return thermal.Is(c.Value != 0)
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	s := &r.state
	f := alarm.Finding{Word: alarm.Forecast, Limit: &r.limit}
	if s.Known {
		v := s.Value
		f.Value = &v
	}
	if s.Latest > 0 {
		f.Soonest, f.For = minutes(s.Soonest), minutes(s.Latest)
	}
	return f
}

// minutes is a time in whole minutes, at least one.
func minutes(l alarm.Line) time.Duration {
	return max(time.Minute, l.Duration().Round(time.Minute))
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
