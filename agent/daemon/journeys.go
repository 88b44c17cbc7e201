package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/config"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/excursion"
	"github.com/frostline/frostline/agent/trip"
)

// journeys are the trip engine and the excursion engine, stepped together behind the alarms:
// a case names the trip that is under way and the goods that are there. They are pure; the
// recorder guards them.
type journeys struct {
	trips *trip.Engine
	cases *excursion.Engine
	own   []trip.Compartment // of the config
	next  time.Duration      // the earliest of what both want; 0 for never
	drive bool               // the config speaks of trips
}

// newJourneys makes the engines of the config. goods lists the items in a zone.
func newJourneys(cfg *config.Config, goods func(agent.ZoneID) []agent.ItemID) (*journeys, error) {
	j := &journeys{}
	var err error
	trips := tripSetup(cfg)
	j.own, j.drive = trips.Compartments, cfg.Trip != nil
	if j.trips, err = trip.New(trips); err != nil {
		return nil, fmt.Errorf("daemon: trips: %w", err)
	}
	setup := excursion.Setup{
		// A rate of change warns of an excursion and is none.
		Kinds:  []string{"limit", "cooling", "mkt"},
		Causes: map[string]agent.ExcursionCause{"door-ajar": agent.CauseDoorOpen, "power-failure": agent.CausePowerFailed},
		Goods:  goods, Trip: j.trips.Trip,
	}
	for i := range cfg.Sensors {
		for _, p := range pointsOf(&cfg.Sensors[i]) {
			setup.Points = append(setup.Points, excursion.Point{Definition: p.Def, Every: cfg.Sensors[i].Every})
		}
	}
	j.cases = excursion.New(setup)
	return j, nil
}

func tripSetup(cfg *config.Config) trip.Setup {
	s := trip.Setup{Gateway: cfg.Gateway}
	for i := range cfg.Sensors {
		for _, p := range pointsOf(&cfg.Sensors[i]) {
			s.Points = append(s.Points, trip.Point{Definition: p.Def, Every: cfg.Sensors[i].Every})
		}
	}
	t := cfg.Trip
	if t == nil {
		return s
	}
	s.Vehicle, s.Carrier, s.Lane, s.First, s.Repeat = t.Vehicle, t.Carrier, t.Lane, t.First, t.Repeat
	s.Levels = trip.Levels{Late: t.Levels.Late, Off: t.Levels.Off, Every: t.Levels.Every, Highest: t.Levels.Highest}
	for _, c := range t.Compartments {
		one := trip.Compartment{Zone: c.Zone, Profile: c.Profile}
		if c.Low != nil || c.High != nil {
			one.Range = &trip.Range{Low: c.Low, High: c.High}
		}
		s.Compartments = append(s.Compartments, one)
	}
	for _, of := range []struct {
		do   trip.Verb
		list []config.Trigger
	}{{trip.Start, t.Start}, {trip.Load, t.Load}, {trip.Depart, t.Depart}, {trip.Unload, t.Unload}, {trip.End, t.End}} {
		for i := range of.list {
			s.Triggers = append(s.Triggers, triggerOf(of.do, &of.list[i]))
		}
	}
	for i := range t.Lanes {
		s.Lanes = append(s.Lanes, laneOf(&t.Lanes[i]))
	}
	return s
}

func triggerOf(do trip.Verb, t *config.Trigger) trip.Trigger {
	out := trip.Trigger{Do: do, Code: t.Code, Reader: t.Reader, Point: t.Point, Is: t.Is, For: t.For, Place: placeOf(t.Enter)}
	if t.Leave != nil {
		out.Place, out.Leave = placeOf(t.Leave), true
	}
	return out
}

func placeOf(p *config.Place) *trip.Place {
	if p == nil {
		return nil
	}
	return &trip.Place{Name: p.Name, Spot: trip.Spot{Lat: p.Lat, Lon: p.Lon}, Radius: p.Radius}
}

func laneOf(l *config.Lane) trip.Lane {
	out := trip.Lane{ID: l.ID, Carrier: l.Carrier}
	if l.Corridor != nil {
		out.Corridor = &trip.Corridor{Width: l.Corridor.Width}
		for _, p := range l.Corridor.Line {
			out.Corridor.Line = append(out.Corridor.Line, trip.Spot{Lat: p.Lat, Lon: p.Lon})
		}
	}
	for _, s := range l.Stops {
		one := trip.Stop{Name: s.Name, After: s.After}
		if s.Lat != nil && s.Lon != nil {
			one.Place = &trip.Place{Name: s.Name, Spot: trip.Spot{Lat: *s.Lat, Lon: *s.Lon}, Radius: s.Radius}
		}
		out.Stops = append(out.Stops, one)
	}
	return out
}

// step follows one step of the alarms: what they said, in its order, and then what they were
// stepped with. scan is set for the step of a scan.
func (j *journeys) step(in alarm.Input, said []agent.Event, scan *agent.Scan) []agent.Event {
	if len(said) == 0 && scan == nil && in.Reading != nil && !in.Start && j.idle(in.Definition) {
		return nil
	}
	t := j.trips.Step(trip.Input{At: in.At, Start: in.Start, Reading: in.Reading, Definition: in.Definition, Scan: scan})
	events := t.Events
	for i := range said {
		if a := said[i].Alarm; a != nil {
			events = append(events, j.cases.Step(excursion.Input{At: said[i].At, Start: in.Start && i == 0, Alarm: a}).Events...)
		}
	}
	c := j.cases.Step(excursion.Input{At: in.At, Start: in.Start && len(said) == 0, Reading: in.Reading, Definition: in.Definition})
	j.next = earliest(t.Next, c.Next)
	return append(events, c.Events...)
}

// disarmed lets cases follow alarms that have ended because the trip went on, and not because
// anything returned: nobody sees how those cases end.
func (j *journeys) disarmed(said []agent.Event) []agent.Event {
	var events []agent.Event
	for i := range said {
		if said[i].Alarm == nil {
			continue
		}
		blind := *said[i].Alarm
		blind.Transition, blind.By = agent.OutOfService, ""
		out := j.cases.Step(excursion.Input{At: said[i].At, Alarm: &blind})
		events = append(events, out.Events...)
		j.next = earliest(j.next, out.Next)
	}
	return events
}

// idle reports whether a reading can be of no interest: no trip is open and none can begin by
// it, no case is open, and it is no state, which would name the cause of one.
func (j *journeys) idle(d *agent.Definition) bool {
	return !j.drive && j.next == 0 && j.cases.Idle() && j.trips.Trip() == "" && d.Quantity.Kind() != agent.State
}

// earliest is the earlier of two instants of which 0 is never.
func earliest(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// reconcile ends what belongs to alarms that are open no more, after a start.
func (j *journeys) reconcile(now agent.Instant, open []alarm.Status) []agent.Event {
	ids := make(map[agent.AlarmEventID]bool, len(open))
	for i := range open {
		ids[open[i].ID] = true
	}
	return j.cases.Reconcile(now, func(id agent.AlarmEventID) bool { return ids[id] }).Events
}

// relive repeats what a person did, from its record.
func (j *journeys) relive(e *agent.Event) []agent.Event {
	t, c := j.trips.Relive(e), j.cases.Relive(e)
	return append(t.Events, c.Events...)
}

type savedJourneys struct {
	Trips json.RawMessage `json:"trips"`
	Cases json.RawMessage `json:"cases"`
}

func (j *journeys) state() ([]byte, error) {
	trips, err := j.trips.State()
	if err != nil {
		return nil, err
	}
	cases, err := j.cases.State()
	if err != nil {
		return nil, err
	}
	return json.Marshal(savedJourneys{trips, cases})
}

// restore makes new engines go on. A state without them, of an older version, is one that
// knows nothing.
func (j *journeys) restore(blob []byte) error {
	if len(blob) == 0 {
		return nil
	}
	var s savedJourneys
	if err := json.Unmarshal(blob, &s); err != nil {
		return fmt.Errorf("daemon: state of trips and excursions: %w", err)
	}
	return errors.Join(j.trips.Restore(s.Trips), j.cases.Restore(s.Cases))
}

// open is the open trip for people; nil if there is none.
func (j *journeys) open() *control.Trip {
	s, ok := j.trips.Open()
	if !ok {
		return nil
	}
	t := &control.Trip{
		ID: s.ID, Phase: s.Phase, Transit: s.Transit, Shipment: s.Shipment, Carrier: s.Carrier, Lane: s.Lane, Vehicle: s.Vehicle,
		Seal: s.Seal, Started: s.Started.Wall, Departed: s.Departed, Compartments: s.Compartments, LateLevel: s.LateLevel,
		OffLevel: s.OffLevel, DistanceM: s.DistanceM,
	}
	if s.Spot != nil {
		t.Lat, t.Lon = &s.Spot.Lat, &s.Spot.Lon
	}
	for _, p := range s.Stops {
		t.Stops = append(t.Stops, control.TripStop{TripStop: p.TripStop, Due: p.Due, Reached: p.Reached, Skipped: p.Skipped})
	}
	for _, v := range s.Next {
		t.Next = append(t.Next, string(v))
	}
	return t
}

// start opens a trip by a person. profiles are those that the person can name.
func (j *journeys) start(now agent.Instant, who control.Person, r control.TripStart, profiles config.Profiles) ([]agent.Event, error) {
	p := trip.Plan{
		ID: r.ID, Shipment: r.Shipment, Carrier: r.Carrier, Lane: r.Lane, Vehicle: r.Vehicle, Seal: r.Seal, Phase: r.Phase,
	}
	for _, c := range r.Compartments {
		one := trip.Compartment{Zone: c.Zone, Profile: c.Profile}
		tightened := slices.ContainsFunc(j.own, func(o trip.Compartment) bool { return o.Zone == c.Zone && o.Profile == c.Profile })
		if c.Profile != "" && !tightened {
			known, err := profiles.Profile(c.Profile)
			if err != nil {
				return nil, fmt.Errorf("%w: compartment %s: %w", control.ErrUsage, c.Zone, err)
			}
			low, high := config.NormalRange(known.Limits)
			one.Range = &trip.Range{Low: low, High: high}
		}
		p.Compartments = append(p.Compartments, one)
	}
	for _, s := range r.Stops {
		one := trip.Stop{Name: s.Name, Due: s.Due, After: time.Duration(s.AfterS) * time.Second}
		if s.Lat != nil && s.Lon != nil {
			one.Place = &trip.Place{Name: s.Name, Spot: trip.Spot{Lat: *s.Lat, Lon: *s.Lon}, Radius: s.RadiusM}
		}
		p.Stops = append(p.Stops, one)
	}
	out, err := j.trips.Start(now, p, trip.Person{Name: who.Name, UID: who.UID}, r.Comment)
	j.next = earliest(out.Next, j.next)
	return out.Events, usageOf(err)
}

// do is a person's act on the open trip.
func (j *journeys) do(now agent.Instant, who control.Person, r control.TripOrder) ([]agent.Event, error) {
	out, err := j.trips.Do(now, trip.Order{Do: trip.Verb(r.Do), Stop: r.Stop, Comment: r.Comment}, trip.Person{Name: who.Name, UID: who.UID})
	j.next = earliest(out.Next, j.next)
	return out.Events, usageOf(err)
}

// decide is a person's act on a case, by what the config says of the person's roles.
func (j *journeys) decide(now agent.Instant, who control.Person, roles []string, r control.CaseOrder) ([]agent.Event, error) {
	p := excursion.Person{Name: who.Name, UID: who.UID, Roles: roles}
	var out excursion.Output
	var err error
	switch r.Do {
	case "cause":
		out, err = j.cases.Name(now, r.ID, r.Cause, p, r.Comment)
	case "evaluate":
		out, err = j.cases.Evaluate(now, r.ID, r.Evaluation, p)
	case "dispose":
		out, err = j.cases.Dispose(now, r.ID, r.Disposition, p, r.Comment)
	default:
		err = fmt.Errorf("%q: want cause, evaluate or dispose", r.Do)
	}
	j.next = earliest(out.Next, j.next)
	if errors.Is(err, excursion.ErrRole) {
		return out.Events, fmt.Errorf("%w: %w", control.ErrNotPermitted, err)
	}
	return out.Events, usageOf(err)
}

// usageOf marks an error of an engine as the caller's fault: they have no other.
func usageOf(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", control.ErrUsage, err)
}
