package report

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// TripSpan is where a trip stands in the sequence.
type TripSpan struct {
	ID           agent.TripID
	Shipment     string
	Vehicle      string
	Compartments []agent.TripCompartment
	First, Last  agent.Position // its first and its newest event
	Started      time.Time      // zero where unknown
	Ended        time.Time      // zero where unknown, or while it is open
	Open         bool
	Stepped      bool // the wall clock was set while it lasted: its times do not bound it
}

// smallStep is a step of the clock, in ms, that moves no record into or out of a trip: less than
// the interval of most sensors.
const smallStep = 10_000

// Trips finds the trips in a stream of records. Its zero value is ready.
type Trips struct {
	list []TripSpan
	open bool // the newest has not ended
}

// Add takes a record. Records come in the order of their positions.
func (t *Trips) Add(r *agent.Record) {
	if r.Type != agent.TypeEvent {
		return
	}
	if c := r.Event.Clock; c != nil && t.open && max(c.OldOffset-c.NewOffset, c.NewOffset-c.OldOffset) > smallStep {
		t.list[len(t.list)-1].Stepped = true
	}
	e := r.Event.Trip
	if e == nil {
		return
	}
	newest := len(t.list) - 1
	if e.Transition == agent.TripStarted || newest < 0 || t.list[newest].ID != e.ID {
		t.list = append(t.list, TripSpan{
			ID: e.ID, Shipment: e.Shipment, Vehicle: e.Vehicle, Compartments: e.Compartments, First: r.Position, Started: wall(r.Event.At),
		})
		newest++
	}
	s := &t.list[newest]
	s.Last = r.Position
	t.open = e.Transition != agent.TripEnded
	s.Open = t.open
	if !t.open {
		s.Ended = wall(r.Event.At)
	}
}

// All are the trips, oldest first.
func (t *Trips) All() []TripSpan { return t.list }

// Find is the newest trip of that id; "last" or nothing is the newest of all. Only those count
// that were open at some time from from until before to; zero is no bound.
func (t *Trips) Find(id string, from, to time.Time) (TripSpan, bool) {
	for i := len(t.list) - 1; i >= 0; i-- {
		s := t.list[i]
		if id != "" && id != "last" && id != string(s.ID) {
			continue
		}
		if s.overlaps(from, to) {
			return s, true
		}
	}
	return TripSpan{}, false
}

func (s *TripSpan) overlaps(from, to time.Time) bool {
	early := !from.IsZero() && !s.Open && (s.Ended.IsZero() || s.Ended.Before(from))
	late := !to.IsZero() && (s.Started.IsZero() || !s.Started.Before(to))
	return !early && !late
}
