package trip

import (
	"slices"

	"github.com/frostline/frostline/agent"
)

// Verb is what a person or a trigger can do with a trip.
type Verb string

// The verbs.
const (
	Start  Verb = "start"
	Load   Verb = "load"
	Depart Verb = "depart"
	Unload Verb = "unload"
	Arrive Verb = "arrive" // at a planned stop; changes no phase. Only a person does it
	End    Verb = "end"
)

// phases is the state machine of a trip: phase and verb to phase. What is not in the table does
// not happen. Start is not in it: a trip begins in pre-cool, loading or under-way.
var phases = map[agent.TripPhase]map[Verb]agent.TripPhase{
	agent.PhasePreCool: {
		Load:   agent.PhaseLoading,
		Depart: agent.PhaseUnderWay,
		End:    agent.PhaseNone,
	},
	agent.PhaseLoading: {
		Depart: agent.PhaseUnderWay,
		Arrive: agent.PhaseLoading, // only after the first departure
		End:    agent.PhaseNone,
	},
	agent.PhaseUnderWay: {
		Load:   agent.PhaseLoading, // picking up on the way
		Unload: agent.PhaseUnloading,
		Arrive: agent.PhaseUnderWay,
		End:    agent.PhaseNone,
	},
	agent.PhaseUnloading: {
		Load:   agent.PhaseLoading,
		Depart: agent.PhaseUnderWay, // on to the next stop
		Arrive: agent.PhaseUnloading,
		End:    agent.PhaseNone,
	},
}

// transitions are the words for what a verb brings about.
var transitions = map[Verb]agent.TripTransition{
	Start: agent.TripStarted, Load: agent.TripLoading, Depart: agent.TripDeparted,
	Unload: agent.TripUnloading, Arrive: agent.TripArrived, End: agent.TripEnded,
}

// Allowed lists what can be done in a phase.
func Allowed(p agent.TripPhase) []Verb {
	if p == agent.PhaseNone || p == "" {
		return []Verb{Start}
	}
	verbs := make([]Verb, 0, 4)
	for v := range phases[p] {
		verbs = append(verbs, v)
	}
	slices.Sort(verbs)
	return verbs
}
