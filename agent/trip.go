package agent

import "time"

// TripID names a trip: given by the operator, or "<gateway>-<start>-<number>". It is an id as
// CheckID wants it.
type TripID string

// TripEvent is one step of a trip: it opened, went on to another phase, reached a stop, left
// its plan, ended. A consumer that has every number of a trip from 1 to its end has all of it.
type TripEvent struct {
	ID           TripID            `json:"id"`
	N            int64             `json:"n"` // number of the event within the trip, from 1
	Transition   TripTransition    `json:"transition"`
	Phase        TripPhase         `json:"phase"` // after the transition
	Cause        TripCause         `json:"cause"`
	Source       string            `json:"source,omitempty"` // the reader, point, place or deviation that caused it
	Shipment     string            `json:"shipment,omitempty"`
	Carrier      string            `json:"carrier,omitempty"`
	Lane         string            `json:"lane,omitempty"`
	Vehicle      string            `json:"vehicle,omitempty"`
	Seal         string            `json:"seal,omitempty"`
	Compartments []TripCompartment `json:"compartments,omitempty"` // when it opened; at departure with their state
	Stops        []TripStop        `json:"stops,omitempty"`        // the plan, when it opened
	CorridorM    int64             `json:"corridor_m,omitempty"`   // width to each side, when it opened on a lane that has one
	Stop         string            `json:"stop,omitempty"`         // the planned stop that it is about
	Deviation    TripDeviation     `json:"deviation,omitempty"`
	Level        int               `json:"level,omitempty"`      // of the deviation, from 1; 0 where it is over
	LateS        int64             `json:"late_s,omitempty"`     // seconds behind the plan; negative before it
	DistanceM    int64             `json:"distance_m,omitempty"` // metres from the corridor's line
	Lat          *Value            `json:"lat,omitempty"`        // where it was, if that was known; °
	Lon          *Value            `json:"lon,omitempty"`
	By           string            `json:"by,omitempty"`
	Comment      string            `json:"comment,omitempty"`
	UID          *int              `json:"uid,omitempty"` // of the peer on the control socket; nil where no person acted
	Message      string            `json:"message,omitempty"`
	Late         bool              `json:"late,omitempty"` // told later than it was due, e.g. after a power cut
}

// TripTransition is what happened to a trip.
type TripTransition string

// The transitions.
const (
	TripStarted   TripTransition = "started"
	TripLoading   TripTransition = "loading"
	TripDeparted  TripTransition = "departed"  // transit rules hold from here
	TripUnready   TripTransition = "unready"   // departed before every compartment was in range
	TripArrived   TripTransition = "arrived"   // at a planned stop
	TripSkipped   TripTransition = "skipped"   // a later stop was reached before this one
	TripUnloading TripTransition = "unloading" // transit rules hold no longer
	TripDeviated  TripTransition = "deviated"  // reached a level of deviation
	TripRecovered TripTransition = "recovered" // as planned again
	TripEnded     TripTransition = "ended"
)

// TripPhase is where a trip stands.
type TripPhase string

// The phases.
const (
	PhaseNone      TripPhase = "none" // no trip is open
	PhasePreCool   TripPhase = "pre-cool"
	PhaseLoading   TripPhase = "loading"
	PhaseUnderWay  TripPhase = "under-way"
	PhaseUnloading TripPhase = "unloading"
)

// TripCause says who or what brought a transition about.
type TripCause string

// The causes.
const (
	CausePerson   TripCause = "person"
	CauseScan     TripCause = "scan"
	CauseContact  TripCause = "contact"
	CauseGeofence TripCause = "geofence"
	CausePlan     TripCause = "plan" // it follows from the plan: a deviation, an unready departure, a skipped stop
)

// TripDeviation is a way to leave the plan.
type TripDeviation string

// The deviations.
const (
	DeviationLate     TripDeviation = "late"     // behind the plan at a stop
	DeviationCorridor TripDeviation = "corridor" // too far from the lane's line
)

// TripStop is a planned stop.
type TripStop struct {
	Name    string    `json:"name"`
	Lat     *Value    `json:"lat,omitempty"` // °; nil if only a person tells that it was reached
	Lon     *Value    `json:"lon,omitempty"`
	RadiusM int64     `json:"radius_m,omitempty"`
	Due     time.Time `json:"due,omitzero"`      // when it should be reached; zero if after_s says so, or nothing does
	AfterS  int64     `json:"after_s,omitempty"` // seconds after departure
}

// TripCompartment is a zone that travels, and the profile that holds there.
type TripCompartment struct {
	Zone    ZoneID           `json:"zone"`
	Profile string           `json:"profile,omitempty"`
	Low     *Value           `json:"low,omitempty"` // the range, both ends included; nil is no end
	High    *Value           `json:"high,omitempty"`
	State   CompartmentState `json:"state,omitempty"` // at departure; empty where there is no range
	Point   PointID          `json:"point,omitempty"` // the one that is out of range or unknown
	Value   *Value           `json:"v,omitempty"`     // of that point
}

// CompartmentState is whether a compartment is in the range of its profile.
type CompartmentState string

// The states of a compartment.
const (
	CompartmentInRange    CompartmentState = "in-range"
	CompartmentOutOfRange CompartmentState = "out-of-range"
	CompartmentUnknown    CompartmentState = "unknown" // a probe there gives no fresh value, or there is none
)
