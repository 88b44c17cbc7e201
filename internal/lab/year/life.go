package main

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/frostline/frostline/sensors/emulated"
)

// The emulation's step and the sampling interval, which is the longest that the profiles
// allow of any room (China GSP: every point is refreshed every minute).
const (
	tick  = 10 * time.Second
	every = time.Minute
	still = 5 * time.Minute // of contacts, which tell of each change at once
)

// life runs a house.
type life struct {
	*house
	r      *rand.Rand
	room   *emulated.Room
	now    time.Duration
	drift  [2]float64 // of yesterday's and today's weather
	work   work
	fault  fault
	feels  [2]feeling // of the probes in the air and with the goods
	states states
}

// feeling is a probe and what it feels.
type feeling struct {
	probe
	felt    float64       // °C that an instrument without error would show
	silent  time.Duration // until when it says nothing
	heard   bool          // the newest sample was a value
	reading float64       // °C of it
}

// states are what contacts would say.
type states struct{ door, defrost, loading, mains bool }

func newLife(h *house, r *rand.Rand) *life {
	l := &life{house: h, r: r}
	cooling := *h.zone.Cooling
	z := h.zone
	z.Cooling = &cooling
	l.room = emulated.NewRoom(z)
	l.feels = [2]feeling{{probe: h.air, felt: z.Start}, {probe: h.product, felt: z.Start}}
	l.fault.next = 2*day + l.wait(h.faults)
	return l
}

// wait is a time until the next of events that come at random, perDay on average.
func (l *life) wait(perDay float64) time.Duration {
	return time.Duration(l.r.ExpFloat64() / perDay * float64(day))
}

// step lives for one tick.
func (l *life) step() {
	if l.now%day == 0 {
		l.drift = [2]float64{l.drift[1], 2*l.r.Float64() - 1}
		l.work.plan(l)
	}
	share := float64(l.now%day) / float64(day)
	drift := l.drift[0]*(1-share) + l.drift[1]*share
	on := emulated.RoomConditions{Around: l.around.at(l.now, drift), Beyond: l.beyond.at(l.now, drift), Defrost: l.thawing()}
	l.work.act(l, &on)
	l.fault.act(l, &on)
	l.heat(&on)
	s := l.room.Step(tick, on)
	l.now += tick
	l.states = states{door: on.DoorOpen, defrost: on.Defrost && !on.MainsGone, loading: l.work.loading, mains: !on.MainsGone}
	for i := range l.feels {
		f := &l.feels[i]
		if f.lag == 0 {
			continue
		}
		there := s.Air
		if f.among {
			there = s.Product
		}
		f.felt += min(1, tick.Seconds()/f.lag.Seconds()) * (there - f.felt)
		if l.now%every == 0 {
			l.sample(f)
		}
	}
}

// heat is the heater of rooms that have one: it keeps the air above a temperature.
func (l *life) heat(on *emulated.RoomConditions) {
	l.room.Zone.Load = l.zone.Load
	if missing := l.heated - l.room.State().Air; l.heated != 0 && missing > 0 && !on.MainsGone {
		most := 1.5 * l.zone.Walls * (l.heated - l.around.coldest())
		l.room.Zone.Load += min(most, l.zone.Air*1000/60*missing)
	}
}

func (l *life) thawing() bool {
	ofDay := l.now % day
	for _, at := range l.thaws {
		if ofDay >= at && ofDay < at+l.thaw {
			return true
		}
	}
	return false
}

// sample reads an instrument: one of 2 000 readings fails, and about once in six weeks its
// cable is out for a while.
func (l *life) sample(f *feeling) {
	switch x := l.r.Float64(); {
	case l.now < f.silent:
	case x < float64(every)/float64(42*day):
		f.silent = l.now + time.Duration(5+l.r.IntN(55))*time.Minute
	}
	f.heard = l.now >= f.silent && l.r.Float64() >= 1.0/2000
	v := f.felt + f.noise*l.r.NormFloat64()
	f.reading = math.Round(v/f.grid) * f.grid
}
