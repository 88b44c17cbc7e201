package main

import (
	"math"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sensors/emulated"
)

// value rounds a temperature of the lab to a reading's.
func value(v float64) agent.Value { return agent.Value(math.Round(v * float64(agent.Unit))) }

// work is the use of a room: doors and deliveries.
type work struct {
	openUntil time.Duration
	nextDoor  time.Duration
	loadFrom  time.Duration // 0: no delivery today
	loadUntil time.Duration
	brought   time.Duration // when the last portion came
	share     float64       // of the product that a portion replaces
	warmth    float64       // °C of the goods
}

// plan draws the day's delivery.
func (w *work) plan(l *life) {
	w.loadFrom = 0
	if l.r.Float64() >= l.Loads {
		return
	}
	w.loadFrom = l.now + time.Duration((8+3*l.r.Float64())*float64(time.Hour))
	w.loadUntil = w.loadFrom + time.Duration(8+l.r.IntN(15))*time.Minute
	portions := (w.loadUntil - w.loadFrom).Minutes() / 2
	w.share = (0.03 + 0.12*l.r.Float64()) / portions
	w.warmth = 8 + 7*l.r.Float64()
	if l.Freezer {
		w.warmth = -16 + 6*l.r.Float64()
	}
}

// rate is how often the door opens, per hour.
func (l *life) rate() float64 {
	hour := (l.now % day).Hours()
	weekend := int(l.now/day)%7 >= 5
	switch {
	case hour < 6 || hour >= 20:
		return 0.1
	case weekend:
		return 0.5
	case hour >= 7 && hour < 10, hour >= 15 && hour < 17:
		return l.Busy
	}
	return 0.35 * l.Busy
}

// act opens the door and brings goods.
func (w *work) act(l *life, on *emulated.RoomConditions) {
	loading := w.loadFrom > 0 && l.now >= w.loadFrom && l.now < w.loadUntil
	if l.now >= w.nextDoor {
		rate := l.rate()
		if loading {
			rate = 30
		}
		w.nextDoor = l.now + max(time.Minute, time.Duration(math.Min(1, l.r.ExpFloat64()/rate)*float64(time.Hour)))
		if l.r.Float64() < 0.8 {
			long := l.Opening * math.Exp(0.7*l.r.NormFloat64())
			w.openUntil = l.now + time.Duration(math.Min(long, 240)*float64(time.Second))
		}
	}
	if loading && l.now-w.brought >= 2*time.Minute {
		w.brought = l.now
		l.room.Bring(w.share*l.zone.Product, w.warmth)
	}
	on.DoorOpen = l.now < w.openUntil
}

// Cause is what is broken.
type Cause string

// The causes. CauseNone is a room that works, with its doors, deliveries and defrosts.
const (
	CauseNone       Cause = "none"
	CauseCompressor Cause = "compressor dead"
	CausePower      Cause = "power off"
	CauseDoor       Cause = "door left open"
	CauseLeak       Cause = "refrigerant lost"
)

// fault is what breaks a room, one at a time.
type fault struct {
	next   time.Duration
	cause  Cause
	since  time.Duration
	until  time.Duration
	ajar   float64       // share of the door's exchange
	fades  time.Duration // how long the refrigerant takes to go
	above  time.Duration // since when the limit is passed, 0: it is not
	agreed bool          // its end is drawn
}

func (f *fault) begin(l *life) {
	*f = fault{since: l.now, until: l.now + 24*time.Hour}
	switch x := l.r.Float64(); {
	case x < 0.3:
		f.cause = CauseCompressor
	case x < 0.6:
		f.cause = CausePower
	case x < 0.9:
		f.cause, f.until = CauseDoor, l.now+8*time.Hour
		f.ajar = 0.05 * math.Exp(l.r.Float64()*math.Log(12)) // from ajar to more than half open
	default:
		f.cause = CauseLeak
		f.fades = time.Duration(48+l.r.IntN(144)) * time.Hour
		f.until = l.now + f.fades + 2*day
	}
	if f.cause != CauseLeak && l.r.Float64() < 0.3 { // somebody notices
		f.until = l.now + time.Duration(3+l.r.IntN(42))*time.Minute
		f.agreed = true
	}
}

func (f *fault) act(l *life, on *emulated.RoomConditions) {
	z := &l.room.Zone
	switch {
	case f.cause == "" || f.cause == CauseNone:
		f.cause = CauseNone
		if l.now < f.next {
			return
		}
		f.begin(l)
	case l.now >= f.until:
		*f = fault{cause: CauseNone, next: l.now + day + l.wait(l.Faults)}
		z.Door, z.Cooling.Power = l.zone.Door, l.zone.Cooling.Power
		return
	}
	switch f.cause {
	case CauseCompressor:
		on.CompressorDead = true
	case CausePower:
		on.MainsGone = true
	case CauseDoor:
		z.Door = l.zone.Door * f.ajar
		on.DoorOpen = true
	case CauseLeak:
		gone := math.Min(1, float64(l.now-f.since)/float64(f.fades))
		z.Cooling.Power = l.zone.Cooling.Power * (1 - 0.95*gone)
	}
}

// watch lets somebody come half an hour to an hour and a half after the limit alarm.
func (f *fault) watch(l *life) {
	if l.felt <= l.Limit || f.cause == CauseNone {
		f.above = 0
		return
	}
	if f.above == 0 {
		f.above = l.now
	}
	if !f.agreed && l.now-f.above >= l.Hold {
		f.agreed = true
		f.until = l.now + time.Duration(30+l.r.IntN(60))*time.Minute
	}
}
