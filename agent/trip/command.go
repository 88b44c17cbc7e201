package trip

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// Person is who does something.
type Person struct {
	Name string
	UID  int // of the peer on the control socket
}

// sign puts a person's name under an event.
func (p Person) sign(ev *agent.TripEvent, comment string) {
	if p.Name == "" {
		return
	}
	uid := p.UID
	ev.By, ev.UID, ev.Comment = p.Name, &uid, comment
}

// Plan is what a person knows of a trip when it opens. What is empty is the config's.
type Plan struct {
	ID           agent.TripID // derived from gateway and time if empty
	Shipment     string
	Carrier      string
	Lane         string
	Vehicle      string
	Seal         string
	Compartments []Compartment   // in place of the config's
	Stops        []Stop          // in place of the lane's
	Phase        agent.TripPhase // to begin with; pre-cool if empty
}

// Order is something a person does with the open trip.
type Order struct {
	Do      Verb
	Stop    string // the planned stop, with Arrive; the next one if empty
	Comment string
}

// cause is who or what does something.
type cause struct {
	what   agent.TripCause
	source string
}

var person = cause{what: agent.CausePerson}

// Start opens a trip. On an error nothing has changed but the time.
func (e *Engine) Start(at agent.Instant, p Plan, who Person, comment string) (Output, error) {
	before := e.Step(Input{At: at})
	p, who, comment, err := e.fill(p, who, comment)
	if err != nil {
		return before, err
	}
	e.begin(p, person, e.line.Now(), who, comment)
	return e.after(before), nil
}

// after judges what a person's act brought about, and joins it to what the time brought.
func (e *Engine) after(before Output) Output {
	e.judge(e.line.Now(), false)
	return join(before, e.output())
}

// Do is a person's act on the open trip. On an error nothing has changed but the time.
func (e *Engine) Do(at agent.Instant, o Order, who Person) (Output, error) {
	before := e.Step(Input{At: at})
	who, comment, err := checkPerson(who, o.Comment)
	if err != nil {
		return before, err
	}
	if e.open == nil {
		return before, ErrNoTrip
	}
	if !e.can(o.Do) {
		return before, fmt.Errorf("%s: %w: the trip %s is in %s", o.Do, ErrPhase, e.open.ID, e.open.Phase)
	}
	now := e.line.Now()
	if o.Do != Arrive {
		e.move(o.Do, person, now, who, comment)
		return e.after(before), nil
	}
	s, err := e.planned(o.Stop)
	if err != nil {
		return before, err
	}
	e.arrive(s, person, now, who, comment)
	return e.after(before), nil
}

// planned is the stop of that name, or the next one.
func (e *Engine) planned(name string) (*stop, error) {
	if name == "" {
		if s := e.open.next(); s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("the next one: %w", ErrStop)
	}
	for i := range e.open.Stops {
		s := &e.open.Stops[i]
		if s.Name != name {
			continue
		}
		if s.Reached != 0 {
			return nil, fmt.Errorf("%s: %w", name, ErrReached)
		}
		return s, nil
	}
	return nil, fmt.Errorf("%s: %w", name, ErrStop)
}

// can reports whether a verb is possible now.
func (e *Engine) can(v Verb) bool {
	if e.open == nil {
		return v == Start
	}
	_, ok := phases[e.open.Phase][v]
	return ok && (v != Arrive || e.open.Departed != 0)
}

// act is what a trigger does; the caller has asked can.
func (e *Engine) act(v Verb, by cause, now timeline.Moment, p Plan) {
	if v != Start {
		e.move(v, by, now, Person{}, "")
		return
	}
	p.Phase = e.setup.First
	if len(p.Shipment) > MaxText {
		p.Shipment = p.Shipment[:MaxText]
	}
	e.begin(e.defaults(p), by, now, Person{}, "")
}

// fill completes and checks a person's plan.
func (e *Engine) fill(p Plan, who Person, comment string) (Plan, Person, string, error) {
	who, comment, err := checkPerson(who, comment)
	switch {
	case err != nil:
		return p, who, comment, err
	case e.open != nil:
		return p, who, comment, fmt.Errorf("%w: %s", ErrOpen, e.open.ID)
	}
	var errs []error
	if p.Lane != "" && e.lanes[p.Lane] == nil {
		errs = append(errs, fmt.Errorf("lane %q: %w", p.Lane, ErrLane))
	}
	if p.ID != "" {
		if err := agent.CheckID(string(p.ID)); err != nil {
			errs = append(errs, err)
		} else if slices.Contains(e.used, p.ID) {
			errs = append(errs, fmt.Errorf("%s: %w", p.ID, ErrUsed))
		}
	}
	switch p.Phase {
	case "":
		p.Phase = agent.PhasePreCool
	case agent.PhasePreCool, agent.PhaseLoading, agent.PhaseUnderWay:
	default:
		errs = append(errs, fmt.Errorf("%q: %w", p.Phase, ErrFirstPhase))
	}
	for _, text := range []string{p.Shipment, p.Carrier, p.Vehicle, p.Seal} {
		if len(text) > MaxText {
			errs = append(errs, ErrText)
		}
	}
	p.Stops = cloneStops(p.Stops)
	errs = append(errs, checkStops(p.Stops), checkCompartments(p.Compartments))
	for _, c := range p.Compartments {
		if !e.zones[c.Zone] {
			errs = append(errs, fmt.Errorf("compartment %s: %w", c.Zone, ErrZone))
		}
	}
	return e.defaults(p), who, comment, errors.Join(errs...)
}

func checkPerson(who Person, comment string) (Person, string, error) {
	who.Name, comment = strings.TrimSpace(who.Name), strings.TrimSpace(comment)
	switch {
	case who.Name == "":
		return who, comment, ErrNobody
	case len(who.Name) > MaxText:
		return who, comment, ErrText
	case len(comment) > MaxComment:
		return who, comment, fmt.Errorf("a comment of more than %d bytes", MaxComment)
	}
	return who, comment, nil
}

// defaults takes what the plan leaves open from the config.
func (e *Engine) defaults(p Plan) Plan {
	or(&p.Lane, e.setup.Lane)
	if l := e.lanes[p.Lane]; l != nil {
		or(&p.Carrier, l.Carrier)
		if len(p.Stops) == 0 {
			p.Stops = cloneStops(l.Stops)
		}
	}
	or(&p.Carrier, e.setup.Carrier)
	or(&p.Vehicle, e.setup.Vehicle)
	if len(p.Compartments) == 0 {
		p.Compartments = e.setup.Compartments
	}
	p.Compartments = slices.Clone(p.Compartments)
	for i := range p.Compartments {
		if c := &p.Compartments[i]; c.Range == nil {
			c.Range = e.rangeOf(*c)
		}
	}
	return p
}

// rangeOf is the range that the config has for a compartment, or its profile.
func (e *Engine) rangeOf(c Compartment) *Range {
	for _, own := range e.setup.Compartments {
		if own.Range != nil && own.Zone == c.Zone && own.Profile == c.Profile {
			return own.Range
		}
	}
	if r, ok := e.setup.Profiles[c.Profile]; ok {
		return &r
	}
	return nil
}

func or(text *string, def string) {
	if *text == "" {
		*text = def
	}
}

// begin opens a trip.
func (e *Engine) begin(p Plan, by cause, now timeline.Moment, who Person, comment string) {
	e.counter++
	at := e.line.Instant(now)
	if at.Trust != agent.ClockUnset && at.Trust >= e.anchor.Trust {
		e.anchor = anchor{now, at.Wall, at.Trust} // the plan was made by this clock
	}
	if p.ID == "" {
		p.ID = e.newID(at)
	}
	if e.used = append(e.used, p.ID); len(e.used) > maxRemember {
		e.used = slices.Clone(e.used[1:])
	}
	t := &trip{
		ID: p.ID, Phase: p.Phase, Shipment: p.Shipment, Carrier: p.Carrier, Lane: p.Lane, Vehicle: p.Vehicle, Seal: p.Seal,
		Compartments: p.Compartments, Started: timeline.Save(at),
	}
	for _, s := range p.Stops {
		t.Stops = append(t.Stops, stop{Stop: s})
	}
	first := t.Phase
	if first == agent.PhaseUnderWay {
		t.Phase = agent.PhaseLoading
	}
	e.open = t
	ev := e.event(agent.TripStarted, by, now)
	ev.Phase = t.Phase
	ev.Shipment, ev.Carrier, ev.Lane, ev.Vehicle, ev.Seal = t.Shipment, t.Carrier, t.Lane, t.Vehicle, t.Seal
	for i := range t.Compartments {
		ev.Compartments = append(ev.Compartments, t.Compartments[i].noun())
	}
	for _, s := range p.Stops {
		ev.Stops = append(ev.Stops, s.noun())
	}
	if c := e.corridor(); c != nil {
		ev.CorridorM = c.Width
	}
	who.sign(ev, comment)
	e.emit(ev, now)
	if first == agent.PhaseUnderWay {
		e.move(Depart, by, now, who, comment)
	}
}

// newID is "<gateway>-<UTC start>-<number>", or "<gateway>-<boot>-<number>" where the time is
// not known.
func (e *Engine) newID(at agent.Instant) agent.TripID {
	gateway := strings.TrimRight(string(e.setup.Gateway[:min(len(e.setup.Gateway), 32)]), "-_")
	if agent.CheckID(gateway) != nil {
		gateway = "trip"
	}
	start := at.Boot.String()[:8]
	if at.Trust != agent.ClockUnset {
		start = strings.ToLower(at.Wall.UTC().Format("20060102t150405z"))
	}
	return agent.TripID(gateway + "-" + start + "-" + strconv.FormatInt(e.counter, 10))
}

// move brings the open trip to another phase; the caller has asked can.
func (e *Engine) move(v Verb, by cause, now timeline.Moment, who Person, comment string) {
	t := e.open
	was := t.Phase
	t.Phase = phases[was][v]
	if t.Phase != agent.PhaseUnderWay && v != End {
		e.onCorridor(now)
	}
	ev := e.event(transitions[v], by, now)
	who.sign(ev, comment)
	if v == Depart && t.Departed == 0 {
		t.Departed = now
	}
	checks := v == Depart && was != agent.PhaseUnloading
	if checks {
		ev.Compartments = e.ready(now)
	}
	e.emit(ev, now)
	if checks {
		e.unready(ev.Compartments, now)
	}
	if v == End {
		e.open = nil
	}
}

// unready says that the trip departed before every compartment was in range.
func (e *Engine) unready(all []agent.TripCompartment, now timeline.Moment) {
	var bad []agent.TripCompartment
	for _, c := range all {
		if c.State != "" && c.State != agent.CompartmentInRange {
			bad = append(bad, c)
		}
	}
	if len(bad) == 0 {
		return
	}
	ev := e.event(agent.TripUnready, cause{what: agent.CausePlan}, now)
	ev.Compartments = bad
	e.emit(ev, now)
}

// event is the next event of the open trip.
func (e *Engine) event(t agent.TripTransition, by cause, now timeline.Moment) *agent.TripEvent {
	ev := &agent.TripEvent{ID: e.open.ID, Transition: t, Phase: e.open.Phase, Cause: by.what, Source: by.source}
	if at, ok := e.where(now); ok {
		ev.Lat, ev.Lon = &at.Lat, &at.Lon
	}
	return ev
}

func (e *Engine) emit(ev *agent.TripEvent, now timeline.Moment) {
	e.open.N++
	ev.N = e.open.N
	ev.Message = message(ev)
	e.events = append(e.events, agent.Event{At: e.line.Instant(now), Kind: agent.EventTrip, Trip: ev})
}

// noun is the compartment as events and lists have it.
func (c *Compartment) noun() agent.TripCompartment {
	out := agent.TripCompartment{Zone: c.Zone, Profile: c.Profile}
	if c.Range != nil {
		out.Low, out.High = c.Range.Low, c.Range.High
	}
	return out
}

// noun is the stop as events and lists have it.
func (s *Stop) noun() agent.TripStop {
	out := agent.TripStop{Name: s.Name, Due: s.Due}
	if s.Due.IsZero() {
		out.AfterS = int64(s.After.Seconds())
	}
	if s.Place != nil {
		lat, lon := s.Place.Lat, s.Place.Lon
		out.Lat, out.Lon, out.RadiusM = &lat, &lon, s.Place.Radius
	}
	return out
}
