package emulated

import "time"

// Room is the heat of one zone without chips, buses and moisture: the same physics as a
// World's, in steps of the caller's choice, for studies over years. It is not safe for
// concurrent use.
type Room struct {
	// Zone may be changed between steps: a door that stands ajar, cooling that weakens.
	Zone Zone

	climate climate
	now     time.Duration
}

// RoomConditions are what acts on a room during a step.
type RoomConditions struct {
	Around, Beyond float64 // °C beyond the walls, beyond the door
	DoorOpen       bool
	CompressorDead bool
	MainsGone      bool
	Defrost        bool
}

// RoomState is the truth about a room.
type RoomState struct {
	Air, Product, Supply float64 // °C
	Cooling, Defrosting  bool
}

// NewRoom begins with air and product at the zone's start.
func NewRoom(z Zone) *Room {
	return &Room{Zone: z, climate: climate{
		air: z.Start, product: z.Start, surface: z.Start, supply: z.Start, rested: -restBetweenRuns,
	}}
}

// Step moves the room on by dt, at most 10 s: longer steps miss the controller's switching
// points and the air's quick changes while the door is open.
func (r *Room) Step(dt time.Duration, on RoomConditions) RoomState {
	c := conditions{
		now: r.now, around: on.Around, beyond: on.Beyond, doorOpen: on.DoorOpen,
		compressor: !on.CompressorDead, mains: !on.MainsGone, defrost: on.Defrost,
	}
	r.climate.control(&r.Zone, c)
	r.climate.warm(&r.Zone, c, dt.Seconds())
	r.now += dt
	return r.State()
}

// State is the truth now.
func (r *Room) State() RoomState {
	c := &r.climate
	return RoomState{Air: c.air, Product: c.product, Supply: c.supply, Cooling: c.cooling, Defrosting: c.defrosting}
}

// Bring puts goods of a heat capacity in kJ/K and a temperature in °C in the place of as
// much of the product. More than the whole product is the whole.
func (r *Room) Bring(capacity, temperature float64) {
	if r.Zone.Product > 0 {
		r.climate.product += min(1, capacity/r.Zone.Product) * (temperature - r.climate.product)
	}
}
