// Package disagree is the alarm on probes of one zone that differ by more than they can: one
// of them is wrong, or the zone is not one.
package disagree

import (
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Settings are by how much, and for how long, probes may differ.
type Settings struct {
	By  agent.Value   `yaml:"by,required" doc:"Raised when two of the zone's points differ by more than this; their tolerances and the room's own differences together."`
	For time.Duration `yaml:"for" doc:"For how long without a break. A door or a defrost sets probes apart for some minutes."`
}

// Errors of Validate.
var (
	ErrBy       = errors.New("by must be more than 0")
	ErrNegative = errors.New("for must not be negative")
)

// Validate says what is wrong with the settings.
func (s *Settings) Validate() error {
	var errs []error
	if s.By <= 0 {
		errs = append(errs, ErrBy)
	}
	if s.For < 0 {
		errs = append(errs, ErrNegative)
	}
	return errors.Join(errs...)
}

// Kind is the kind of alarm for the config.
var Kind = alarm.Define(
	alarm.Facts{Name: "disagree", Scope: alarm.PerZone, Gauge: true, OneQuantity: true, Severity: agent.SeverityWarning},
	Settings{For: 30 * time.Minute},
	func(s Settings) string { return fmt.Sprintf("differ by %s for %s", s.By, alarm.Short(s.For)) },
	func(s Settings, t alarm.Target) alarm.Rule {
		return &rule{set: s, points: t.Points, need: alarm.Millis(s.For), state: state{Newest: map[agent.PointID]value{}}}
	})

type rule struct {
	set    Settings
	points []alarm.Point
	need   alarm.Line
	state  state
}

type state struct {
	alarm.Lasting
	Newest map[agent.PointID]value `json:"n,omitempty"`
}

type value struct {
	Value agent.Value `json:"v"`
	Until alarm.Line  `json:"u"` // it holds
}

// Step implements alarm.Rule.
func (r *rule) Step(t alarm.Tick, in *alarm.Input) alarm.Condition {
	s := &r.state
	if s.Newest == nil { // a damaged state
		s.Newest = map[agent.PointID]value{}
	}
	s.Run(t, r.need)
	if in != nil && in.Reading != nil {
		id := in.Definition.Point
		delete(s.Newest, id)
		if in.Reading.OK() && !alarm.Doubtful(in.Reading.Marks) {
			s.Newest[id] = value{in.Reading.Value, t.Sampled + r.hold(id)}
		}
		high, low, until := r.extremes(t.Now)
		switch {
		case until == 0:
			s.Gap(t.Now) // fewer than two are known
		default:
			s.Sample(t, s.Newest[high].Value-s.Newest[low].Value > r.set.By, max(0, until-t.Sampled), r.need)
		}
	}
	return s.Condition(r.need)
}

func (r *rule) hold(id agent.PointID) alarm.Line {
	for i := range r.points {
		if r.points[i].Point == id {
			return r.points[i].Hold()
		}
	}
	return 0
}

// extremes are the points with the highest and the lowest of the values that hold, and until
// when both do; until is 0 where fewer than two hold.
func (r *rule) extremes(now alarm.Line) (high, low agent.PointID, until alarm.Line) {
	n := 0
	for i := range r.points {
		id := r.points[i].Point
		v, ok := r.state.Newest[id]
		if !ok || v.Until <= now {
			continue
		}
		n++
		if high == "" || v.Value > r.state.Newest[high].Value {
			high = id
		}
		if low == "" || v.Value < r.state.Newest[low].Value {
			low = id
		}
	}
	if n < 2 {
		return high, low, 0
	}
	return high, low, min(r.state.Newest[high].Until, r.state.Newest[low].Until)
}

// Explain implements alarm.Rule.
func (r *rule) Explain() alarm.Finding {
	f := alarm.Finding{Word: alarm.Disagree, Limit: &r.set.By, For: r.set.For}
	if high, low, _ := r.extremes(0); high != "" && low != high {
		a, b := r.state.Newest[high].Value, r.state.Newest[low].Value
		f.Value, f.Other = &a, &b
		f.Points = []agent.PointID{high, low}
	}
	return f
}

// State implements alarm.Rule.
func (r *rule) State() any { return &r.state }
