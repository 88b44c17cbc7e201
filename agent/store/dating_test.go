package store

import (
	"context"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/clock"
)

func TestBootIn1970IsDatedLater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(readings(r.clock.Now(), 1, 0)...)
	r.clock.Reboot()
	r.clock.Advance(5 * time.Second)
	r.put(readings(r.clock.Now(), 2, 1)...)
	got := r.all(agent.KindReadings)
	if !got[1].Waiting() || !got[2].Waiting() || got[0].Waiting() {
		t.Fatalf("the undated boot's records must wait: %+v", got)
	}
	boot := r.clock.Now().Boot
	r.clock.Advance(time.Minute)
	wall := began.Add(48 * time.Hour)
	r.clock.Step(wall, agent.ClockSynced)
	now := r.clock.Now()
	offset := time.Duration(now.Wall.UnixNano()) - now.Mono
	r.Date(boot, offset, agent.ClockSynced)
	r.Date(boot, offset+time.Hour, agent.ClockSynced)
	want := wall.Add(-time.Minute)
	dated := func(r *rig) bool {
		got := r.all(agent.KindReadings)
		return !got[1].Waiting() && got[1].At().Wall.Equal(want) && got[1].At().Trust == agent.ClockSynced && got[2].At().Wall.Equal(want)
	}
	eventually(t, "dated", func() bool { return dated(r) })
	// A later step of the clock changes nothing of what was dated.
	r.clock.Step(wall.Add(-30*time.Second), agent.ClockSynced)
	r.put(readings(r.clock.Now(), 1, 2)...)
	r.Date(boot, offset-30*time.Second, agent.ClockSynced)
	r = r.again()
	if !dated(r) {
		t.Errorf("after a restart: %+v", r.all(agent.KindReadings))
	}
	if last := r.all(agent.KindReadings)[3]; !last.At().Wall.Equal(wall.Add(-30 * time.Second)) {
		t.Errorf("a record dated by its own clock: %s", last.At().Wall)
	}
}

func TestBootThatEndsUndated(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(readings(r.clock.Now(), 1, 0)...)
	r.clock.Reboot()
	lost := r.clock.Now().Boot
	r.put(readings(r.clock.Now(), 1, 1)...)
	r.clock.Reboot()
	r.put(readings(r.clock.Now(), 1, 2)...)
	for _, rec := range r.all(agent.KindReadings)[1:] {
		if !rec.Waiting() {
			t.Fatalf("must wait: %+v", rec)
		}
	}
	r.clock.Advance(time.Hour)
	r.clock.Step(began.Add(100*time.Hour), agent.ClockHeld)
	r.put(readings(r.clock.Now(), 1, 3)...) // dated by its own clock: its boot is with it
	check := func(r *rig) {
		t.Helper()
		got := r.all(agent.KindReadings)
		u := got[1].Undated
		if u == nil || got[1].Waiting() || !got[1].At().Wall.IsZero() || !u.After.Equal(began) || !u.Before.Equal(began.Add(99*time.Hour)) {
			t.Errorf("the lost boot's record: %+v %+v", got[1].At(), u)
		}
		if got[2].Waiting() || !got[2].At().Wall.Equal(began.Add(99*time.Hour)) || got[2].At().Trust != agent.ClockHeld {
			t.Errorf("the second boot's record: %+v", got[2].At())
		}
	}
	check(r)
	r.Date(lost, time.Hour, agent.ClockSynced) // too late: its records may have been delivered
	r.put(readings(r.clock.Now(), 1, 4)...)
	check(r)
	check(r.again())
}

func TestDateFromSynced(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(began)
	o := options(t.TempDir(), c)
	o.DateFrom = agent.ClockSynced
	c.Step(began, agent.ClockHeld)
	r := start(t, o, c)
	r.put(readings(c.Now(), 1, 0)...)
	if got := r.all(agent.KindReadings); !got[0].Waiting() || !got[0].At().Wall.IsZero() {
		t.Fatalf("a held record must wait: %+v", got[0].At())
	}
	now := c.Now()
	r.Date(now.Boot, time.Duration(now.Wall.UnixNano())-now.Mono, agent.ClockHeld) // clock.wait is over
	eventually(t, "dated", func() bool { g := r.all(agent.KindReadings)[0]; return !g.Waiting() })
	c.Advance(time.Minute)
	r.put(readings(c.Now(), 1, 1)...)
	if got := r.all(agent.KindReadings)[1].At(); !got.Wall.Equal(began.Add(time.Minute)) || got.Trust != agent.ClockHeld {
		t.Errorf("a later held record of the dated boot: %+v", got)
	}
}

func TestHoursOfLateDatedRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.clock.Reboot()
	r.Define([]agent.Definition{definition(0)})
	for range 30 {
		r.clock.Advance(10 * time.Minute)
		r.put(readings(r.clock.Now(), 1, 2_000_000)...)
	}
	now := r.clock.Now()
	r.Date(now.Boot, time.Duration(began.UnixNano()), agent.ClockSynced)
	count := func(r *rig) (n int64) {
		err := r.Hours(context.Background(), began, began.Add(10*time.Hour), func(_ time.Time, _ agent.DefID, h Hour) error {
			n += h.Count
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "counted", func() bool { return count(r) == 30 })
	r = r.again()
	eventually(t, "counted after a restart", func() bool { return count(r) == 30 })
}

func TestHours(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	door := agent.Definition{Point: "d/door", Quantity: agent.Door, Driver: "gpio"}.Identified()
	temp := definition(0)
	r.Define([]agent.Definition{door, temp})
	for i := range 24 * 4 { // four hours, each 150 s
		at := r.clock.Now()
		open := agent.Value(0)
		if i%24 < 6 {
			open = agent.Unit
		}
		fault := agent.OfReading(agent.Reading{Def: temp.ID, At: at, Fault: agent.FaultCRC})
		rec := agent.OfReading(agent.Reading{Def: temp.ID, At: at, Value: agent.Value(i) * agent.Unit, Raw: agent.Value(i) * agent.Unit})
		r.Append([]agent.Record{rec, fault, agent.OfReading(agent.Reading{Def: door.ID, At: at, Value: open, Raw: open})})
		r.clock.Advance(150 * time.Second)
		if i == 50 {
			r = r.again()
		}
	}
	r.put(alarm(r.clock.Now(), "x"))
	check := func() bool {
		type key struct {
			hour time.Time
			def  agent.DefID
		}
		got := map[key]Hour{}
		err := r.Hours(context.Background(), began, began.Add(24*time.Hour), func(at time.Time, def agent.DefID, h Hour) error {
			got[key{at, def}] = h
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for h := range 4 {
			at := began.Add(time.Duration(h) * time.Hour)
			v := got[key{at, temp.ID}]
			mean, _ := v.Mean()
			first := agent.Value(24*h) * agent.Unit
			if v.Count != 24 || v.Faults != 24 || v.Min != first || v.Max != first+23*agent.Unit || mean != first+agent.Unit*23/2 {
				return false
			}
			d := got[key{at, door.ID}]
			if d.On != 6*150*time.Second || d.Count != 24 || (h < 3 && h != 2 && d.Known != time.Hour) {
				return false
			}
		}
		return len(got) == 8
	}
	eventually(t, "hours", check)
	r = r.again()
	eventually(t, "hours after a restart", check)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if rep, err := Check(context.Background(), r.opt.Dir); err != nil || !rep.OK {
		t.Errorf("check: %+v %v", rep, err)
	}
}

// A commit of hours that took place though the disk said otherwise is not done again.
func TestHoursAreCountedOnceOverUnknownOutcomes(t *testing.T) {
	t.Parallel()
	r, f := faulty(t, "committed")
	r.Define([]agent.Definition{definition(0)})
	for range 10 {
		r.clock.Advance(time.Minute)
		r.put(readings(r.clock.Now(), 1, 2_000_000)...)
	}
	f.fail(diskError)
	r.clock.Advance(time.Hour)
	r.Append(readings(r.clock.Now(), 1, 2_000_000), Urgent())
	eventually(t, "a commit that seems to fail", func() bool { return f.failures() > 0 })
	f.heal()
	r.clock.Advance(time.Hour)
	r.put(readings(r.clock.Now(), 1, 2_000_000)...)
	count := func() (n int64) {
		err := r.Hours(context.Background(), began, began.Add(10*time.Hour), func(_ time.Time, _ agent.DefID, h Hour) error {
			n += h.Count
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "every reading counted", func() bool { return count() >= 12 })
	if n := count(); n != 12 {
		t.Fatalf("12 readings are %d in the hours", n)
	}
}
