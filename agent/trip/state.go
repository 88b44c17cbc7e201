package trip

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/timeline"
)

// ErrState is what Restore returns for what State cannot have written.
var ErrState = errors.New("not a state of the trip engine")

const stateVersion = 1

type saved struct {
	Version int                      `json:"v"`
	Line    timeline.State           `json:"line"`
	Anchor  anchor                   `json:"anchor"`
	Open    *trip                    `json:"open,omitempty"`
	Counter int64                    `json:"counter"`
	Used    []agent.TripID           `json:"used,omitempty"`
	Watches map[string]watch         `json:"watches,omitempty"`
	Acted   sighting                 `json:"acted,omitzero"`
	Temps   map[agent.PointID]sample `json:"temps,omitempty"`
	Half    half                     `json:"half,omitzero"`
	Pos     position                 `json:"pos,omitzero"`
}

// State is everything the engine remembers, as compact JSON. Its size is bounded by the config
// and by what one trip can name.
func (e *Engine) State() ([]byte, error) {
	watches := map[string]watch{}
	for i := range e.watches {
		if e.watches[i].Known {
			watches[e.setup.Triggers[i].key()] = e.watches[i]
		}
	}
	text, err := json.Marshal(saved{
		stateVersion, e.line.State(), e.anchor, e.open, e.counter, e.used, watches, e.acted, e.temps, e.half, e.pos,
	})
	if err != nil {
		return nil, fmt.Errorf("trip: state: %w", err)
	}
	return text, nil
}

// Restore makes a new engine go on where the one that wrote the state stopped, which may have
// had another config: an open trip keeps what it was opened with, and follows its lane's
// corridor as the config has it now. On an error the engine is as New made it.
func (e *Engine) Restore(state []byte) error {
	var s saved
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("%w: version %d, want %d", ErrState, s.Version, stateVersion)
	}
	line, err := s.Line.Restore()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if err := s.check(); err != nil {
		return err
	}
	e.line, e.anchor, e.open, e.counter, e.used = line, s.Anchor, s.Open, s.Counter, s.Used
	e.acted, e.half, e.pos = s.Acted, s.Half, s.Pos
	for i := range e.setup.Triggers {
		e.watches[i] = s.Watches[e.setup.Triggers[i].key()]
	}
	for id, v := range s.Temps {
		if _, known := e.points[id]; known {
			e.temps[id] = v
		}
	}
	return nil
}

func (s *saved) check() error {
	t := s.Open
	if t == nil {
		return nil
	}
	if _, known := phases[t.Phase]; !known || agent.CheckID(string(t.ID)) != nil || t.N < 0 || s.Line.Now == 0 {
		return fmt.Errorf("%w: trip %q in phase %q", ErrState, t.ID, t.Phase)
	}
	if len(t.Stops) > MaxStops {
		return fmt.Errorf("%w: %w", ErrState, ErrStops)
	}
	for i := range t.Stops {
		if p := t.Stops[i].Place; p != nil && (p.Radius <= 0 || p.check() != nil) {
			return fmt.Errorf("%w: stop %q: %w", ErrState, t.Stops[i].Name, ErrPlace)
		}
	}
	return nil
}

// Relive repeats what a person did, from its record, after Restore: readings and scans are
// stepped again and bring about again what follows from them, a person's acts are told by their
// records. It does nothing for other events.
func (e *Engine) Relive(ev *agent.Event) Output {
	t := ev.Trip
	if t == nil || t.Cause != agent.CausePerson || t.UID == nil {
		return Output{}
	}
	who := Person{t.By, *t.UID}
	out := e.Step(Input{At: ev.At})
	if t.Transition == agent.TripStarted {
		then, _ := e.Start(ev.At, planOf(t), who, t.Comment) // open already: it is in the state
		return join(out, then)
	}
	for verb, word := range transitions {
		if word == t.Transition && e.Trip() == t.ID {
			then, _ := e.Do(ev.At, Order{verb, t.Stop, t.Comment}, who)
			return join(out, then)
		}
	}
	return out
}

// join is the outcome of two steps, one after the other.
func join(a, b Output) Output { return Output{append(a.Events, b.Events...), b.Next} }

func planOf(t *agent.TripEvent) Plan {
	p := Plan{
		ID: t.ID, Shipment: t.Shipment, Carrier: t.Carrier, Lane: t.Lane, Vehicle: t.Vehicle, Seal: t.Seal, Phase: t.Phase,
	}
	for _, c := range t.Compartments {
		p.Compartments = append(p.Compartments, Compartment{Zone: c.Zone, Profile: c.Profile, Range: &Range{c.Low, c.High}})
	}
	for _, s := range t.Stops {
		one := Stop{Name: s.Name, Due: s.Due, After: time.Duration(s.AfterS) * time.Second}
		if s.Lat != nil && s.Lon != nil {
			one.Place = &Place{Spot: Spot{*s.Lat, *s.Lon}, Radius: s.RadiusM}
		}
		p.Stops = append(p.Stops, one)
	}
	return p
}
