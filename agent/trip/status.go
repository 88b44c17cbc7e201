package trip

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// Status is the open trip as it stands.
type Status struct {
	ID           agent.TripID
	Phase        agent.TripPhase
	Shipment     string
	Carrier      string
	Lane         string
	Vehicle      string
	Seal         string
	Started      agent.Instant
	Departed     time.Time               // the first departure; zero before it, or where the time is not known
	Transit      bool                    // transit rules hold
	Compartments []agent.TripCompartment // as they are now
	Stops        []StopStatus
	LateLevel    int
	OffLevel     int
	Spot         *Spot // nil where the position is not known
	DistanceM    int64 // from the corridor's line at the newest fix
	Next         []Verb
}

// StopStatus is a planned stop as it stands.
type StopStatus struct {
	agent.TripStop
	Due     time.Time // on the present clock; zero where it is not known yet
	Reached time.Time // zero before that
	Skipped bool
}

// Open is the open trip; ok is false if there is none.
func (e *Engine) Open() (s Status, ok bool) {
	t := e.open
	if t == nil {
		return Status{Phase: agent.PhaseNone}, false
	}
	now := e.line.Now()
	s = Status{
		ID: t.ID, Phase: t.Phase, Shipment: t.Shipment, Carrier: t.Carrier, Lane: t.Lane, Vehicle: t.Vehicle, Seal: t.Seal,
		Started: t.Started.Instant(), Transit: t.Phase == agent.PhaseUnderWay, Compartments: e.ready(now),
		LateLevel: t.LateLevel, OffLevel: t.OffLevel, DistanceM: t.Distance, Next: Allowed(t.Phase),
	}
	if t.Departed != 0 {
		s.Departed = e.line.Wall(t.Departed)
	}
	if at, known := e.where(now); known {
		s.Spot = &at
	}
	for i := range t.Stops {
		p := &t.Stops[i]
		line := StopStatus{TripStop: p.noun(), Skipped: p.Skipped}
		if due, known := e.dueAt(p); known {
			line.Due = e.line.Wall(due)
		}
		if p.Reached != 0 {
			line.Reached = e.line.Wall(p.Reached)
		}
		s.Stops = append(s.Stops, line)
	}
	return s, true
}

// Trip is the open trip's id; empty if there is none.
func (e *Engine) Trip() agent.TripID {
	if e.open == nil {
		return ""
	}
	return e.open.ID
}

// Phase is the open trip's phase; PhaseNone if there is none.
func (e *Engine) Phase() agent.TripPhase {
	if e.open == nil {
		return agent.PhaseNone
	}
	return e.open.Phase
}

// Profile is the profile that holds in a zone on the open trip; ok is false if there is no
// trip, the zone does not travel, or transit rules do not hold now.
func (e *Engine) Profile(zone agent.ZoneID) (profile string, ok bool) {
	if e.Phase() != agent.PhaseUnderWay {
		return "", false
	}
	for _, c := range e.open.Compartments {
		if c.Zone == zone {
			return c.Profile, true
		}
	}
	return "", false
}
