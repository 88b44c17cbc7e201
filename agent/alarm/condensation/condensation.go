// Package condensation is the alarm on a surface that is as cold as the dew point of the air
// that comes to it: water condenses there, or frost. The dock door's rule.
package condensation

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/climate"
)

// Settings name the air that comes to the surface. The alarm's own selectors say which
// surfaces it watches.
type Settings struct {
	Air      agent.PointID `yaml:"air,required" doc:"The temperature of the air that comes in." example:"dock-air/temperature"`
	Humidity agent.PointID `yaml:"humidity,required" doc:"The relative humidity of the same air." example:"dock-air/humidity"`
	Margin   agent.Value   `yaml:"margin" doc:"Raised when the surface is less than this above the dew point, in °C."`
	For      time.Duration `yaml:"for" doc:"For how long without a break."`
}

// Errors of Validate.
var (
	ErrMargin   = errors.New("margin must be from 0 to 20")
	ErrNegative = errors.New("for must not be negative")
	ErrSame     = errors.New("humidity must be another point than air")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if s.Margin < 0 || s.Margin > 20*agent.Unit {
		errs = append(errs, ErrMargin)
	}
	if s.For < 0 {
		errs = append(errs, ErrNegative)
	}
	if s.Air != "" && s.Air == s.Humidity {
		errs = append(errs, ErrSame)
	}
	return errors.Join(errs...)
}

// Names lists the points of the air; see alarm.Naming.
func (s *Settings) Names() []agent.PointID { return []agent.PointID{s.Air, s.Humidity} }

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "condensation", Scope: alarm.PerPoint, Quantity: agent.Temperature, Severity: agent.SeverityWarning},
	Settings{For: 5 * time.Minute},
	func(s Settings) string {
		return fmt.Sprintf("at most %s above the dew point of %s for %s", s.Margin, s.Air.Sensor(), alarm.Short(s.For))
	},
	func(s Settings, t alarm.Target) alarm.Rule {
		r := &rule{set: s, surface: t.Point, need: alarm.Millis(s.For), holds: map[agent.PointID]alarm.Line{t.Point.Point: t.Point.Hold()}}
		for _, p := range t.Named {
			r.holds[p.Point] = p.Hold()
		}
		return r
	})

type rule struct {
	set     Settings
	surface alarm.Point
	holds   map[agent.PointID]alarm.Line
	need    alarm.Line
	state   state
}

type state struct {
	alarm.Lasting
	Surface  value       `json:"s,omitzero"`
	Air      value       `json:"t,omitzero"`
	Humidity value       `json:"w,omitzero"`
	DewPoint agent.Value `json:"d,omitempty"`
	Known    bool        `json:"k,omitempty"` // the dew point is
}

// value is the newest of a point; Until is 0 where there is none.
type value struct {
	Value agent.Value `json:"v,omitempty"`
	Until alarm.Line  `json:"u,omitempty"`
}

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	s.Run(t, r.need)
	if in == nil || in.Reading == nil {
		return s.Condition(r.need)
	}
	var v value
	if in.Reading.OK() && !alarm.Doubtful(in.Reading.Marks) {
		v = value{in.Reading.Value, t.Sampled + r.holds[in.Definition.Point]}
	}
	switch in.Definition.Point {
	case r.surface.Point:
		s.Surface = v
	case r.set.Air:
		s.Air = v
	case r.set.Humidity:
		s.Humidity = v
	}
	if until := min(s.Surface.Until, s.Air.Until, s.Humidity.Until); until > t.Now && r.dew() {
		s.Sample(t, s.Surface.Value <= s.DewPoint+r.set.Margin, max(0, until-t.Sampled), r.need)
	} else {
		s.Gap(t.Now)
	}
	return s.Condition(r.need)
}

// dew finds the dew point of the air, and reports whether there is one.
func (r *rule) dew() bool {
	s := &r.state
	m, err := climate.Moist(s.Air.Value, s.Humidity.Value)
	s.Known = err == nil
	if s.Known {
		s.DewPoint = agent.Value(math.Round(m.DewPoint * float64(agent.Unit)))
	}
	return s.Known
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	f := alarm.Finding{Word: alarm.Condensation, For: r.set.For}
	if s := &r.state; s.Surface.Until != 0 && s.Known {
		surface, dew := s.Surface.Value, s.DewPoint
		f.Value, f.Limit = &surface, &dew
	}
	return f
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
