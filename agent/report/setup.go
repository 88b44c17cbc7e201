package report

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
	"github.com/frostline/frostline/agent/climate"
)

// Setup is what a report is about.
type Setup struct {
	// From and To bound the time, From included and To not. Where one is zero the first or the
	// last record of the zones stands for it.
	From, To time.Time
	Location *time.Location // of the site: rules what a day is; UTC if nil
	Zones    []Zone
	// Every is a point's sampling interval; 0 where that is not known any more, and then the
	// median of its first spacings is taken. May be nil.
	Every func(agent.PointID) time.Duration
	// Definition is what a record's point was. Records whose definition it does not know are
	// taken where the stream has defined them, and else counted as unknown. May be nil.
	Definition func(agent.DefID) (agent.Definition, bool)
	// Due is until when an instrument's calibration is valid; zero where that is not known. May be nil.
	Due    func(agent.Definition) time.Time
	Trip   agent.TripID   // the trip that the report is about; empty if about none
	Energy climate.Energy // for the mean kinetic temperature; 0 is that of USP
	Most   int            // how many entries a list keeps; 1000 if 0. The rest is counted
}

const defaultMost = 1000

// Zone is a zone, or a compartment, with the limits it has to keep.
type Zone struct {
	ID      agent.ZoneID
	Name    string // what people call it
	Profile string // the name of the profile that the limits are from
	Limits  []Limit
}

// Limit is one limit in the words of the config. Exactly one of the four values is set.
type Limit struct {
	Name      string         // unique within its zone
	Profile   string         // the name of the profile that it is from; empty for one of the config
	Point     agent.PointID  // only this point; empty: any
	Quantity  agent.Quantity // only points of this quantity; empty: of any
	Role      agent.Role     // only points of this role; empty: of any
	OrNoRole  bool           // and points without a role
	Advisory  bool           // an early warning: it does not make the verdict of its zone
	Transit   bool           // it holds only while a trip is under way
	Above     *agent.Value   // values greater than this are outside
	AtOrAbove *agent.Value   // values greater than or equal to this are outside
	Below     *agent.Value   // values less than this are outside
	AtOrBelow *agent.Value   // values less than or equal to this are outside
	For       time.Duration  // reached by values that were outside for this long without a break
	Total     time.Duration  // reached by values that were outside for this long in all within Within
	Within    string         // trip (the whole report), day (in the site's time), or a time such as 24h

	// Kind makes it another rule than a limit on the value, such as one on the mean kinetic
	// temperature: any kind that watches one point. The values and times above are then not
	// used. Settings are the kind's own, filled in; nil for its defaults.
	Kind     *alarm.Kind
	Settings any
}

// Errors of New.
var (
	ErrKind   = errors.New("is of a kind that watches more than one point")
	ErrPeriod = errors.New("the end is not later than the beginning")
	ErrTwice  = errors.New("there are two of this name")
	ErrMost   = errors.New("most must not be negative")
)

func (s *Setup) check() error {
	var errs []error
	if !s.From.IsZero() && !s.To.IsZero() && !s.To.After(s.From) {
		errs = append(errs, fmt.Errorf("from %s to %s: %w", s.From.Format(time.RFC3339), s.To.Format(time.RFC3339), ErrPeriod))
	}
	if s.Most < 0 {
		errs = append(errs, ErrMost)
	}
	if s.Energy != 0 {
		errs = append(errs, s.Energy.Check())
	}
	zones := map[agent.ZoneID]bool{}
	for i := range s.Zones {
		z := &s.Zones[i]
		if zones[z.ID] {
			errs = append(errs, fmt.Errorf("zone %s: %w", z.ID, ErrTwice))
		}
		zones[z.ID] = true
		names := map[string]bool{}
		for _, l := range z.Limits {
			if err := l.check(); err != nil {
				errs = append(errs, fmt.Errorf("zone %s: limit %s: %w", z.ID, l.Name, err))
			}
			if names[l.Name] {
				errs = append(errs, fmt.Errorf("zone %s: limit %s: %w", z.ID, l.Name, ErrTwice))
			}
			names[l.Name] = true
		}
	}
	return errors.Join(errs...)
}

func (l *Limit) check() error {
	kind, set := l.kind()
	if kind.Scope != alarm.PerPoint {
		return ErrKind
	}
	if v, ok := set.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// kind is the kind of the limit's rule, and its settings.
func (l *Limit) kind() (alarm.Kind, any) {
	switch {
	case l.Kind != nil && l.Settings != nil:
		return *l.Kind, l.Settings
	case l.Kind != nil:
		return *l.Kind, l.Kind.Config()
	}
	return limit.Kind, &limit.Settings{
		Above: l.Above, AtOrAbove: l.AtOrAbove, Below: l.Below, AtOrBelow: l.AtOrBelow,
		For: l.For, Total: l.Total, Within: limit.Window(l.Within),
	}
}

// rule is the limit in the config's words.
func (l *Limit) rule() string {
	kind, set := l.kind()
	of := string(l.Quantity)
	if of == "" {
		of = string(l.Point)
	}
	return strings.TrimSpace(of + " " + kind.Describe(set))
}

func (l *Limit) watches(d *agent.Definition) bool {
	kind, _ := l.kind()
	return kind.Takes(d.Quantity) && (l.Point == "" || l.Point == d.Point) && (l.Quantity == "" || l.Quantity == d.Quantity) &&
		(l.Role == "" || l.Role == d.Role || l.OrNoRole && d.Role == "")
}

// high reports whether the limit is an upper one.
func (l *Limit) high() bool { return l.Above != nil || l.AtOrAbove != nil }

func (l *Limit) outside(v agent.Value) bool {
	switch {
	case l.Above != nil:
		return v > *l.Above
	case l.AtOrAbove != nil:
		return v >= *l.AtOrAbove
	case l.Below != nil:
		return v < *l.Below
	}
	return v <= *l.AtOrBelow
}
