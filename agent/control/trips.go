package control

import (
	"context"
	"net/http"
	"time"

	"github.com/frostline/frostline/agent"
)

// Trips is what persons do with trips and with excursions' cases. It is safe for concurrent
// use. An error that wraps ErrUsage is the caller's fault; one that wraps ErrNotPermitted is
// about a role that the person does not have.
type Trips interface {
	StartTrip(ctx context.Context, who Person, r TripStart) (TripReply, error)
	DoTrip(ctx context.Context, who Person, r TripOrder) (TripReply, error)
	DoCase(ctx context.Context, who Person, r CaseOrder) (CaseReply, error)
}

// Trip is the open trip.
type Trip struct {
	ID           agent.TripID            `json:"id"`
	Phase        agent.TripPhase         `json:"phase"`
	Transit      bool                    `json:"transit"` // transit rules hold now
	Shipment     string                  `json:"shipment,omitempty"`
	Carrier      string                  `json:"carrier,omitempty"`
	Lane         string                  `json:"lane,omitempty"`
	Vehicle      string                  `json:"vehicle,omitempty"`
	Seal         string                  `json:"seal,omitempty"`
	Started      time.Time               `json:"started,omitzero"`
	Departed     time.Time               `json:"departed,omitzero"` // the first departure
	Compartments []agent.TripCompartment `json:"compartments,omitempty"`
	Stops        []TripStop              `json:"stops,omitempty"`
	LateLevel    int                     `json:"late_level"`     // 0: on time, or nothing is planned
	OffLevel     int                     `json:"corridor_level"` // 0: in its corridor, or it has none
	DistanceM    int64                   `json:"distance_m"`     // from the corridor's line at the newest fix, metres
	Lat          *agent.Value            `json:"lat,omitempty"`  // absent where the position is not known
	Lon          *agent.Value            `json:"lon,omitempty"`
	Next         []string                `json:"next"` // what can be done: load, depart, unload, arrive, end
}

// TripStop is a planned stop as it stands.
type TripStop struct {
	agent.TripStop
	Due     time.Time `json:"due,omitzero"`
	Reached time.Time `json:"reached,omitzero"`
	Skipped bool      `json:"skipped,omitempty"`
}

// TripStart opens a trip. What is empty is the config's.
type TripStart struct {
	ID           agent.TripID            `json:"id,omitempty"`
	Shipment     string                  `json:"shipment,omitempty"`
	Carrier      string                  `json:"carrier,omitempty"`
	Lane         string                  `json:"lane,omitempty"`
	Vehicle      string                  `json:"vehicle,omitempty"`
	Seal         string                  `json:"seal,omitempty"`
	Phase        agent.TripPhase         `json:"phase,omitempty"`
	Compartments []agent.TripCompartment `json:"compartments,omitempty"` // zone and profile
	Stops        []agent.TripStop        `json:"stops,omitempty"`
	By           string                  `json:"by"`
	Comment      string                  `json:"comment,omitempty"`
}

// TripOrder does something with the open trip: load, depart, unload, arrive or end.
type TripOrder struct {
	Do      string `json:"do"`
	Stop    string `json:"stop,omitempty"` // with arrive: which; the next one if empty
	By      string `json:"by"`
	Comment string `json:"comment,omitempty"`
}

// TripReply tells what it brought about.
type TripReply struct {
	Events []agent.TripEvent `json:"events"`
}

// CaseOrder does something with an open case: cause, evaluate or dispose.
type CaseOrder struct {
	ID          string               `json:"id"` // a case's id, or its zone if only one case is open there
	Do          string               `json:"do"`
	Cause       agent.ExcursionCause `json:"cause,omitempty"`
	Evaluation  string               `json:"evaluation,omitempty"`
	Disposition agent.Disposition    `json:"disposition,omitempty"`
	By          string               `json:"by"`
	Comment     string               `json:"comment,omitempty"`
}

// CaseReply tells what it brought about.
type CaseReply struct {
	Events []agent.ExcursionEvent `json:"events"`
}

// tripRoutes serves trips and cases, if the agent has them.
func (s *Server) tripRoutes(mux *http.ServeMux) {
	trips := s.agent.Trips
	if trips == nil {
		return
	}
	mux.HandleFunc("POST /v1/trip/start", post(func(ctx context.Context, uid int, r TripStart) (TripReply, error) {
		return trips.StartTrip(ctx, Person{r.By, uid}, r)
	}))
	mux.HandleFunc("POST /v1/trip", post(func(ctx context.Context, uid int, r TripOrder) (TripReply, error) {
		return trips.DoTrip(ctx, Person{r.By, uid}, r)
	}))
	mux.HandleFunc("POST /v1/case", post(func(ctx context.Context, uid int, r CaseOrder) (CaseReply, error) {
		return trips.DoCase(ctx, Person{r.By, uid}, r)
	}))
}
