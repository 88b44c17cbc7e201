package emulated

import (
	"math"
	"time"
)

// step is the length of a step of the physics.
const step = time.Second

// Constants of the model, see the package doc.
const (
	restBetweenRuns = 3 * time.Minute  // of a compressor
	surfaceLag      = 10 * time.Minute // time constant of a box's surface
	supplyDrop      = 4.0              // K by which a running coil cools the air that passes it
	defrostRise     = 10.0             // K by which a defrosting coil warms it
	coilDrop        = 8.0              // K by which the coil's surface is colder than the air
	coilDrying      = 15 * time.Minute // time constant of the moisture that the coil takes
	airHeat         = 1.25 * 1005.0    // J/(m³·K) of air at about 10 °C
)

// climate is the state of a zone.
type climate struct {
	air, product, surface, supply float64 // °C
	vapor                         float64 // hPa
	cooling, defrosting           bool
	rested                        time.Duration // when cooling last ended
	energy                        float64       // Wh of electricity
	power                         float64       // W of electricity now
}

// conditions are what acts on a zone during a step.
type conditions struct {
	now                         time.Duration
	around, beyond              float64 // °C beyond the walls, beyond the door
	aroundVapor, beyondVapor    float64 // hPa
	doorOpen, compressor, mains bool
	defrost                     bool
}

// advance moves a zone on by one step.
func (c *climate) advance(z *Zone, on conditions) {
	c.control(z, on)
	c.warm(z, on, step.Seconds())
	c.moisten(z, on)
}

// warm moves the temperatures on by dt seconds.
func (c *climate) warm(z *Zone, on conditions, dt float64) {
	heat := z.Walls*(on.around-c.air) + z.Coupling*(c.product-c.air) + z.Load
	c.power = 0
	if on.doorOpen {
		heat += z.Door * (on.beyond - c.air)
	}
	if on.mains && !c.defrosting {
		heat += z.Fans
		c.power += z.Fans
	}
	target := c.air
	if c.cooling {
		heat -= z.Cooling.Power
		c.power += z.Cooling.Power / z.Cooling.COP
		target -= supplyDrop
	}
	if c.defrosting {
		heat += z.Defrost.Heat
		c.power += z.Defrost.Heat
		target += defrostRise
	}
	if z.Product > 0 {
		c.product += dt * z.Coupling * (c.air - c.product) / (1000 * z.Product)
	}
	c.air += dt * heat / (1000 * z.Air)
	if z.Product == 0 {
		c.product = c.air
	}
	c.surface += dt / surfaceLag.Seconds() * (c.air - c.surface)
	c.supply += dt / 30 * (target - c.supply) // the coil's own mass
	c.energy += c.power * dt / 3600
}

// control switches the compressor and the defrost heater.
func (c *climate) control(z *Zone, on conditions) {
	if z.Cooling == nil {
		return
	}
	c.defrosting = on.defrost && on.mains
	was := c.cooling
	able := on.compressor && on.mains && !c.defrosting
	switch {
	case !able, c.air <= z.Cooling.Setpoint-z.Cooling.Band:
		c.cooling = false
	case c.air >= z.Cooling.Setpoint+z.Cooling.Band && on.now-c.rested >= restBetweenRuns:
		c.cooling = true
	}
	if was && !c.cooling {
		c.rested = on.now
	}
}

func (c *climate) moisten(z *Zone, on conditions) {
	dt := step.Seconds()
	c.vapor += dt * z.Leak / 3600 * (on.aroundVapor - c.vapor)
	if on.doorOpen {
		c.vapor += dt * z.Door / airHeat / z.Volume * (on.beyondVapor - c.vapor)
	}
	if coil := saturation(c.air - coilDrop); c.cooling && c.vapor > coil {
		c.vapor += dt / coilDrying.Seconds() * (coil - c.vapor)
	}
	c.vapor = min(c.vapor, frostPoint(c.air))
}

// saturation is the vapor pressure over water, in hPa.
func saturation(t float64) float64 { return 6.112 * math.Exp(17.62*t/(243.12+t)) }

// frostPoint is the greatest vapor pressure that air can hold: over ice below zero.
func frostPoint(t float64) float64 {
	if t < 0 {
		return 6.112 * math.Exp(22.46*t/(272.62+t))
	}
	return saturation(t)
}

// relative is the humidity of vapor at t, in %RH over water.
func relative(vapor, t float64) float64 { return min(100, 100*vapor/saturation(t)) }
