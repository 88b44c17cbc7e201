package trip_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/trip"
)

// anySetup has triggers of every kind.
func anySetup() trip.Setup {
	s := setup()
	s.Triggers = []trip.Trigger{
		{Do: trip.Start, Code: "TRIP"}, {Do: trip.Start, Point: "dash/ignition", Is: agent.Unit, For: 90 * time.Second},
		{Do: trip.Load, Place: &trip.Place{Name: "Hub", Spot: spot("0", "0.5")}},
		{Do: trip.Depart, Code: "GO"}, {Do: trip.Depart, Place: &trip.Place{Name: "Hub", Spot: spot("0", "0.5")}, Leave: true},
		{Do: trip.End, Code: "TRIP"}, {Do: trip.End, Point: "dash/ignition", Is: 0, For: 5 * time.Minute},
	}
	return s
}

// deed is one thing that happens to an engine.
type deed struct {
	in    trip.Input
	order trip.Order
	plan  *trip.Plan
}

// deeds draws a history: positions, temperatures, contacts, scans, people, silence, restarts,
// reboots, clock steps and samples that come late.
func deeds(t *rapid.T, s trip.Setup) []deed {
	now := agent.Instant{Wall: noon, Mono: time.Hour, Boot: boot1, Trust: agent.ClockSynced}
	var all []deed
	for n := range rapid.IntRange(5, 70).Draw(t, "deeds") {
		now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 500, 20_000, 60_000, 60_000, 150_000, 1_800_000}).Draw(t, "pause")) * time.Millisecond)
		d := deed{in: trip.Input{At: now}}
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
		case 4:
			d.in.Scan = &agent.Scan{Reader: "dock", At: now, Code: rapid.SampledFrom([]string{"TRIP", "GO", "x"}).Draw(t, "code")}
		case 5:
			d.plan = &trip.Plan{
				Phase: rapid.SampledFrom([]agent.TripPhase{"", agent.PhaseLoading, agent.PhaseUnderWay}).Draw(t, "phase"),
				Lane:  rapid.SampledFrom([]string{"", "south"}).Draw(t, "lane"), Stops: []trip.Stop{{Name: "A", Due: now.Wall.Add(time.Hour)}, {Name: "B"}},
			}
			if rapid.Bool().Draw(t, "lane's") {
				d.plan.Stops = nil
			}
		case 6, 7:
			d.order = trip.Order{Do: rapid.SampledFrom([]trip.Verb{trip.Load, trip.Depart, trip.Unload, trip.Arrive, trip.End}).Draw(t, "do")}
		default:
			taken := now
			if rapid.IntRange(0, 9).Draw(t, "late") == 0 {
				taken = now.Add(-time.Duration(rapid.IntRange(0, 300).Draw(t, "by")) * time.Second)
			}
			p := rapid.SampledFrom(s.Points).Draw(t, "point")
			text := rapid.SampledFrom([]string{"0", "0", "1", "0.5", "2", "5", "0.05", "!crc"}).Draw(t, "sample")
			d.in = value(s, p.Point, taken, text)
			d.in.At = now
		}
		all = append(all, d)
	}
	return all
}

func apply(e *trip.Engine, d deed) []agent.Event {
	var out trip.Output
	switch {
	case d.plan != nil:
		out, _ = e.Start(d.in.At, *d.plan, driver, "")
	case d.order.Do != "":
		out, _ = e.Do(d.in.At, d.order, driver)
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

func must(t *rapid.T, s trip.Setup) *trip.Engine {
	e, err := trip.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func cut(t *rapid.T, e *trip.Engine, s trip.Setup) *trip.Engine {
	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	next := must(t, s)
	if err := next.Restore(state); err != nil {
		t.Fatal(err)
	}
	return next
}

// TestRestoreAnywhere: an engine that is saved and restored after every deed does exactly what
// one does that never stops.
func TestRestoreAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySetup()
		one, saved := must(t, s), must(t, s)
		for n, d := range deeds(t, s) {
			if want, got := eventsText(t, apply(one, d)), eventsText(t, apply(saved, d)); want != got {
				t.Fatalf("step %d, %+v\ngot  %s\nwant %s", n, d, got, want)
			}
			saved = cut(t, saved, s)
			a, _ := one.Open()
			b, _ := saved.Open()
			if text(t, a) != text(t, b) {
				t.Fatalf("step %d: %+v\nrestored %+v", n, a, b)
			}
		}
	})
}

// TestReplay: an engine that is restored somewhere and relives the records since, people's acts
// by their events, makes the same events.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySetup()
		one := must(t, s)
		all := deeds(t, s)
		from := rapid.IntRange(0, len(all)-1).Draw(t, "from")
		var again *trip.Engine
		var want, got []agent.Event
		for n, d := range all {
			if n == from {
				again = cut(t, one, s)
			}
			made := apply(one, d)
			if again == nil {
				continue
			}
			want = append(want, made...)
			if d.plan == nil && d.order.Do == "" {
				got = append(got, again.Step(d.in).Events...)
				continue
			}
			before := len(got)
			for i := range made {
				if made[i].Trip.UID != nil {
					got = append(got, again.Relive(&made[i]).Events...)
				}
			}
			if len(got) == before {
				got = append(got, again.Step(trip.Input{At: d.in.At}).Events...)
			}
		}
		if a, b := eventsText(t, want), eventsText(t, got); a != b {
			t.Fatalf("relived\n%s\nwant\n%s", b, a)
		}
	})
}

// TestTicksChangeNothing: stepping more often than the engine asks for changes no event.
func TestTicksChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySetup()
		quiet, ticked := must(t, s), must(t, s)
		var want, got []agent.Event
		var last agent.Instant
		for _, d := range deeds(t, s) {
			// Ticks come between inputs of one boot whose clock runs on.
			if last.Boot == d.in.At.Boot && last.Trust == d.in.At.Trust && !d.in.Start && d.in.At.Wall.Sub(last.Wall) == d.in.At.Mono-last.Mono {
				for m := last.Mono + 700*time.Millisecond; m < d.in.At.Mono; m += 37 * time.Second {
					got = append(got, ticked.Step(trip.Input{At: d.in.At.Add(m - d.in.At.Mono)}).Events...)
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

// TestEventsAreWhole: whatever happens, a trip's events are numbered from 1 without a gap, the
// first opens it, the last ends it, and every transition is one that the phase before allows.
func TestEventsAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySetup()
		e := must(t, s)
		var id agent.TripID
		n, phase := int64(0), agent.PhaseNone
		for _, d := range deeds(t, s) {
			for _, ev := range apply(e, d) {
				x := ev.Trip
				if (x.Transition == agent.TripStarted) != (phase == agent.PhaseNone) {
					t.Fatalf("%s in %s", x.Transition, phase)
				}
				if phase == agent.PhaseNone {
					if x.ID == id {
						t.Fatalf("the id %s again", id)
					}
					id, n = x.ID, 0
				}
				n++
				if x.ID != id || x.N != n || x.Message == "" || x.Cause == "" || ev.Kind != agent.EventTrip {
					t.Fatalf("event %d of %s is %+v", n, id, x)
				}
				if (x.Transition == agent.TripDeviated) != (x.Level > 0) {
					t.Fatalf("level of %+v", x)
				}
				phase = x.Phase
			}
			if e.Phase() != phase {
				t.Fatalf("in %s, told %s", e.Phase(), phase)
			}
		}
	})
}

// plainTrip is the plan's judgment written as plainly as can be: one second after the other.
type plainTrip struct {
	way      string // "", loading, under-way, unloading
	departed int    // -1 before it
	due      []int  // seconds on the monotone clock
	next     int
	late     int
	off      bool
	until    int
	held     int
	offLevel int
	happened []string
}

func (p *plainTrip) say(s int, format string, args ...any) {
	p.happened = append(p.happened, fmt.Sprintf(format, args...)+fmt.Sprintf("@%d", s))
}

func (p *plainTrip) judge(s int) {
	if p.departed >= 0 && p.next < len(p.due) {
		level := 0
		if by := s - p.due[p.next]; by >= 1800 {
			level = min(10, 1+(by-1800)/1800)
		}
		if level > p.late {
			p.late = level
			p.say(s, "deviated late %d", level)
		}
	}
	if level := min(10, 1+p.held/1800); p.off && level > p.offLevel {
		p.offLevel = level
		p.say(s, "deviated corridor %d", level)
	}
}

func (p *plainTrip) second(s int) {
	if p.off && s <= p.until {
		p.held++
	}
	p.judge(s)
}

func (p *plainTrip) on(s int) {
	if p.offLevel > 0 {
		p.say(s, "recovered corridor 0")
	}
	p.off, p.held, p.offLevel = false, 0, 0
}

func (p *plainTrip) fix(s int, what string) {
	switch {
	case what == "none":
		p.until = min(p.until, s)
	case p.way != "under-way":
	case what == "off":
		p.off, p.until = true, s+180
	case what == "on":
		p.on(s)
	}
	p.judge(s)
}

func (p *plainTrip) do(s int, v trip.Verb) {
	switch {
	case v == trip.Depart && (p.way == "loading" || p.way == "unloading"):
		p.way = "under-way"
		if p.departed < 0 {
			p.departed = s
		}
		p.say(s, "departed")
	case v == trip.Load && (p.way == "under-way" || p.way == "unloading"):
		p.on(s)
		p.way = "loading"
		p.say(s, "loading")
	case v == trip.Unload && p.way == "under-way":
		p.on(s)
		p.way = "unloading"
		p.say(s, "unloading")
	case v == trip.Arrive && p.departed >= 0 && p.next < len(p.due):
		p.say(s, "arrived %c", 'A'+p.next)
		if p.late > 0 {
			p.say(s, "recovered late 0")
		}
		p.late, p.next = 0, p.next+1
	}
	p.judge(s)
}

// TestAgainstReference: on any series of fixes, acts, clock steps and restarts the engine says
// the same in the same seconds as its plain counterpart.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := setup()
		s.Compartments, s.Profiles = nil, nil
		e := must(t, s)
		p := &plainTrip{way: "loading", departed: -1, due: []int{1200, 4000, 4000}}
		plan := trip.Plan{Phase: agent.PhaseLoading}
		for i, due := range p.due {
			plan.Stops = append(plan.Stops, trip.Stop{Name: string(rune('A' + i)), Due: noon.Add(time.Duration(due) * time.Second)})
		}
		if _, err := e.Start(at(0), plan, driver, ""); err != nil {
			t.Fatal(err)
		}
		p.judge(0)
		var got, history []string
		step := time.Duration(0)
		now := func(s int) agent.Instant {
			i := at(time.Duration(s) * time.Second)
			i.Wall = i.Wall.Add(step)
			return i
		}
		note := func(events []agent.Event) {
			for _, ev := range events {
				got = append(got, fmt.Sprintf("%s@%d", told([]agent.Event{ev}), int64((ev.At.Mono-time.Hour)/time.Second)))
			}
		}
		second := 0
		for range rapid.IntRange(1, 40).Draw(t, "deeds") {
			for range rapid.SampledFrom([]int{0, 1, 30, 60, 170, 200, 1800}).Draw(t, "pause") {
				second++
				p.second(second)
			}
			what := rapid.SampledFrom([]string{"on", "off", "off", "off", "none", "do", "do", "tick", "step", "cut"}).Draw(t, "what")
			history = append(history, fmt.Sprintf("%s@%d", what, second))
			switch what {
			case "do":
				v := rapid.SampledFrom([]trip.Verb{trip.Depart, trip.Depart, trip.Load, trip.Unload, trip.Arrive}).Draw(t, "verb")
				history = append(history, string(v))
				out, err := e.Do(now(second), trip.Order{Do: v}, driver)
				if err != nil && !errors.Is(err, trip.ErrPhase) && !errors.Is(err, trip.ErrStop) {
					t.Fatal(err)
				}
				note(out.Events)
				p.do(second, v)
			case "step":
				step = time.Duration(rapid.IntRange(-10_000, 10_000).Draw(t, "by")) * time.Second
			case "cut":
				e = cut(t, e, s)
			case "tick":
				note(e.Step(trip.Input{At: now(second)}).Events)
			default:
				spots := map[string][2]string{"on": {"0", "0.7"}, "off": {"0.01", "0.7"}, "none": {"", ""}}
				note(fix(e, s, now(second), spots[what][0], spots[what][1]))
				p.fix(second, what)
			}
		}
		note(e.Step(trip.Input{At: now(second)}).Events)
		if a, b := strings.Join(got, " "), strings.Join(p.happened, " "); a != b {
			t.Fatalf("%s\ngot  %s\nwant %s", strings.Join(history, " "), a, b)
		}
	})
}

// FuzzRestore: any bytes are a state or an error, and an engine restored from them works.
func FuzzRestore(f *testing.F) {
	s := anySetup()
	e := engine(f, s)
	start(f, e, at(0), trip.Plan{Phase: agent.PhaseUnderWay})
	fix(e, s, at(time.Minute), "0.01", "0.5")
	e.Step(value(s, "dash/ignition", at(time.Minute), "1"))
	state, err := e.State()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state)
	f.Add([]byte(`{"v":1,"line":{"now":0}}`))
	f.Add([]byte(`{"v":1,"line":{"now":5000,"last":{"mono":1,"boot":"12345678-0100-0000-0000-000000000000","trust":"synced"}},"open":{"id":"a","n":1,"phase":"under-way","off":{"on":true,"sum":1,"from":9,"until":3162240000000}}}`))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := engine(t, s)
		if err := e.Restore(b); err != nil && !errors.Is(err, trip.ErrState) {
			t.Fatal(err)
		}
		fix(e, s, at(time.Minute), "0.01", "0.5")
		e.Step(value(s, "dash/ignition", at(2*time.Minute), "0"))
		e.Step(trip.Input{At: at(100 * time.Hour)})
		e.Open()
		if _, err := e.State(); err != nil {
			t.Fatal(err)
		}
	})
}
