package trip

import (
	"errors"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// Engine keeps the one trip of a gateway. It is not safe for concurrent use: its one caller is
// the writer, which commits what a step brings about together with its cause.
type Engine struct {
	setup  Setup
	lanes  map[string]*Lane
	points map[agent.PointID]Point
	zones  map[agent.ZoneID]bool // of any compartment a trip may have
	line   timeline.Line
	anchor anchor

	open    *trip
	counter int64          // of trips that were opened
	used    []agent.TripID // of the newest trips, open or not
	watches []watch        // of the triggers, in their order
	acted   sighting
	temps   map[agent.PointID]sample
	half    half
	pos     position

	events []agent.Event
}

// trip is the open trip.
type trip struct {
	ID           agent.TripID     `json:"id"`
	N            int64            `json:"n"`
	Phase        agent.TripPhase  `json:"phase"`
	Shipment     string           `json:"shipment,omitempty"`
	Carrier      string           `json:"carrier,omitempty"`
	Lane         string           `json:"lane,omitempty"`
	Vehicle      string           `json:"vehicle,omitempty"`
	Seal         string           `json:"seal,omitempty"`
	Compartments []Compartment    `json:"compartments,omitempty"`
	Stops        []stop           `json:"stops,omitempty"`
	Started      timeline.Instant `json:"started"`
	Departed     timeline.Moment  `json:"departed,omitempty"` // the first departure; 0 before it
	LateLevel    int              `json:"late_level,omitempty"`
	OffLevel     int              `json:"off_level,omitempty"`
	Off          held             `json:"off,omitzero"`
	Distance     int64            `json:"distance,omitempty"` // metres from the corridor's line at the newest fix
	Near         string           `json:"near,omitempty"`     // a later stop at which the vehicle may be
	NearHeld     held             `json:"near_held,omitzero"`
}

// stop is a planned stop of the open trip.
type stop struct {
	Stop
	Reached timeline.Moment `json:",omitempty"` // 0 before that
	Skipped bool            `json:",omitempty"`
}

// sample is the newest value of a point.
type sample struct {
	Value agent.Value     `json:"v"`
	OK    bool            `json:"ok,omitempty"`
	At    timeline.Moment `json:"at"`
	Until timeline.Moment `json:"until"`
}

// sighting is the newest code that a trigger acted on.
type sighting struct {
	Reader agent.ReaderID  `json:"reader,omitempty"`
	Code   []byte          `json:"code,omitempty"` // bytes: a code need not be text
	At     timeline.Moment `json:"at,omitempty"`
}

// anchor relates the wall clock, when it was most trusted, to the line.
type anchor struct {
	At    timeline.Moment  `json:"at,omitempty"`
	Wall  time.Time        `json:"wall,omitzero"`
	Trust agent.ClockTrust `json:"trust"`
}

// Input is what an engine is stepped with: an instant, and at most one thing that came in then.
type Input struct {
	At agent.Instant
	// Start says that the agent starts at At and was not running since the last step.
	// The first instant of a new boot implies it.
	Start      bool
	Reading    *agent.Reading
	Definition *agent.Definition // of the reading; not nil if Reading is not
	Scan       *agent.Scan
	Position   *Position // of a source that makes no readings of latitude and longitude
}

// Output is what a step brought about.
type Output struct {
	Events []agent.Event // of kind trip, in the order in which they happened
	Next   time.Duration // Instant.Mono of the present boot at which to step without input; 0 for never
}

// New makes an engine without a trip. The error joins everything that is wrong.
func New(s Setup) (*Engine, error) {
	s = s.clone()
	err := s.check()
	e := &Engine{
		setup: s, lanes: map[string]*Lane{}, points: map[agent.PointID]Point{}, zones: map[agent.ZoneID]bool{},
		watches: make([]watch, len(s.Triggers)), temps: map[agent.PointID]sample{},
	}
	if e.setup.Repeat == 0 {
		e.setup.Repeat = DefaultRepeat
	}
	for i := range e.setup.Lanes {
		e.lanes[s.Lanes[i].ID] = &e.setup.Lanes[i]
	}
	for _, p := range s.Points {
		e.points[p.Point] = p
		if p.Quantity == agent.Temperature && p.Zone != "" {
			e.zones[p.Zone] = true
		}
	}
	return e, err
}

// clone copies what check fills in, so that the caller's setup stays as it is.
func (s Setup) clone() Setup {
	s.Lanes, s.Triggers = slices.Clone(s.Lanes), slices.Clone(s.Triggers)
	for i := range s.Lanes {
		l := &s.Lanes[i]
		l.Stops = cloneStops(l.Stops)
		if l.Corridor != nil {
			c := *l.Corridor
			l.Corridor = &c
		}
	}
	for i := range s.Triggers {
		s.Triggers[i].Place = s.Triggers[i].Place.clone()
	}
	return s
}

func (p *Place) clone() *Place {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func cloneStops(stops []Stop) []Stop {
	stops = slices.Clone(stops)
	for i := range stops {
		stops[i].Place = stops[i].Place.clone()
	}
	return stops
}

// Step runs everything that was due until in.At, then takes in. It never fails: what makes
// no sense changes nothing.
func (e *Engine) Step(in Input) Output {
	e.advance(in.At, in.Start)
	now := e.line.Now()
	switch {
	case in.Reading != nil && in.Definition != nil:
		e.reading(in.Reading, in.Definition, now)
	case in.Scan != nil:
		e.scanned(in.Scan, now)
	case in.Position != nil:
		e.fix(*in.Position, in.Position.until(now), now)
	}
	e.judge(now, false)
	return e.output()
}

// advance brings the engine to an instant.
func (e *Engine) advance(at agent.Instant, start bool) {
	x, rel := e.line.Place(at)
	gap := start || rel == timeline.FirstEver || rel == timeline.Rebooted || rel == timeline.Lost
	was := e.line.Now()
	if !gap {
		e.runDue(max(x, was))
	}
	e.line.Advance(at)
	e.fixAnchor(at, rel)
	if gap {
		e.blind(was)
		e.judge(e.line.Now(), true)
	}
}

// fixAnchor follows a clock that has become more trusted, and no other step of it.
func (e *Engine) fixAnchor(at agent.Instant, rel timeline.Relation) {
	if rel == timeline.Lost {
		e.anchor = anchor{}
	}
	if rel != timeline.Bygone && at.Trust > e.anchor.Trust {
		x, _ := e.line.Place(at)
		e.anchor = anchor{x, at.Wall, at.Trust}
	}
}

// blind ends what the samples before a time off say.
func (e *Engine) blind(at timeline.Moment) {
	for i := range e.watches {
		e.watches[i].Held.cut(at)
	}
	for id, s := range e.temps {
		s.Until = min(s.Until, at)
		e.temps[id] = s
	}
	e.pos.Until = min(e.pos.Until, at)
	e.half = half{}
	if e.open != nil {
		e.open.Off.cut(at)
		e.open.Near, e.open.NearHeld = "", held{}
	}
}

// runDue does what wants to be done until a moment, each at its own.
func (e *Engine) runDue(to timeline.Moment) {
	for last := timeline.Moment(-1); ; {
		next := e.due()
		if next == 0 || next > to || next <= last {
			return
		}
		last = next
		e.ripen(next)
		e.judge(next, false)
	}
}

// due is the next moment at which something happens without input; 0 for never.
func (e *Engine) due() timeline.Moment {
	next := timeline.Moment(0)
	earliest := func(m timeline.Moment) {
		if m > 0 && (next == 0 || m < next) {
			next = m
		}
	}
	for i := range e.setup.Triggers {
		t := &e.setup.Triggers[i]
		if w := &e.watches[i]; t.Point != "" && w.Armed {
			earliest(w.Held.due(timeline.Span(t.For)))
		}
	}
	earliest(e.lateDue())
	earliest(e.offDue())
	return next
}

func (e *Engine) output() Output {
	out := Output{Events: e.events}
	e.events = nil
	if next := e.due(); next > e.line.Now() {
		out.Next = e.line.Mono(next)
	}
	return out
}

// reading takes in a reading.
func (e *Engine) reading(r *agent.Reading, d *agent.Definition, now timeline.Moment) {
	at, rel := e.line.Place(r.At)
	if rel == timeline.Bygone {
		return
	}
	until := at + e.hold(d.Point)
	if until < now {
		return // too old to say anything
	}
	switch d.Quantity {
	case agent.Latitude, agent.Longitude:
		e.pair(r, d, at, until, now)
	case agent.Temperature:
		e.temperature(r, d, at, until)
	default:
	}
	e.contact(d, r, at, until, now)
}

// hold is for how long a sample of a point holds.
func (e *Engine) hold(id agent.PointID) timeline.Moment {
	return timeline.Span(max(leastHold, holdIntervals*e.points[id].Every))
}

// Errors of Start and Do.
var (
	ErrNobody  = errors.New("this needs a person's name")
	ErrOpen    = errors.New("a trip is open; a gateway has one at a time")
	ErrNoTrip  = errors.New("no trip is open")
	ErrPhase   = errors.New("not possible in this phase")
	ErrStop    = errors.New("no such stop is planned")
	ErrReached = errors.New("this stop was reached already")
	ErrUsed    = errors.New("there was a trip with this id")
	ErrZone    = errors.New("nothing is measured in this zone")
)
