package main

import (
	"math"
	"time"

	"github.com/frostline/frostline/sensors/emulated"
)

// work is the use of a room: doors and deliveries.
type work struct {
	openUntil time.Duration
	nextDoor  time.Duration
	from      time.Duration // of today's delivery; 0 if there is none
	until     time.Duration
	brought   time.Duration // when the last portion came
	share     float64       // of the product that a portion replaces
	warmth    float64       // °C of the goods
	propped   bool          // the door stands open while goods are brought
	loading   bool
}

// plan draws the day's delivery.
func (w *work) plan(l *life) {
	w.from = 0
	if l.r.Float64() >= l.loads {
		return
	}
	w.from = l.now + time.Duration((8+3*l.r.Float64())*float64(time.Hour)).Truncate(tick)
	w.until = w.from + time.Duration(8+l.r.IntN(15))*time.Minute
	w.share = (0.02 + 0.08*l.r.Float64()) / ((w.until - w.from).Minutes() / 2)
	w.warmth = l.goods.draw(l.r)
	w.propped = !l.cabinet && l.r.Float64() < 0.4
}

// rate is how often the door opens, per hour.
func (l *life) rate() float64 {
	hour := (l.now % day).Hours()
	weekend := int64(l.now/day)%7 >= 5
	switch {
	case hour < 6 || hour >= 20:
		return 0.1
	case weekend:
		return 0.5
	case hour >= 7 && hour < 10, hour >= 15 && hour < 17:
		return l.busiest
	}
	return 0.35 * l.busiest
}

// act opens the door and brings goods.
func (w *work) act(l *life, on *emulated.RoomConditions) {
	w.loading = w.from > 0 && l.now >= w.from && l.now < w.until
	if l.now >= w.nextDoor {
		rate := l.rate()
		if w.loading && !l.cabinet {
			rate = 30
		}
		w.nextDoor = l.now + max(time.Minute, time.Duration(math.Min(1, l.r.ExpFloat64()/rate)*float64(time.Hour)))
		if l.r.Float64() < 0.8 {
			long := l.opening * math.Exp(0.7*l.r.NormFloat64())
			w.openUntil = l.now + time.Duration(math.Min(long, 240)*float64(time.Second))
		}
	}
	if w.loading && l.now-w.brought >= 2*time.Minute {
		w.brought = l.now
		l.room.Bring(w.share*l.zone.Product, w.warmth)
	}
	on.DoorOpen = l.now < w.openUntil || w.loading && w.propped
}

// trouble is what can break.
type trouble uint8

// The troubles.
const (
	works      trouble = iota
	dead               // the compressor
	dark               // no mains
	ajar               // the door
	leaking            // the refrigerant
	frantic            // the thermostat never switches off
	troubleEnd         // how many there are
)

// fault is what is broken, one thing at a time.
type fault struct {
	what  trouble
	next  time.Duration
	since time.Duration
	until time.Duration
	open  float64       // share of the door's exchange
	fades time.Duration // how long the refrigerant takes to go
	known bool          // somebody is on the way
}

func (f *fault) begin(l *life) {
	*f = fault{what: 1 + trouble(l.r.IntN(int(troubleEnd)-1)), since: l.now, until: l.now + 2*day}
	switch f.what {
	case ajar:
		f.until = l.now + 8*time.Hour
		f.open = 0.05 * math.Exp(l.r.Float64()*math.Log(12)) // from ajar to more than half open
	case leaking:
		f.fades = time.Duration(48+l.r.IntN(144)) * time.Hour
		f.until = l.now + f.fades + 2*day
	}
	if f.what != leaking && l.r.Float64() < 0.3 { // somebody notices
		f.until = l.now + time.Duration(3+l.r.IntN(42))*time.Minute
		f.known = true
	}
}

func (f *fault) act(l *life, on *emulated.RoomConditions) {
	z := &l.room.Zone
	switch {
	case f.what == works && l.now < f.next:
		return
	case f.what == works:
		f.begin(l)
	case l.now >= f.until:
		*f = fault{next: l.now + day + l.wait(l.faults)}
		z.Door, z.Cooling.Power, z.Cooling.Setpoint = l.zone.Door, l.zone.Cooling.Power, l.zone.Cooling.Setpoint
		return
	}
	switch f.what {
	case dead:
		on.CompressorDead = true
	case dark:
		on.MainsGone = true
	case ajar:
		z.Door = l.zone.Door * f.open
		on.DoorOpen = true
	case leaking:
		gone := math.Min(1, float64(l.now-f.since)/float64(f.fades))
		z.Cooling.Power = l.zone.Cooling.Power * (1 - 0.95*gone)
	case frantic:
		z.Cooling.Setpoint = l.zone.Cooling.Setpoint - 20
	}
}

// told lets somebody come half an hour to an hour and a half after the first alarm.
func (f *fault) told(l *life) {
	if f.what != works && !f.known {
		f.known = true
		f.until = l.now + time.Duration(30+l.r.IntN(60))*time.Minute
	}
}
