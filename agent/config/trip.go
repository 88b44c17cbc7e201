package config

import (
	"time"

	"github.com/frostline/frostline/agent"
)

// Trip says how trips begin and end by themselves, and what they have in common.
type Trip struct {
	Vehicle      string          `yaml:"vehicle" doc:"The vehicle of every trip that names no other." like:"B-XY 7"`
	Carrier      string          `yaml:"carrier" doc:"The carrier of every trip that names no other." like:"Nordfrost"`
	First        agent.TripPhase `yaml:"first" doc:"The phase in which a trip begins that a trigger starts." enum:"pre-cool,loading,under-way"`
	Compartments []Compartment   `yaml:"compartments" doc:"The zones that travel. Departing before one is in range is an event."`

	Start  []Trigger     `yaml:"start" doc:"What starts a trip, beside frostline trip start. One is open at a time."`
	Load   []Trigger     `yaml:"load" doc:"What begins loading."`
	Depart []Trigger     `yaml:"depart" doc:"What is a departure: from here on the rules of transit hold."`
	Unload []Trigger     `yaml:"unload" doc:"What begins unloading: the rules of transit hold no longer."`
	End    []Trigger     `yaml:"end" doc:"What ends a trip, beside frostline trip end."`
	Repeat time.Duration `yaml:"repeat" doc:"A code seen again within this time is the same scan: it does not end the trip that it has just started."`

	Levels Levels `yaml:"levels" doc:"When leaving the plan reaches which level."`
	Lane   string `yaml:"lane" doc:"The lane of every trip that names no other." like:"hub-clinic"`
	Lanes  []Lane `yaml:"lanes" doc:"Routes that trips go again and again."`
}

func (t *Trip) setDefaults() {
	t.First, t.Repeat = agent.PhasePreCool, time.Minute
	t.Levels = Levels{Late: 30 * time.Minute, Every: 30 * time.Minute, Highest: 10}
}

// Compartment is a zone that travels.
type Compartment struct {
	Zone    agent.ZoneID `yaml:"zone,required" doc:"The zone." example:"front"`
	Profile string       `yaml:"profile" doc:"The profile whose range it has to be in at departure; without it, the zone's profile, and the range is what the zone's alarms call normal." like:"vaccine-2-8"`

	// Low and High are that range, both ends included; nil is no end.
	Low, High *agent.Value `yaml:"-"`
}

// Trigger is something that happens: exactly one of code, point, enter and leave.
type Trigger struct {
	Code   string         `yaml:"code" doc:"This code is scanned. A * at the end stands for any ending; a trip that such a code starts has it for its shipment." example:"TRIP-7"`
	Reader agent.ReaderID `yaml:"reader" doc:"Only at this scanner." like:"dock-in"`
	Point  agent.PointID  `yaml:"point" doc:"This point, such as an ignition or a door, becomes 1." like:"dash/contact"`
	Is     agent.Value    `yaml:"is" doc:"What the point becomes: 1, or 0."`
	For    time.Duration  `yaml:"for" doc:"For how long the point has to stay so."`
	Enter  *Place         `yaml:"enter" doc:"This place is entered."`
	Leave  *Place         `yaml:"leave" doc:"This place is left."`
}

func (t *Trigger) setDefaults() { t.Is = agent.Unit }

// Place is a circle on the map.
type Place struct {
	Name   string      `yaml:"name" doc:"What people call it." like:"Depot"`
	Lat    agent.Value `yaml:"lat,required" doc:"Degrees north, with at most six decimals." example:"52.520008"`
	Lon    agent.Value `yaml:"lon,required" doc:"Degrees east." example:"13.404954"`
	Radius int64       `yaml:"radius" doc:"Metres around it. It is left a tenth of this farther out, so that nobody comes and goes on its border."`
}

func (p *Place) setDefaults() { p.Radius = 200 }

// Levels say when a deviation from the plan reaches which level.
type Levels struct {
	Late    time.Duration `yaml:"late" doc:"So late at a planned stop is level 1."`
	Off     time.Duration `yaml:"off" doc:"So long off the corridor is level 1. 0s: at once."`
	Every   time.Duration `yaml:"every" doc:"Each more of this is the next level."`
	Highest int           `yaml:"highest" doc:"No level is higher."`
}

// Lane is a route that trips go again and again.
type Lane struct {
	ID       string    `yaml:"id,required" doc:"The lane, for ever." example:"hub-clinic"`
	Carrier  string    `yaml:"carrier" doc:"The carrier of trips on it that name no other." like:"Nordfrost"`
	Corridor *Corridor `yaml:"corridor" doc:"Where a vehicle under way should be."`
	Stops    []Stop    `yaml:"stops" doc:"Planned stops, in their order."`
}

// Corridor is a strip along a line.
type Corridor struct {
	Width int64  `yaml:"width" doc:"Metres from the line, to each side. So far from it is off the corridor; a tenth less is back."`
	Line  []Spot `yaml:"line,required" doc:"The line: points with straight pieces between them, 1 to 1000."`
}

func (c *Corridor) setDefaults() { c.Width = 500 }

// Spot is a point of a line.
type Spot struct {
	Lat agent.Value `yaml:"lat,required" doc:"Degrees north." example:"52.520008"`
	Lon agent.Value `yaml:"lon,required" doc:"Degrees east." example:"13.404954"`
}

// Stop is a planned stop.
type Stop struct {
	Name   string        `yaml:"name,required" doc:"What people call it; each its own." example:"Clinic"`
	Lat    *agent.Value  `yaml:"lat" doc:"Degrees north. Without a place, a person says that it was reached." like:"52.520008"`
	Lon    *agent.Value  `yaml:"lon" doc:"Degrees east." like:"13.404954"`
	Radius int64         `yaml:"radius" doc:"Metres around it."`
	After  time.Duration `yaml:"after" doc:"When it should be reached, from departure. 0s: no time is planned." like:"2h"`
}

func (s *Stop) setDefaults() { s.Radius = 200 }
