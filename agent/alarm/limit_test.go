package alarm_test

import (
	"testing"
	"time"
	_ "time/tzdata" // TestDays needs Berlin wherever it runs

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
)

func TestLimit(t *testing.T) {
	const h, m = time.Hour, time.Minute
	for _, c := range []struct {
		name    string
		set     limit.Settings
		samples string // one a minute
		want    string
	}{
		// Strict and inclusive are different words.
		{"above is strict", limit.Settings{Above: val("30")}, "30.0 30.000001 30", "raised@1m0s cleared@2m0s"},
		{"at_or_above takes the limit", limit.Settings{AtOrAbove: val("30")}, "29.9 30.0 29.9", "raised@1m0s cleared@2m0s"},
		{"below is strict", limit.Settings{Below: val("2")}, "2 1.999999 2", "raised@1m0s cleared@2m0s"},
		{"at_or_below takes the limit", limit.Settings{AtOrBelow: val("-0.5")}, "-0.4 -0.5 -0.4", "raised@1m0s cleared@2m0s"},

		// A time without a break: reached when it is ≥, counted from the first value outside.
		{"for is reached on the minute", limit.Settings{Above: val("8"), For: 5 * m}, "5 9*6", "raised@6m0s"},
		{"for is reached between samples", limit.Settings{Above: val("8"), For: 90 * time.Second}, "5 9 9 9", "raised@2m30s"},
		{"for resets on return", limit.Settings{Above: val("8"), For: 5 * m}, "9*4 8 9*4 8", ""},
		{"a run as long as for counts though the next value is inside", limit.Settings{Above: val("8"), For: 5 * m}, "9*5 8", "raised@5m0s cleared@5m0s"},

		// Refrigerator logger: several dips of less than an hour, 3.5 h in all, is no alarm.
		{"30DTR dips", limit.Settings{Below: val("-0.5"), For: h}, "-1*50 3*30 -1*55 3*10 -1*50 3 -1*55 3*60", ""},
		{"30DTR freezing", limit.Settings{Below: val("-0.5"), For: h}, "3 -0.6*61 3", "raised@1h1m0s cleared@1h2m0s"},
		{"30DTR not freezing at the limit", limit.Settings{Below: val("-0.5"), For: h}, "3 -0.5*90 3", ""},
		{"30DTR high", limit.Settings{Above: val("8"), For: 10 * h}, "5 8.1*601", "raised@10h1m0s"},

		// WHO TR07 type 1: ≥ 45 °C for 1 h, ≥ 30 °C for 10 h in all, ≤ −0.5 °C for 1 h.
		{"TR07 45 for an hour", limit.Settings{AtOrAbove: val("45"), For: h}, "44.9 45*60 44.9", "raised@1h1m0s cleared@1h1m0s"},
		{"TR07 45 for less", limit.Settings{AtOrAbove: val("45"), For: h}, "44.9 45*59 44.9", ""},
		{"TR07 30 for 10 h in all", limit.Settings{AtOrAbove: val("30"), Total: 10 * h, Within: limit.Trip}, "30*300 29.9*100 30*299 29.9 30 29.9 30", "raised@11h41m0s"},
		{"TR07 29.9 never", limit.Settings{AtOrAbove: val("30"), Total: 10 * h, Within: limit.Trip}, "29.9*1500", ""},
		{"TR07 type 2: 10 for 20 h in all", limit.Settings{AtOrAbove: val("10"), Total: 20 * h, Within: limit.Trip}, "10*600 9.9*60 10*601", "raised@21h0m0s"},

		// The logger maker's example: 5 consecutive or 7 in all above 20 °C.
		{"5 or 7: no alert", limit.Settings{Above: val("20"), For: 5 * m, Total: 7 * m, Within: limit.Trip}, "21*2 15 5*8 15 21*4 15", ""},
		{"5 or 7: by the total", limit.Settings{Above: val("20"), For: 5 * m, Total: 7 * m, Within: limit.Trip}, "21*4 15 21*4 15", "raised@8m0s"},
		{"5 or 7: by the run", limit.Settings{Above: val("20"), For: 5 * m, Total: 7 * m, Within: limit.Trip}, "21*5 15", "raised@5m0s cleared@5m0s"},

		// Deadband: a high alarm clears below limit − deadband, a low one above limit + deadband.
		{"deadband high", limit.Settings{Above: val("8"), Deadband: *val("0.5")}, "9 8 7.5 7.4", "raised@0s cleared@3m0s"},
		{"deadband low", limit.Settings{Below: val("2"), Deadband: *val("0.5")}, "1 2 2.5 2.6", "raised@0s cleared@3m0s"},
		{"deadband does not bridge a run", limit.Settings{Above: val("8"), For: 5 * m, Deadband: *val("0.5")}, "9*3 7.9 9*3 7.9", ""},

		// Gaps neither extend nor reset; a value holds for three intervals.
		{"a value holds for three intervals", limit.Settings{Above: val("8"), For: 3 * m}, "9 - - - - T", "raised@3m0s"},
		{"and no longer", limit.Settings{Above: val("8"), For: 4 * m}, "9 -*30 T", ""},
		{"a gap does not reset", limit.Settings{Above: val("8"), For: 5 * m}, "9 -*30 9*3", "raised@33m0s"},
		{"a fault is a gap at once", limit.Settings{Above: val("8"), For: 5 * m}, "9*3 !crc*60 9*3", "raised@1h5m0s"},
		{"a fault never clears", limit.Settings{Above: val("8")}, "9 !absent*100 9 8", "raised@0s cleared@1h42m0s"},
		{"a fault resets nothing and neither does it count", limit.Settings{Above: val("8"), For: 5 * m}, "9*4 !crc 8 9*4 8", ""},

		// Doubtful values open, and neither clear nor reset.
		{"implausible opens", limit.Settings{Above: val("8")}, "5 ~60", "raised@1m0s"},
		{"implausible does not clear", limit.Settings{Above: val("8")}, "9 ~-40 5", "raised@0s cleared@2m0s"},
		{"implausible does not reset", limit.Settings{Above: val("8"), For: 5 * m}, "9*3 ~-40 9*3", "raised@6m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(c.set)}})
			expect(t, play(t, e, c.samples), c.want)
		})
	}
}

func TestRollingWindow(t *testing.T) {
	set := limit.Settings{Above: val("8"), Total: 3 * time.Minute, Within: "10m"}
	for _, c := range []struct{ name, samples, want string }{
		// Two of the first minutes outside leave the window before two more make three.
		{"old time leaves", "9*2 5*9 9*2 5*20", ""},
		{"enough within the window", "9*2 5*3 9*2 5*20 T", "raised@6m0s cleared@11m0.001s"},
		{"clears by itself", "9*4 5*20 T", "raised@3m0s cleared@11m0.001s"},
		{"all outside stays", "9*40 5*20", "raised@3m0s cleared@47m0.001s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(set)}})
			expect(t, play(t, e, c.samples), c.want)
		})
	}
}

// TestDays: a day is the site's, also where it has 23 or 25 hours.
func TestDays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// Outside without end from 22:00 of the day before: each day counts for itself.
	for _, c := range []struct {
		name  string
		day   time.Time
		total time.Duration
		want  string
	}{
		{"an ordinary day has 24 h", time.Date(2026, 3, 10, 22, 0, 0, 0, berlin), 24 * time.Hour, "raised@26h0m0s cleared@26h0m0.001s"},
		{"an ordinary day has no more", time.Date(2026, 3, 10, 22, 0, 0, 0, berlin), 24*time.Hour + time.Minute, ""},
		{"the day the clock goes forward has 23 h", time.Date(2026, 3, 28, 22, 0, 0, 0, berlin), 23*time.Hour + time.Minute, ""},
		{"and these are reached", time.Date(2026, 3, 28, 22, 0, 0, 0, berlin), 23 * time.Hour, "raised@25h0m0s cleared@25h0m0.001s"},
		{"the day the clock goes back has 25 h", time.Date(2026, 10, 24, 22, 0, 0, 0, berlin), 25 * time.Hour, "raised@27h0m0s cleared@27h0m0.001s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := engine(t, alarm.Setup{
				Location: berlin,
				Specs:    []alarm.Spec{limitSpec(limit.Settings{Above: val("8"), Total: c.total, Within: limit.Day})},
			})
			var got []string
			for n := range 27*60 + 2 {
				when := at(time.Duration(n) * time.Minute)
				when.Wall = c.day.UTC().Add(time.Duration(n) * time.Minute)
				got = append(got, transitions(e.Step(reading(air, when, "9")))...)
			}
			expect(t, got, c.want)
		})
	}
}

// TestClockSteps: a step of the wall clock neither makes nor swallows an excursion.
func TestClockSteps(t *testing.T) {
	for _, step := range []time.Duration{-30 * time.Second, 30 * time.Second, -24 * time.Hour, 365 * 24 * time.Hour} {
		e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8"), For: 5 * time.Minute})}})
		var got []string
		for n := range 7 {
			when := at(time.Duration(n) * time.Minute)
			if n >= 3 {
				when.Wall = when.Wall.Add(step)
			}
			got = append(got, transitions(e.Step(reading(air, when, "9")))...)
		}
		expect(t, got, "raised@5m0s")
	}
}

// TestClockOverMidnight: the clock is set back over midnight and comes round again; the
// first day's total is still there.
func TestClockOverMidnight(t *testing.T) {
	e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8"), Total: 60 * time.Minute, Within: limit.Day})}})
	start := time.Date(2026, 3, 2, 23, 5, 0, 0, time.UTC)
	var got []string
	for n := range 65 {
		when := at(time.Duration(n) * time.Minute)
		when.Wall = start.Add(time.Duration(n) * time.Minute)
		if n >= 56 { // 00:01 becomes 23:51
			when.Wall = when.Wall.Add(-10 * time.Minute)
		}
		got = append(got, transitions(e.Step(reading(air, when, "9")))...)
	}
	// 55 min until midnight, a minute of the next day until the step, then the first day again.
	if len(got) == 0 || got[0] != "raised@1h1m0s" {
		t.Errorf("got %v, want the first day's hour to be full after 61 min", got)
	}
}

func TestUnsetClock(t *testing.T) {
	for _, set := range []limit.Settings{
		{Above: val("8"), For: 5 * time.Minute},
		{Above: val("8"), Total: 5 * time.Minute, Within: limit.Day},
		{Above: val("8"), Total: 5 * time.Minute, Within: "24h"},
	} {
		e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(set)}})
		var out alarm.Output
		for n := range 6 {
			when := agent.Instant{Mono: time.Hour + time.Duration(n)*time.Minute, Boot: boot1}
			out = e.Step(reading(air, when, "9"))
		}
		expect(t, transitions(out), "raised@5m0s")
		ev := out.Events[0]
		if !ev.At.Wall.IsZero() || !ev.Alarm.Began.IsZero() {
			t.Errorf("an unset clock gave a date: %v, began %v", ev.At.Wall, ev.Alarm.Began)
		}
	}
}

// TestLateSamples: what is older than the newest of its point, older than three intervals,
// or of a boot before, opens and clears nothing.
func TestLateSamples(t *testing.T) {
	e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8")})}})
	expect(t, play(t, e, "5*10"), "")
	expect(t, transitions(e.Step(reading(air, at(8*time.Minute), "9"))), "")
	e.Step(alarm.Input{At: at(30 * time.Minute)})
	expect(t, transitions(e.Step(reading(air, at(26*time.Minute), "9"))), "")
	expect(t, transitions(e.Step(reading(air, at(28*time.Minute), "9"))), "raised@30m0s") // newest, and holds still
	expect(t, transitions(e.Step(reading(air, at(27*time.Minute), "5"))), "")

	second := agent.Instant{Wall: noon.Add(time.Hour), Mono: time.Minute, Boot: boot2, Trust: agent.ClockSynced}
	e.Step(alarm.Input{At: second})
	if out := e.Step(reading(air, at(50*time.Minute), "5")); len(out.Events) != 0 {
		t.Errorf("a sample of the boot before brought about %v", transitions(out))
	}
	if out := e.Step(reading(air, second, "5")); len(out.Events) != 1 {
		t.Errorf("a new value cleared nothing: %v", transitions(out))
	}
}
