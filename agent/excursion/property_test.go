package excursion_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/excursion"
)

// deed is one thing that happens to an engine.
type deed struct {
	in  excursion.Input
	act string
	why string
}

// deeds draws a history: alarms, readings, faults, people, silence, restarts, reboots and clock steps.
func deeds(t *rapid.T, s excursion.Setup) []deed {
	now := agent.Instant{Wall: noon, Mono: time.Hour, Boot: boot1, Trust: agent.ClockSynced}
	open := map[agent.PointID]agent.AlarmEventID{}
	var all []deed
	for n := range rapid.IntRange(5, 70).Draw(t, "deeds") {
		now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 500, 60_000, 60_000, 150_000, 1_200_000}).Draw(t, "pause")) * time.Millisecond)
		p := rapid.SampledFrom(s.Points).Draw(t, "point")
		d := deed{in: excursion.Input{At: now}}
		switch rapid.IntRange(0, 15).Draw(t, "what") {
		case 0:
			d.in.Start = true
		case 1:
			now = agent.Instant{Wall: now.Wall.Add(time.Hour), Mono: time.Second, Boot: agent.BootID{byte(n + 2)}, Trust: now.Trust}
			d.in.At = now
		case 2:
			now.Wall = now.Wall.Add(time.Duration(rapid.SampledFrom([]int{-30, 30, -7200, 7200}).Draw(t, "step")) * time.Second)
			d.in.At = now
		case 3:
			now.Trust = rapid.SampledFrom([]agent.ClockTrust{agent.ClockUnset, agent.ClockHeld, agent.ClockSynced}).Draw(t, "trust")
			d.in.At = now
		case 4, 5, 6, 7:
			a := &agent.AlarmEvent{Alarm: "a", Kind: "limit", Zone: p.Zone, Point: p.Point, Value: deg("9"), Limit: deg("8")}
			if id, is := open[p.Point]; is {
				delete(open, p.Point)
				a.ID, a.Transition = id, rapid.SampledFrom([]agent.Transition{agent.Cleared, agent.Latched, agent.OutOfService}).Draw(t, "over")
			} else {
				a.ID, a.Transition = agent.AlarmEventID(fmt.Sprintf("a:%s:%d", p.Point, n)), agent.Raised
				a.Began = now.Wall.Add(-time.Minute)
				open[p.Point] = a.ID
			}
			d.in.Alarm = a
		case 8:
			d.in.Alarm = &agent.AlarmEvent{
				ID: agent.AlarmEventID(fmt.Sprintf("n:%s:%d", p.Point, n)), Alarm: "n", Kind: rapid.SampledFrom([]string{"no-data", "door-ajar"}).Draw(t, "kind"),
				Zone: p.Zone, Point: p.Point, Transition: rapid.SampledFrom([]agent.Transition{agent.Raised, agent.Cleared}).Draw(t, "transition"),
			}
		case 9, 10:
			d.act, d.why = rapid.SampledFrom([]string{"name", "evaluate", "evaluate", "dispose", "dispose"}).Draw(t, "act"), string(p.Zone)
		default:
			r := agent.Reading{At: now, Value: *deg(rapid.SampledFrom([]string{"0", "1", "9", "11", "-2"}).Draw(t, "value"))}
			if rapid.IntRange(0, 5).Draw(t, "ok") == 0 {
				r.Fault = agent.FaultCRC
			}
			d.in.Reading, d.in.Definition = &r, &p.Definition
		}
		all = append(all, d)
	}
	return all
}

func apply(e *excursion.Engine, d deed) []agent.Event {
	var out excursion.Output
	switch d.act {
	case "name":
		out, _ = e.Name(d.in.At, d.why, agent.CauseDoorOpen, keeper, "seen")
	case "evaluate":
		out, _ = e.Evaluate(d.in.At, d.why, "fine", quality)
	case "dispose":
		out, _ = e.Dispose(d.in.At, d.why, agent.DispositionReject, quality, "gone")
	default:
		out = e.Step(d.in)
	}
	return out.Events
}

func text(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// events as text, with the instants that JSON leaves out.
func eventsText(t *rapid.T, events []agent.Event) string {
	var all []string
	for _, ev := range events {
		all = append(all, fmt.Sprintf("%v %v %s", ev.At.Mono, ev.At.Wall, text(t, ev)))
	}
	return strings.Join(all, "\n")
}

func cut(t *rapid.T, e *excursion.Engine) *excursion.Engine {
	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	next := excursion.New(setup())
	if err := next.Restore(state); err != nil {
		t.Fatal(err)
	}
	return next
}

// TestRestoreAnywhere: an engine that is saved and restored after every deed does exactly what
// one does that never stops.
func TestRestoreAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, saved := excursion.New(setup()), excursion.New(setup())
		for n, d := range deeds(t, setup()) {
			if want, got := eventsText(t, apply(one, d)), eventsText(t, apply(saved, d)); want != got {
				t.Fatalf("step %d, %+v\ngot  %s\nwant %s", n, d, got, want)
			}
			saved = cut(t, saved)
			if a, b := text(t, one.Cases()), text(t, saved.Cases()); a != b {
				t.Fatalf("step %d: %s\nrestored %s", n, a, b)
			}
		}
	})
}

// TestReplay: an engine that is restored somewhere and relives the records since, people's acts
// by their events, makes the same events.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := excursion.New(setup())
		all := deeds(t, setup())
		from := rapid.IntRange(0, len(all)-1).Draw(t, "from")
		var again *excursion.Engine
		var want, got []agent.Event
		for n, d := range all {
			if n == from {
				again = cut(t, one)
			}
			made := apply(one, d)
			if again == nil {
				continue
			}
			want = append(want, made...)
			if d.act == "" {
				got = append(got, again.Step(d.in).Events...)
				continue
			}
			for i := range made {
				got = append(got, again.Relive(&made[i]).Events...)
			}
			got = append(got, again.Step(excursion.Input{At: d.in.At}).Events...)
		}
		if a, b := eventsText(t, want), eventsText(t, got); a != b {
			t.Fatalf("relived\n%s\nwant\n%s", b, a)
		}
	})
}

// TestTicksChangeNothing: stepping more often than the engine asks for changes no event.
func TestTicksChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quiet, ticked := excursion.New(setup()), excursion.New(setup())
		var want, got []agent.Event
		var last agent.Instant
		for _, d := range deeds(t, setup()) {
			// Ticks come between inputs of one boot whose clock runs on.
			if last.Boot == d.in.At.Boot && last.Trust == d.in.At.Trust && !d.in.Start && d.in.At.Wall.Sub(last.Wall) == d.in.At.Mono-last.Mono {
				for m := last.Mono + 700*time.Millisecond; m < d.in.At.Mono; m += 37 * time.Second {
					got = append(got, ticked.Step(excursion.Input{At: d.in.At.Add(m - d.in.At.Mono)}).Events...)
				}
			}
			last = d.in.At
			want = append(want, apply(quiet, d)...)
			got = append(got, apply(ticked, d)...)
		}
		if a, b := eventsText(t, want), eventsText(t, got); a != b {
			t.Fatalf("with ticks\n%s\nwithout\n%s", b, a)
		}
	})
}

// TestEventsAreWhole: whatever happens, a case's events are numbered from 1 without a gap, only
// one case of a zone is out, what ever died never ends returned, and nothing is decided twice.
func TestEventsAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := excursion.New(setup())
		last := map[agent.CaseID]*agent.ExcursionEvent{}
		for _, d := range deeds(t, setup()) {
			for _, ev := range apply(e, d) {
				x := ev.Excursion
				was := last[x.ID]
				switch {
				case was == nil && (x.N != 1 || x.Transition != agent.CaseOpened):
					t.Fatalf("first event %+v", x)
				case was != nil && x.N != was.N+1:
					t.Fatalf("%+v after %+v", x, was)
				case was != nil && was.Disposition != "" && x.Disposition != was.Disposition && x.Transition != agent.CaseResumed:
					t.Fatalf("%+v after %+v", x, was)
				case x.Message == "" || ev.Kind != agent.EventExcursion || x.Cause == "":
					t.Fatalf("%+v", x)
				}
				died := slices.ContainsFunc(x.Outside, func(p agent.ExcursionPoint) bool { return p.Dead })
				if died && x.State == agent.ExcursionReturned {
					t.Fatalf("died and returned: %+v", x)
				}
				if x.State == agent.ExcursionReturned && was != nil && was.State == agent.ExcursionUnknown {
					t.Fatalf("unknown and returned: %+v", x)
				}
				last[x.ID] = x
			}
			out := map[agent.ZoneID]bool{}
			for _, c := range e.Cases() {
				if c.State == agent.ExcursionOut && out[c.Zone] {
					t.Fatalf("two cases of %s are out", c.Zone)
				}
				out[c.Zone] = out[c.Zone] || c.State == agent.ExcursionOut
			}
		}
	})
}

// plainCase is a zone's case written as plainly as can be: one second after the other.
type plainCase struct {
	state    string // "" none
	out      map[agent.PointID]bool
	seen     map[agent.PointID]int
	died     bool
	happened []string
}

func (p *plainCase) dead(id agent.PointID, s int) bool { return s-p.seen[id] >= 600 }

func (p *plainCase) say(s int, what string) {
	p.happened = append(p.happened, fmt.Sprintf("%s %s@%d", what, p.state, s))
}

func (p *plainCase) second(s int) {
	lives := false
	for id := range p.out {
		p.died = p.died || p.dead(id, s)
		lives = lives || !p.dead(id, s)
	}
	if p.state == "out" && !lives {
		p.state = "returned"
		if p.died {
			p.state = "unknown"
		}
		p.say(s, "ended")
	}
}

func (p *plainCase) raised(s int, id agent.PointID) {
	what := "joined"
	switch {
	case len(p.out) == 0:
		*p = plainCase{out: map[agent.PointID]bool{}, seen: map[agent.PointID]int{}, happened: p.happened}
		what = "opened"
	case p.state != "out":
		what = "resumed"
	}
	if _, known := p.seen[id]; known && what == "joined" {
		what = ""
	}
	p.out[id], p.seen[id], p.state = true, s, "out"
	if what != "" {
		p.say(s, what)
	}
}

func (p *plainCase) cleared(s int, id agent.PointID) {
	delete(p.out, id)
	p.second(s)
}

func (p *plainCase) read(s int, id agent.PointID) {
	if !p.out[id] {
		return
	}
	was := p.dead(id, s)
	p.seen[id] = s
	if was && p.state != "out" {
		p.state = "out"
		p.say(s, "resumed")
	}
}

// TestAgainstReference: on any series of alarms, readings, silence, clock steps and restarts the
// engine says the same in the same seconds as its plain counterpart.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		var got, history []string
		step, second := time.Duration(0), 0
		now := func() agent.Instant {
			i := at(time.Duration(second) * time.Second)
			i.Wall = i.Wall.Add(step)
			return i
		}
		note := func(out excursion.Output) {
			for _, ev := range out.Events {
				got = append(got, fmt.Sprintf("%s %s@%d", ev.Excursion.Transition, ev.Excursion.State, int64((ev.At.Mono-time.Hour)/time.Second)))
			}
		}
		note(w.e.Step(excursion.Input{At: now()}))
		p := &plainCase{}
		raised := map[agent.PointID]bool{}
		for range rapid.IntRange(1, 50).Draw(t, "deeds") {
			for range rapid.SampledFrom([]int{0, 1, 60, 60, 60, 590, 700}).Draw(t, "pause") {
				second++
				p.second(second)
			}
			what := rapid.SampledFrom([]string{"alarm", "alarm", "read", "read", "read", "tick", "step", "cut"}).Draw(t, "what")
			id := rapid.SampledFrom([]agent.PointID{air, goods, hum}).Draw(t, "point")
			history = append(history, fmt.Sprintf("%s %s@%d", what, id, second))
			switch what {
			case "alarm":
				a := &agent.AlarmEvent{ID: agent.AlarmEventID(id), Alarm: "a", Kind: "limit", Zone: "cr1", Point: id, Value: deg("9"), Limit: deg("8")}
				a.Transition = agent.Raised
				if raised[id] {
					a.Transition = agent.Cleared
					p.cleared(second, id)
				} else {
					p.raised(second, id)
				}
				raised[id] = !raised[id]
				note(w.e.Step(excursion.Input{At: now(), Alarm: a}))
			case "read":
				p.read(second, id)
				for i := range w.s.Points {
					if w.s.Points[i].Point == id {
						note(w.e.Step(excursion.Input{At: now(), Reading: &agent.Reading{At: now(), Value: *deg("9")}, Definition: &w.s.Points[i].Definition}))
					}
				}
			case "step":
				step = time.Duration(rapid.IntRange(-10_000, 10_000).Draw(t, "by")) * time.Second
			case "cut":
				w.e = cut(t, w.e)
			default:
				note(w.e.Step(excursion.Input{At: now()}))
			}
		}
		note(w.e.Step(excursion.Input{At: now()}))
		if a, b := strings.Join(got, " "), strings.Join(p.happened, " "); a != b {
			t.Fatalf("%s\ngot  %s\nwant %s", strings.Join(history, "; "), a, b)
		}
	})
}

// FuzzRestore: any bytes are a state or an error, and an engine restored from them works.
func FuzzRestore(f *testing.F) {
	w := newWorld(f)
	w.read(0, "mains/power_ok", "0")
	w.alarm(0, "limit", air, "raised 9 8")
	state, err := w.e.State()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state)
	f.Add([]byte(`{"v":1,"line":{"now":0}}`))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t)
		if err := w.e.Restore(b); err != nil && !errors.Is(err, excursion.ErrState) {
			t.Fatal(err)
		}
		w.read(0, air, "9")
		w.alarm(0, "limit", air, "raised 9 8")
		w.note(w.e.Step(excursion.Input{At: at(100 * time.Hour)}))
		w.e.Cases()
		if _, err := w.e.State(); err != nil {
			t.Fatal(err)
		}
	})
}
