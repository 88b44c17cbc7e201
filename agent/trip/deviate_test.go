package trip_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/trip"
)

// ticks steps an engine without input to each instant at which it wants to be stepped.
func ticks(e *trip.Engine, until time.Duration) []string {
	var all []string
	for out := e.Step(trip.Input{At: at(0)}); ; {
		if out.Next == 0 || out.Next > time.Hour+until {
			return all
		}
		when := out.Next - time.Hour
		out = e.Step(trip.Input{At: at(when)})
		if len(out.Events) > 0 {
			all = append(all, fmt.Sprintf("%s@%s", told(out.Events), when))
		}
	}
}

// TestLateLevels: 30 min late is level 1, each 30 min more the next level.
func TestLateLevels(t *testing.T) {
	for name, c := range map[string]struct {
		stops  []trip.Stop
		levels trip.Levels
		want   string
	}{
		"published": {
			[]trip.Stop{{Name: "A", Due: noon.Add(time.Hour)}}, trip.Levels{},
			"deviated late 1@1h30m0s deviated late 2@2h0m0s deviated late 3@2h30m0s deviated late 4@3h0m0s",
		},
		"after departure": {[]trip.Stop{{Name: "A", After: 2 * time.Hour}}, trip.Levels{}, "deviated late 1@2h30m0s deviated late 2@3h0m0s"},
		"set": {
			[]trip.Stop{{Name: "A", Due: noon}}, trip.Levels{Late: 10 * time.Minute, Every: time.Hour, Highest: 2},
			"deviated late 1@10m0s deviated late 2@1h10m0s",
		},
		"no time":  {[]trip.Stop{{Name: "A"}}, trip.Levels{}, ""},
		"overdue":  {[]trip.Stop{{Name: "A", Due: noon.Add(-45 * time.Minute)}}, trip.Levels{Highest: 2}, "deviated late 2@15m0s"},
		"not late": {[]trip.Stop{{Name: "A", Due: noon.Add(2*time.Hour + 31*time.Minute)}}, trip.Levels{}, ""},
	} {
		s := setup()
		s.Levels = c.levels
		e := engine(t, s)
		start(t, e, at(0), trip.Plan{Lane: "south", Stops: c.stops, Phase: agent.PhaseUnderWay})
		if got := strings.Join(ticks(e, 3*time.Hour), " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestLateIsOverAtTheStop: reaching the stop ends its delay, and the next stop's begins.
func TestLateIsOverAtTheStop(t *testing.T) {
	e := engine(t, setup())
	stops := []trip.Stop{{Name: "A", Due: noon}, {Name: "B", Due: noon.Add(30 * time.Minute)}, {Name: "C"}}
	start(t, e, at(0), trip.Plan{Stops: stops, Phase: agent.PhaseUnderWay})
	e.Step(trip.Input{At: at(70 * time.Minute)})
	out, err := e.Do(at(75*time.Minute), trip.Order{Do: trip.Arrive, Stop: "A", Comment: "ferry"}, driver)
	if got := told(out.Events); err != nil || got != "arrived A; recovered late 0; deviated late 1" {
		t.Errorf("%v %s", err, got)
	}
	if a := out.Events[0].Trip; a.LateS != 4500 || a.Comment != "ferry" || a.Message != "trip truck-7-20260302t120000z-1 reached A, 1 h 15 min late" {
		t.Errorf("%+v", a)
	}
	out, err = e.Do(at(80*time.Minute), trip.Order{Do: trip.Arrive, Stop: "C"}, driver)
	if got := told(out.Events); err != nil || got != "skipped B; arrived C; recovered late 0" {
		t.Errorf("%v %s", err, got)
	}
	if out, _ = e.Do(at(90*time.Minute), trip.Order{Do: trip.End}, driver); out.Next != 0 || told(out.Events) != "ended" {
		t.Errorf("after the end: %s, next %s", told(out.Events), out.Next)
	}
}

// TestCorridor: 500 m off the line is level 1; while it lasts, each 30 min the next level.
func TestCorridor(t *testing.T) {
	s := setup()
	e := engine(t, s)
	start(t, e, at(0), trip.Plan{Stops: []trip.Stop{{Name: "A"}}, Phase: agent.PhaseUnderWay})
	for _, c := range []struct {
		minute   int
		lat, lon string
		want     string
	}{
		{1, "0.00449", "0.5", ""},                       // 499 m
		{2, "0.004497", "0.5", "deviated corridor 1"},   // 500 m
		{3, "0.0043", "0.5", ""},                        // 478 m: still on the border
		{4, "0.004", "0.5", "recovered corridor 0"},     // 445 m
		{5, "0.1", "0.5", "deviated corridor 1"},        // 11 km
		{6, "", "", ""},                                 // no fix: nothing is known
		{50, "0.1", "0.5", ""},                          // nor does it count
		{51, "0.1", "0.5", ""},                          //
		{60, "0.1", "-0.5", ""},                         // beyond the end of the line; the fix before held for 3 min
		{61, "0.1", "0.5", ""},                          //
		{62, "-0.001", "1.5", "recovered corridor 0"},   //
		{63, "-0.0045", "1.5", "deviated corridor 1"},   // the other side
		{64, "0", "2.0045", ""},                         // 501 m beyond its end: off all the same
		{65, "0", "2.0001", "recovered corridor 0"},     //
		{66, "0.000001", "2.0001", ""},                  //
		{67, "90", "0", "deviated corridor 1"},          // the pole is far off
		{68, "0", "0", "recovered corridor 0"},          //
		{69, "0.5", "179.9", "deviated corridor 1"},     // so is the other side of the earth
		{70, "0", "0.000001", "recovered corridor 0"},   //
		{71, "0.0044", "-0.0009", ""},                   // 499 m from the first point
		{72, "0.0044", "-0.001", "deviated corridor 1"}, // 502 m
	} {
		events := fix(e, s, at(time.Duration(c.minute)*time.Minute), c.lat, c.lon)
		if got := told(events); got != c.want {
			t.Errorf("minute %d: %q, want %q", c.minute, got, c.want)
		}
	}
}

func TestCorridorLevels(t *testing.T) {
	s := setup()
	e := engine(t, s)
	start(t, e, at(0), trip.Plan{Stops: []trip.Stop{{Name: "A"}}, Phase: agent.PhaseUnderWay})
	var got []string
	for m := 0; m <= 95; m++ {
		if told := told(fix(e, s, at(time.Duration(m)*time.Minute), "0.02", "1")); told != "" {
			got = append(got, fmt.Sprintf("%s@%d", told, m))
		}
	}
	if want := "deviated corridor 1@0 deviated corridor 2@30 deviated corridor 3@60 deviated corridor 4@90"; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", got, want)
	}
	st, _ := e.Open()
	if st.OffLevel != 4 || st.DistanceM != 2224 || st.Spot == nil || !st.Transit {
		t.Errorf("%+v", st)
	}
	out, err := e.Do(at(96*time.Minute), trip.Order{Do: trip.Unload}, driver)
	if err != nil || told(out.Events) != "recovered corridor 0; unloading" {
		t.Errorf("%v %s", err, told(out.Events))
	}
	if got := told(fix(e, s, at(97*time.Minute), "0.02", "1")); got != "" {
		t.Errorf("unloading off the corridor: %s", got)
	}
	if st, _ := e.Open(); st.Transit {
		t.Error("transit rules hold while unloading")
	}
	stale := e.Step(trip.Input{At: at(101 * time.Minute)})
	if st, _ := e.Open(); st.Spot != nil || len(stale.Events) > 0 {
		t.Errorf("a stale position is carried on: %+v", st.Spot)
	}
}

// TestPositionQuality: doubtful, old and impossible positions are not used.
func TestPositionQuality(t *testing.T) {
	for name, p := range map[string]trip.Position{
		"doubtful":   {Lat: deg("1"), Quality: trip.QualityDoubtful},
		"none":       {Lat: deg("1")},
		"old":        {Lat: deg("1"), Quality: trip.QualityGood, Age: 2 * time.Minute},
		"impossible": {Lat: deg("91"), Quality: trip.QualityGood},
	} {
		e := engine(t, setup())
		start(t, e, at(0), trip.Plan{Phase: agent.PhaseUnderWay})
		if got := told(e.Step(trip.Input{At: at(0), Position: &p}).Events); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	e := engine(t, setup())
	start(t, e, at(0), trip.Plan{Phase: agent.PhaseUnderWay})
	good := trip.Position{Lat: deg("1"), Lon: deg("1"), Quality: trip.QualityGood, Age: time.Second}
	out := e.Step(trip.Input{At: at(0), Position: &good})
	if told(out.Events) != "deviated corridor 1" || out.Events[0].Trip.DistanceM != 111195 || *out.Events[0].Trip.Lat != deg("1") {
		t.Errorf("%s %+v", told(out.Events), out.Events)
	}
	s := setup()
	marked := value(s, "gnss/latitude", at(time.Second), "0")
	marked.Reading.Marks = agent.MarkTooFast
	e.Step(marked)
	if got := told(e.Step(value(s, "gnss/longitude", at(time.Second), "1")).Events); got != "" {
		t.Errorf("a leap back into the corridor: %s", got)
	}
}

// TestStopsByPosition: the next stop is reached by driving to it, a later one by staying there.
func TestStopsByPosition(t *testing.T) {
	s := setup()
	e := engine(t, s)
	start(t, e, at(0), trip.Plan{Phase: agent.PhaseUnderWay})
	if got := told(fix(e, s, at(50*time.Minute), "0.001", "1.001")); got != "arrived Clinic" {
		t.Errorf("%s", got)
	}
	if got := told(fix(e, s, at(55*time.Minute), "0", "2")); got != "arrived Hospital" {
		t.Errorf("%s", got)
	}
	e = engine(t, s)
	start(t, e, at(0), trip.Plan{Phase: agent.PhaseUnderWay})
	var got []string
	for m := range 8 {
		got = append(got, told(fix(e, s, at(time.Duration(m)*time.Minute), "0", "2")))
	}
	if want := ";;;;;skipped Clinic; arrived Hospital;;"; strings.Join(got, ";") != want {
		t.Errorf("%s, want %s", strings.Join(got, ";"), want)
	}
}

// TestClockSteps: no step of the wall clock makes or swallows a delay; a clock that becomes
// trusted puts the planned times right.
func TestClockSteps(t *testing.T) {
	for name, c := range map[string]struct {
		first, then agent.ClockTrust
		step        time.Duration
		want        string
	}{
		"back":         {agent.ClockSynced, agent.ClockSynced, -5 * time.Hour, "deviated late 1@1h30m0s"},
		"forward":      {agent.ClockSynced, agent.ClockSynced, 5 * time.Hour, "deviated late 1@1h30m0s"},
		"put right":    {agent.ClockHeld, agent.ClockSynced, 20 * time.Minute, "deviated late 1@1h10m0s deviated late 2@1h40m0s"},
		"less trusted": {agent.ClockSynced, agent.ClockHeld, 5 * time.Hour, "deviated late 1@1h30m0s"},
		"from unset":   {agent.ClockUnset, agent.ClockSynced, 0, "deviated late 1@1h30m0s"},
		"stays unset":  {agent.ClockUnset, agent.ClockUnset, 0, ""},
	} {
		e := engine(t, setup())
		now := func(d time.Duration, trust agent.ClockTrust, step time.Duration) agent.Instant {
			i := at(d)
			i.Trust, i.Wall = trust, i.Wall.Add(step)
			if trust == agent.ClockUnset {
				i.Wall = time.Time{}
			}
			return i
		}
		start(t, e, now(0, c.first, 0), trip.Plan{Stops: []trip.Stop{{Name: "A", Due: noon.Add(time.Hour)}}, Phase: agent.PhaseUnderWay})
		var got []string
		for m := time.Minute; m < 2*time.Hour; m += time.Minute {
			if out := e.Step(trip.Input{At: now(m, c.then, c.step)}); len(out.Events) > 0 {
				got = append(got, fmt.Sprintf("%s@%s", told(out.Events), m))
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestPowerCut: a level that was due while the power was off is told at once, once, as late.
func TestPowerCut(t *testing.T) {
	e := engine(t, setup())
	start(t, e, at(0), trip.Plan{Stops: []trip.Stop{{Name: "A", Due: noon}}, Phase: agent.PhaseUnderWay})
	later := agent.Instant{Wall: noon.Add(95 * time.Minute), Mono: time.Second, Boot: agent.BootID{9}, Trust: agent.ClockHeld}
	out := e.Step(trip.Input{At: later})
	if told(out.Events) != "deviated late 3" || !out.Events[0].Trip.Late || out.Events[0].Trip.LateS != 5700 {
		t.Errorf("%s", told(out.Events))
	}
	if out.Next != time.Second+25*time.Minute {
		t.Errorf("next at %s", out.Next)
	}
}
