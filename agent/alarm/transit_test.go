package alarm_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
)

// TestTransit: an alarm of transit is armed at the departure and not before, begins there with
// nothing counted, and is cleared when the trip is under way no longer.
func TestTransit(t *testing.T) {
	spec := limitSpec(limit.Settings{Above: val("8"), For: 3 * time.Minute})
	spec.Transit = true
	e := engine(t, alarm.Setup{Specs: []alarm.Spec{spec}})
	var got []string
	minute := func(n int, sample string, trip *alarm.Trip) {
		in := alarm.Input{At: at(time.Duration(n) * time.Minute), Trip: trip}
		if trip == nil {
			in = reading(air, in.At, sample)
		}
		got = append(got, transitions(e.Step(in))...)
	}
	for n := range 10 {
		minute(n, "9", nil)
	}
	minute(10, "", &alarm.Trip{Begins: true})
	minute(11, "9", nil)
	minute(12, "", &alarm.Trip{Transit: true})
	for n := 13; n < 15; n++ {
		minute(n, "9", nil)
	}
	expect(t, got, "")
	minute(16, "9", nil)
	expect(t, got, "raised@16m0s")
	minute(17, "", &alarm.Trip{})
	expect(t, got, "raised@16m0s cleared@17m0s")
	for n := 18; n < 30; n++ {
		minute(n, "9", nil)
	}
	expect(t, got, "raised@16m0s cleared@17m0s")
	if s := e.Active(); len(s) != 1 || s[0].State != agent.StateRtnUnack {
		t.Errorf("%+v", s)
	}
}

// TestATotalOfATripBeginsWithTheTrip: ten hours in all are those of one trip.
func TestATotalOfATripBeginsWithTheTrip(t *testing.T) {
	e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8"), Total: 5 * time.Minute, Within: limit.Trip})}})
	var got []string
	for n := range 20 {
		if n == 4 {
			got = append(got, transitions(e.Step(alarm.Input{At: at(time.Duration(n) * time.Minute), Trip: &alarm.Trip{Begins: true}}))...)
		}
		out := e.Step(reading(air, at(time.Duration(n)*time.Minute), "9"))
		for range out.Events {
			if n != 9 {
				t.Errorf("raised in minute %d", n)
			}
		}
		got = append(got, transitions(out)...)
	}
	expect(t, got, "raised@9m0s")
}
