package trip

import (
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// The defaults of a setup. The numbers are those of the trade: off the corridor by 500 m or 30
// min late is the first level, each 30 min more the next.
const (
	DefaultWidth   = 500 // metres to each side of a corridor's line
	DefaultLate    = 30 * time.Minute
	DefaultEvery   = 30 * time.Minute
	DefaultHighest = 10
	DefaultRadius  = 200 // metres around a stop or a fence
	DefaultHold    = 2 * time.Minute
	DefaultRepeat  = time.Minute
)

const (
	// holdIntervals is for how many of its point's intervals a value holds at most.
	holdIntervals = 3
	// leastHold is how long a value holds in any case: work between sensor and engine takes time.
	leastHold = 10 * time.Second
	// back is how far inside a width or a radius a vehicle has to be to be back: a tenth less than
	// where it left. So a vehicle that drives along the border does not come and go.
	back = 0.9
	// skipDwell is how long a vehicle has to stay at a planned stop that is not the next one before
	// those in between count as skipped. Driving past is not stopping.
	skipDwell = 5 * time.Minute
)

// Bounds of what a person or a config gives.
const (
	MaxStops    = 100
	MaxLine     = 1000 // points of a corridor's line
	MaxText     = 200  // bytes of a name
	MaxComment  = 2000 // bytes
	maxRemember = 16   // ids of closed trips that cannot be used again
)

// Setup is everything that an engine is made of.
type Setup struct {
	Gateway      agent.GatewayID
	Vehicle      string // of every trip that names no other
	Carrier      string
	Lanes        []Lane
	Lane         string // id of the lane of trips that name no other; may be empty
	Compartments []Compartment
	Profiles     map[string]Range // of compartments that have no range of their own, by their profile
	Triggers     []Trigger
	First        agent.TripPhase // in which a trip begins that a trigger opens; pre-cool if empty
	Levels       Levels
	Repeat       time.Duration // a code seen again within this time is the same scan; DefaultRepeat if 0
	// Points are those of the config: temperatures of compartments, positions, contacts. They say how
	// long a value holds.
	Points []Point
}

// Point is a measured point.
type Point struct {
	agent.Definition
	Every time.Duration // sampling interval
}

// Lane is a route that trips go again and again.
type Lane struct {
	ID       string
	Carrier  string // of trips on it that name no other
	Corridor *Corridor
	Stops    []Stop
}

// Corridor is where a vehicle under way should be.
type Corridor struct {
	Line  []Spot // at least one point; great-circle pieces between them
	Width int64  // metres to each side; DefaultWidth if 0
}

// Stop is a planned stop.
type Stop struct {
	Name  string // unique within its trip
	Place *Place // nil: only a person tells that it was reached
	Due   time.Time
	After time.Duration // after departure, where there is no Due
}

// Place is a circle on the map.
type Place struct {
	Name string
	Spot
	Radius int64 // metres; DefaultRadius if 0
}

// Compartment is a zone that travels.
type Compartment struct {
	Zone    agent.ZoneID
	Profile string
	Range   *Range // it has to be in at departure; nil: the one that the setup has for it, if any
}

// Range is a range of temperatures, both ends included; nil is no end.
type Range struct{ Low, High *agent.Value }

// Levels say when a deviation reaches which level.
type Levels struct {
	Late    time.Duration // behind the plan: level 1; DefaultLate if 0
	Off     time.Duration // off the corridor: level 1; 0: at once
	Every   time.Duration // each more: the next level; DefaultEvery if 0
	Highest int           // DefaultHighest if 0
}

// at is the level of something that reached its first level after first and has lasted for.
func (l Levels) at(lasted, first timeline.Moment) int {
	if lasted < first {
		return 0
	}
	return int(min(int64(l.Highest), 1+int64((lasted-first)/timeline.Span(l.Every))))
}

// from is how long something has to last to reach a level, from 1.
func (l Levels) from(level int, first timeline.Moment) timeline.Moment {
	return first + timeline.Moment(level-1)*timeline.Span(l.Every)
}

// Errors of New and Start.
var (
	ErrLane       = errors.New("there is no such lane")
	ErrLaneTwice  = errors.New("two lanes with this id")
	ErrZoneTwice  = errors.New("two compartments with this zone")
	ErrLine       = errors.New("a corridor's line needs 1 to 1000 points")
	ErrPlace      = errors.New("not a place: latitude is from -90 to 90, longitude from -180 to 180, a radius from 1 to 1000000 m")
	ErrStopName   = errors.New("a stop needs a name of its own")
	ErrStops      = errors.New("more than 100 stops")
	ErrText       = errors.New("longer than 200 bytes")
	ErrTrigger    = errors.New("a trigger needs exactly one of code, point and place")
	ErrVerb       = errors.New("not something a trigger can do: want start, load, depart, unload or end")
	ErrFirstPhase = errors.New("not a phase to begin with: want pre-cool, loading or under-way")
	ErrLevels     = errors.New("levels need times above zero")
)

const maxRadius = 1_000_000

// check fills in the defaults and says what is wrong.
func (s *Setup) check() error {
	var errs []error
	lanes := map[string]bool{}
	for i := range s.Lanes {
		l := &s.Lanes[i]
		if lanes[l.ID] {
			errs = append(errs, fmt.Errorf("lane %s: %w", l.ID, ErrLaneTwice))
		}
		lanes[l.ID] = true
		if err := errors.Join(agent.CheckID(l.ID), l.Corridor.check(), checkStops(l.Stops)); err != nil {
			errs = append(errs, fmt.Errorf("lane %s: %w", l.ID, err))
		}
	}
	if s.Lane != "" && !lanes[s.Lane] {
		errs = append(errs, fmt.Errorf("lane %q: %w", s.Lane, ErrLane))
	}
	for i := range s.Triggers {
		if err := s.Triggers[i].check(); err != nil {
			errs = append(errs, fmt.Errorf("trigger %d: %w", i, err))
		}
	}
	switch s.First {
	case "":
		s.First = agent.PhasePreCool
	case agent.PhasePreCool, agent.PhaseLoading, agent.PhaseUnderWay:
	default:
		errs = append(errs, fmt.Errorf("%q: %w", s.First, ErrFirstPhase))
	}
	return errors.Join(append(errs, s.Levels.check(), checkCompartments(s.Compartments))...)
}

func (l *Levels) check() error {
	fill(&l.Late, DefaultLate)
	fill(&l.Every, DefaultEvery)
	if l.Highest == 0 {
		l.Highest = DefaultHighest
	}
	if l.Late < 0 || l.Every < time.Millisecond || l.Off < 0 || l.Highest < 0 {
		return ErrLevels
	}
	return nil
}

func (c *Corridor) check() error {
	if c == nil {
		return nil
	}
	if len(c.Line) == 0 || len(c.Line) > MaxLine {
		return ErrLine
	}
	for _, p := range c.Line {
		if !p.valid() {
			return fmt.Errorf("corridor: %w", ErrPlace)
		}
	}
	if c.Width == 0 {
		c.Width = DefaultWidth
	}
	if c.Width < 0 || c.Width > maxRadius {
		return fmt.Errorf("corridor: %w", ErrPlace)
	}
	return nil
}

func (p *Place) check() error {
	if p == nil {
		return nil
	}
	if p.Radius == 0 {
		p.Radius = DefaultRadius
	}
	if !p.valid() || p.Radius < 0 || p.Radius > maxRadius {
		return ErrPlace
	}
	return nil
}

func checkStops(stops []Stop) error {
	if len(stops) > MaxStops {
		return ErrStops
	}
	names := map[string]bool{}
	for i := range stops {
		s := &stops[i]
		if s.Name == "" || names[s.Name] {
			return fmt.Errorf("stop %q: %w", s.Name, ErrStopName)
		}
		names[s.Name] = true
		if len(s.Name) > MaxText {
			return fmt.Errorf("stop %q: %w", s.Name[:20]+"…", ErrText)
		}
		if err := s.Place.check(); err != nil {
			return fmt.Errorf("stop %s: %w", s.Name, err)
		}
		s.After = s.After.Truncate(time.Second) // as its record has it
	}
	return nil
}

func checkCompartments(list []Compartment) error {
	zones := map[agent.ZoneID]bool{}
	for _, c := range list {
		if err := agent.CheckID(string(c.Zone)); err != nil {
			return fmt.Errorf("compartment: zone %w", err)
		}
		if zones[c.Zone] {
			return fmt.Errorf("compartment %s: %w", c.Zone, ErrZoneTwice)
		}
		zones[c.Zone] = true
	}
	return nil
}

func fill(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}
