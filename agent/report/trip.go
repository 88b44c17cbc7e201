package report

import (
	"slices"
	"time"

	"github.com/frostline/frostline/agent"
)

// Trip is a trip as its events tell it.
type Trip struct {
	ID           agent.TripID            `json:"id"`
	Shipment     string                  `json:"shipment,omitempty"`
	Carrier      string                  `json:"carrier,omitempty"`
	Lane         string                  `json:"lane,omitempty"`
	Vehicle      string                  `json:"vehicle,omitempty"`
	Seal         string                  `json:"seal,omitempty"`
	Started      time.Time               `json:"started,omitzero"`
	Departed     time.Time               `json:"departed,omitzero"` // for the first time
	Ended        time.Time               `json:"ended,omitzero"`
	Open         bool                    `json:"open"`                   // it has not ended
	Compartments []agent.TripCompartment `json:"compartments"`           // when it opened
	AtDeparture  []agent.TripCompartment `json:"at_departure,omitempty"` // at the newest departure that had to be ready, with their state
	Unready      bool                    `json:"unready"`                // it departed before every compartment was in range
	CorridorM    int64                   `json:"corridor_m,omitempty"`
	Stops        []TripStop              `json:"stops"`
	Phases       []TripPhase             `json:"phases"`
	Deviations   List[Deviation]         `json:"deviations"`
	Events       List[TripStep]          `json:"events"`
	Missing      int64                   `json:"missing,omitempty"` // its events that are not on record
}

// TripStop is a planned stop and what became of it.
type TripStop struct {
	agent.TripStop
	Reached time.Time `json:"reached,omitzero"`
	LateS   int64     `json:"late_s,omitempty"` // when it was reached; negative before its time
	Skipped bool      `json:"skipped,omitempty"`
}

// TripPhase is a time that the trip spent in a phase.
type TripPhase struct {
	Phase agent.TripPhase `json:"phase"`
	From  time.Time       `json:"from,omitzero"`
	To    time.Time       `json:"to,omitzero"`
	S     *float64        `json:"s,omitempty"` // its length; absent where it lasts or is not known
}

// Deviation is one time for which the plan was left.
type Deviation struct {
	Deviation agent.TripDeviation `json:"deviation"`
	Stop      string              `json:"stop,omitempty"`
	From      time.Time           `json:"from,omitzero"` // when level 1 was reached
	To        time.Time           `json:"to,omitzero"`   // absent where it did not end
	Over      bool                `json:"over"`
	Level     int                 `json:"level"` // the highest
	LateS     int64               `json:"late_s,omitempty"`
	DistanceM int64               `json:"distance_m,omitempty"` // the farthest that was told
}

// TripStep is an event of the trip.
type TripStep struct {
	T time.Time `json:"t,omitzero"`
	agent.TripEvent
}

// journey puts a trip together.
type journey struct {
	trip  Trip
	most  int
	n     int64         // number of its newest event
	since agent.Instant // of the newest phase
}

// add takes an event of the trip; those of an older trip of the same id are forgotten.
func (j *journey) add(at agent.Instant, e *agent.TripEvent) {
	if e.Transition == agent.TripStarted {
		*j = journey{most: j.most}
	}
	t := &j.trip
	t.ID, t.Open = e.ID, e.Transition != agent.TripEnded
	t.Missing += max(0, e.N-j.n-1)
	j.n = max(j.n, e.N)
	t.Events.add(TripStep{T: wall(at), TripEvent: *e}, j.most)
	j.phase(at, e)
	switch e.Transition {
	case agent.TripStarted:
		t.Started = wall(at)
		t.Shipment, t.Carrier, t.Lane, t.Vehicle, t.Seal = e.Shipment, e.Carrier, e.Lane, e.Vehicle, e.Seal
		t.Compartments, t.CorridorM = e.Compartments, e.CorridorM
		for _, s := range e.Stops {
			t.Stops = append(t.Stops, TripStop{TripStop: s})
		}
	case agent.TripDeparted:
		if t.Departed.IsZero() {
			t.Departed = wall(at)
		}
		if len(e.Compartments) > 0 {
			t.AtDeparture = e.Compartments
		}
	case agent.TripUnready:
		t.Unready = true
	case agent.TripArrived, agent.TripSkipped:
		j.stop(at, e)
	case agent.TripDeviated, agent.TripRecovered:
		j.deviation(at, e)
	case agent.TripEnded:
		t.Ended = wall(at)
	}
}

func (j *journey) phase(at agent.Instant, e *agent.TripEvent) {
	t := &j.trip
	last := len(t.Phases) - 1
	if last >= 0 && t.Phases[last].Phase == e.Phase {
		return
	}
	if last >= 0 {
		t.Phases[last].To = wall(at)
		if d, ok := at.Sub(j.since); ok {
			s := d.Seconds()
			t.Phases[last].S = &s
		}
	}
	if e.Phase != agent.PhaseNone && len(t.Phases) < j.most {
		t.Phases = append(t.Phases, TripPhase{Phase: e.Phase, From: wall(at)})
		j.since = at
	}
}

func (j *journey) stop(at agent.Instant, e *agent.TripEvent) {
	i := slices.IndexFunc(j.trip.Stops, func(s TripStop) bool { return s.Name == e.Stop })
	if i < 0 {
		return
	}
	s := &j.trip.Stops[i]
	if s.Skipped = e.Transition == agent.TripSkipped; !s.Skipped {
		s.Reached, s.LateS = wall(at), e.LateS
	}
}

func (j *journey) deviation(at agent.Instant, e *agent.TripEvent) {
	d := &j.trip.Deviations
	for i := len(d.Items) - 1; i >= 0; i-- {
		one := &d.Items[i]
		if one.Over || one.Deviation != e.Deviation || one.Stop != e.Stop {
			continue
		}
		one.Level = max(one.Level, e.Level)
		one.LateS, one.DistanceM = max(one.LateS, e.LateS), max(one.DistanceM, e.DistanceM)
		if e.Transition == agent.TripRecovered {
			one.To, one.Over = wall(at), true
		}
		return
	}
	if e.Transition == agent.TripDeviated {
		d.add(Deviation{Deviation: e.Deviation, Stop: e.Stop, From: wall(at), Level: e.Level, LateS: e.LateS, DistanceM: e.DistanceM}, j.most)
	}
}

// report is the trip as it was told; nil if it was not told of.
func (j *journey) report() *Trip {
	if j.n == 0 {
		return nil
	}
	t := j.trip
	if t.Compartments == nil {
		t.Compartments = []agent.TripCompartment{}
	}
	if t.Stops == nil {
		t.Stops = []TripStop{}
	}
	if t.Phases == nil {
		t.Phases = []TripPhase{}
	}
	return &t
}

// follow lets the limits know what became of the gateway's trip: those of transit hold while it
// is under way, and totals within a trip begin with it.
func (b *Builder) follow(at agent.Instant, e *agent.TripEvent) {
	b.transit = e.Phase == agent.PhaseUnderWay
	for _, t := range b.tracks {
		t.travel(at, e.Transition == agent.TripStarted)
	}
}
