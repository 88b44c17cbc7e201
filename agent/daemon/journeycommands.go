package daemon

import (
	"context"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/control"
	"github.com/frostline/frostline/agent/store"
)

// person does what a person asks for about a trip or a case, and records what it brought
// about, also where it is refused: time may have brought something about by then.
func (r *recorder) person(do func(now agent.Instant) ([]agent.Event, error)) ([]agent.Event, *store.Ticket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	events := r.rules.tick(now).Events
	said, err := do(now)
	events = append(events, said...)
	r.wants(r.rules.tick(now).Next)
	var ticket *store.Ticket
	if len(events) > 0 {
		ticket = r.append(nil, events, true)
	}
	return events, ticket, err
}

// StartTrip implements control.Trips.
func (a *Agent) StartTrip(ctx context.Context, who control.Person, req control.TripStart) (control.TripReply, error) {
	return a.travel(ctx, func(now agent.Instant) ([]agent.Event, error) {
		return a.recorder.rules.trips.start(now, who, req, a.drivers.known().Profiles)
	})
}

// DoTrip implements control.Trips.
func (a *Agent) DoTrip(ctx context.Context, who control.Person, req control.TripOrder) (control.TripReply, error) {
	return a.travel(ctx, func(now agent.Instant) ([]agent.Event, error) {
		return a.recorder.rules.trips.do(now, who, req)
	})
}

func (a *Agent) travel(ctx context.Context, do func(agent.Instant) ([]agent.Event, error)) (control.TripReply, error) {
	reply := control.TripReply{Events: []agent.TripEvent{}}
	events, ticket, err := a.recorder.person(func(now agent.Instant) ([]agent.Event, error) {
		said, err := do(now)
		return a.recorder.rules.followTrips(now, said).Events, err
	})
	if err != nil {
		return reply, err
	}
	for i := range events {
		if t := events[i].Trip; t != nil {
			reply.Events = append(reply.Events, *t)
		}
	}
	return reply, waited(ctx, ticket)
}

// DoCase implements control.Trips.
func (a *Agent) DoCase(ctx context.Context, who control.Person, req control.CaseOrder) (control.CaseReply, error) {
	reply := control.CaseReply{Events: []agent.ExcursionEvent{}}
	roles := a.rolesOf(who)
	events, ticket, err := a.recorder.person(func(now agent.Instant) ([]agent.Event, error) {
		return a.recorder.rules.trips.decide(now, who, roles, req)
	})
	if err != nil {
		return reply, err
	}
	for i := range events {
		if c := events[i].Excursion; c != nil {
			reply.Events = append(reply.Events, *c)
		}
	}
	return reply, waited(ctx, ticket)
}

// waited waits until what a person did is on disk; a ticket that is nil is of nothing.
func waited(ctx context.Context, t *store.Ticket) error {
	if t == nil {
		return nil
	}
	return waitFor(ctx, t)
}

// rolesOf are the roles that the config gives a person.
func (a *Agent) rolesOf(who control.Person) []string {
	if p, ok := a.cfg.PersonNamed(who.Name); ok {
		return p.Roles
	}
	return nil
}
