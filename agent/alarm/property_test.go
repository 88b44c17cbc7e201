package alarm_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/condensation"
	"github.com/frostline/frostline/agent/alarm/cooling"
	"github.com/frostline/frostline/agent/alarm/disagree"
	"github.com/frostline/frostline/agent/alarm/flatline"
	"github.com/frostline/frostline/agent/alarm/forecast"
	"github.com/frostline/frostline/agent/alarm/limit"
	"github.com/frostline/frostline/agent/alarm/mkt"
	"github.com/frostline/frostline/agent/alarm/rate"
)

// anySetup has an alarm of every kind and of every way to count time, on two sensors.
func anySetup() alarm.Setup {
	berlin := time.FixedZone("site", 3600)
	temp := func(id agent.AlarmID, s limit.Settings) alarm.Spec {
		return alarm.Spec{ID: id, Kind: "limit", Quantity: agent.Temperature, Settings: &s}
	}
	specs := []alarm.Spec{
		temp("once", limit.Settings{Above: val("8"), Deadband: *val("1")}),
		temp("run", limit.Settings{AtOrAbove: val("8"), For: 4 * time.Minute}),
		temp("low", limit.Settings{Below: val("2"), For: 90 * time.Second, Deadband: *val("0.5")}),
		temp("trip", limit.Settings{Above: val("8"), Total: 20 * time.Minute, Within: limit.Trip}),
		temp("day", limit.Settings{Above: val("8"), Total: 10 * time.Minute, Within: limit.Day}),
		temp("both", limit.Settings{Above: val("8"), For: 5 * time.Minute, Total: 7 * time.Minute, Within: "30m"}),
	}
	more := func(id agent.AlarmID, change func(*alarm.Spec)) alarm.Spec {
		s := temp(id, limit.Settings{Above: val("8"), For: 2 * time.Minute})
		change(&s)
		return s
	}
	specs = append(specs,
		more("latching", func(s *alarm.Spec) { s.Latching = true }),
		more("slow", func(s *alarm.Spec) { s.OffDelay, s.ReAlarm = 3*time.Minute, 10*time.Minute }),
		more("absolute", func(s *alarm.Spec) { s.Absolute = true }))
	return alarm.Setup{
		Kinds: allKinds(),
		Suppressions: []alarm.Suppression{
			{Zone: "cold-room-1", Point: door.Point, Is: *val("1"), Side: alarm.High, Longest: 15 * time.Minute, After: 5 * time.Minute},
			{Zone: "freezer", Point: door.Point, Is: *val("0"), Side: alarm.Low, Longest: 10 * time.Minute},
		},
		Specs: append(specs, alarm.Defaults(allKinds(), nil)...),
		Points: []alarm.Point{
			onBus(air), door,
			pointOf("cr1-air/humidity", agent.Humidity, "cold-room-1", time.Minute),
			onBus(pointOf("fr/temperature", agent.Temperature, "freezer", 20*time.Second)),
			onBus(pointOf("cr2/temperature", agent.Temperature, "cold-room-1", time.Minute)),
		},
		Items:    []alarm.Item{{ID: "insulin", Minimum: 5}, {ID: "gauze"}},
		Readers:  []agent.ReaderID{"dock-a"},
		Location: berlin,
		Goods:    func(agent.ZoneID) []agent.ItemID { return []agent.ItemID{"insulin"} },
	}
}

var door = pointOf("cr1-door/door", agent.Door, "cold-room-1", time.Minute)

func onBus(p alarm.Point) alarm.Point {
	p.Bus = "w1"
	return p
}

// deed is one thing that happens to an engine.
type deed struct {
	in alarm.Input
	do alarm.Command
}

// deeds draws a history: readings, faults, stock, codes, acknowledgements, silence, restarts,
// reboots, clock steps and samples that come late.
func deeds(t *rapid.T, s alarm.Setup) []deed {
	now := agent.Instant{Wall: time.Date(2026, 3, 2, 21, 0, 0, 0, time.UTC), Mono: time.Hour, Boot: boot1, Trust: agent.ClockSynced}
	var all []deed
	for n := range rapid.IntRange(5, 60).Draw(t, "deeds") {
		now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 500, 1000, 20_000, 60_000, 60_000, 150_000, 1_200_000}).Draw(t, "pause")) * time.Millisecond)
		d := deed{in: alarm.Input{At: now}}
		switch what := rapid.IntRange(0, 19).Draw(t, "what"); what {
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
			d.in.Level = &alarm.Level{Item: rapid.SampledFrom([]agent.ItemID{"insulin", "gauze"}).Draw(t, "item"), Quantity: rapid.Int64Range(0, 8).Draw(t, "quantity"), Minimum: 5}
		case 5:
			d.in.Unknown = &alarm.Unknown{Reader: "dock-a", Code: "4006381333931"}
		case 6:
			d.do = alarm.Command{
				Do: agent.Acknowledged, By: "Li Wei", Comment: "seen",
				ID: rapid.SampledFrom([]string{"once", "run", "unknown-code", "below-minimum", "once:fr/temperature", "sensor-fault"}).Draw(t, "ack"),
			}
		case 8:
			d.do = alarm.Command{
				Do: rapid.SampledFrom([]agent.Transition{agent.Reset, agent.Shelved, agent.Unshelved, agent.OutOfService, agent.InService, agent.Acknowledged}).Draw(t, "command"),
				By: "Li Wei", Comment: "repair", For: 10 * time.Minute,
				ID: rapid.SampledFrom([]string{"latching:cr1-air/temperature", "slow:cr1-air/temperature", "run:fr/temperature", "latching"}).Draw(t, "which"),
			}
		case 9:
			d.in = reading(door, now, rapid.SampledFrom([]string{"0", "1", "1", "!absent"}).Draw(t, "door"))
		default:
			p := rapid.SampledFrom(s.Points).Draw(t, "point")
			text := rapid.SampledFrom([]string{"5", "8", "9", "9", "9", "7", "1.5", "2.2", "!crc", "!absent", "~60", "~-40"}).Draw(t, "sample")
			taken := now
			if what == 7 {
				taken = now.Add(-time.Duration(rapid.IntRange(0, 300).Draw(t, "late")) * time.Second)
			}
			d.in = reading(p, taken, text)
		}
		all = append(all, d)
	}
	return all
}

func apply(e *alarm.Engine, d deed) []agent.Event {
	if d.do.Do != "" {
		out, _ := e.Command(d.in.At, d.do)
		return out.Events
	}
	return e.Step(d.in).Events
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
	return text(t, all)
}

func must(t *rapid.T) (*alarm.Engine, alarm.Setup) {
	s := anySetup()
	e, err := alarm.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

// TestRestoreAnywhere: an engine that is saved and restored again and again does exactly
// what one does that never stops, wherever it is cut.
func TestRestoreAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, s := must(t)
		cut, _ := must(t)
		for n, d := range deeds(t, s) {
			if want, got := eventsText(t, apply(one, d)), eventsText(t, apply(cut, d)); want != got {
				t.Fatalf("step %d, %+v\ngot  %s\nwant %s", n, d, got, want)
			}
			if !rapid.Bool().Draw(t, "cut") {
				continue
			}
			state, err := cut.State()
			if err != nil {
				t.Fatal(err)
			}
			next, _ := must(t)
			if err := next.Restore(state); err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
			if a, b := text(t, one.Active()), text(t, next.Active()); a != b {
				t.Fatalf("step %d: active %s\nrestored %s", n, a, b)
			}
			cut = next
		}
	})
}

// TestTicksChangeNothing: stepping more often than the engine asks for changes no event.
func TestTicksChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quiet, s := must(t)
		ticked, _ := must(t)
		var want, got []agent.Event
		var last agent.Instant
		for _, d := range deeds(t, s) {
			// Ticks come between inputs of one boot whose clock runs on.
			if last.Boot == d.in.At.Boot && last.Trust == d.in.At.Trust && !d.in.Start &&
				d.in.At.Wall.Sub(last.Wall) == d.in.At.Mono-last.Mono {
				for at := last.Mono + 700*time.Millisecond; at < d.in.At.Mono; at += 37 * time.Second {
					got = append(got, ticked.Step(alarm.Input{At: d.in.At.Add(at - d.in.At.Mono)}).Events...)
				}
			}
			if last.Boot != d.in.At.Boot || d.in.At.Mono >= last.Mono {
				last = d.in.At
			}
			want = append(want, apply(quiet, d)...)
			got = append(got, apply(ticked, d)...)
		}
		if a, b := eventsText(t, want), eventsText(t, got); a != b {
			t.Fatalf("with ticks\n%s\nwithout\n%s", b, a)
		}
	})
}

// TestLifecycleHolds: whatever happens, every transition is one that the state before it
// allows, an overlay hides what is below and changes nothing of it, and what can happen
// once to an occurrence happens once.
func TestLifecycleHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, s := must(t)
		state, over := map[string]agent.AlarmState{}, map[string]agent.AlarmState{}
		seen := map[string]bool{}
		allowed := map[agent.Transition]map[agent.AlarmState]bool{
			agent.Raised:       {"": true, agent.StateNormal: true, agent.StateRtnUnack: true},
			agent.Cleared:      {agent.StateUnack: true, agent.StateAck: true},
			agent.Acknowledged: {agent.StateUnack: true, agent.StateRtnUnack: true, agent.StateLatched: true},
			agent.Latched:      {agent.StateUnack: true, agent.StateAck: true},
			agent.Reset:        {agent.StateLatched: true},
			agent.ReAlarmed:    {agent.StateAck: true},
			agent.Suppressed:   {"": true, agent.StateNormal: true},
			agent.Unsuppressed: {agent.StateSuppressed: true},
		}
		allowed[agent.Raised][agent.StateLatched] = true
		overlaid := map[agent.Transition]agent.AlarmState{
			agent.Shelved: agent.StateShelved, agent.OutOfService: agent.StateOutOfService,
			agent.Unshelved: "", agent.InService: "",
		}
		become := map[agent.Transition]agent.AlarmState{
			agent.Raised: agent.StateUnack, agent.Latched: agent.StateLatched, agent.Reset: agent.StateNormal, agent.ReAlarmed: agent.StateUnack,
			agent.Suppressed: agent.StateSuppressed, agent.Unsuppressed: agent.StateNormal,
		}
		often := map[agent.Transition]bool{agent.ReAlarmed: true, agent.Acknowledged: true}
		for _, d := range deeds(t, s) {
			for _, ev := range apply(e, d) {
				a := ev.Alarm
				key := fmt.Sprintf("%s:%s%s", a.Alarm, a.Point, a.Item)
				if lies, laid := overlaid[a.Transition]; laid {
					over[key] = lies
				} else {
					if !allowed[a.Transition][state[key]] {
						t.Fatalf("%s in state %q: %+v", a.Transition, state[key], a)
					}
					was := state[key]
					switch next, fixed := become[a.Transition]; {
					case fixed:
						state[key] = next
					case a.Transition == agent.Acknowledged:
						state[key] = map[agent.AlarmState]agent.AlarmState{
							agent.StateUnack: agent.StateAck, agent.StateRtnUnack: agent.StateNormal, agent.StateLatched: agent.StateLatched,
						}[was]
					default: // cleared
						state[key] = map[agent.AlarmState]agent.AlarmState{agent.StateUnack: agent.StateRtnUnack, agent.StateAck: agent.StateNormal}[was]
					}
				}
				if want := over[key]; want == "" && a.State != cmp.Or(state[key], agent.StateNormal) || want != "" && a.State != want {
					t.Fatalf("shown as %q, is %q below %q: %+v", a.State, state[key], want, a)
				}
				_, laid := overlaid[a.Transition]
				if name := string(a.ID) + string(a.Transition); seen[name] && !often[a.Transition] && !laid {
					t.Fatalf("%s twice", name)
				} else {
					seen[name] = true
				}
				if a.Message == "" {
					t.Fatalf("no message: %+v", a)
				}
			}
		}
	})
}

// oddStates are states of a damaged disk: each alone would crash the engine or silence an alarm for ever.
func oddStates() []string {
	const head = `{"v":1,"now":5000,"last":{"mono":1,"boot":"12345678-0100-0000-0000-000000000000","trust":"synced"},`
	rule := func(key, kind, state string) string {
		return head + `"rules":{"` + key + `":{"k":"` + kind + `","s":` + state + `}}}`
	}
	alarm := func(key, more string) string {
		return head + `"alarms":{"` + key + `":{"alarm":"slow","kind":"limit","severity":"critical","id":"x",` + more + `}}}`
	}
	return []string{
		rule("mean:cr1-air/temperature", "mkt", `{"w":null}`),
		rule("mean:cr1-air/temperature", "mkt", `null`),
		rule("apart:cold-room-1", "disagree", `{"n":null}`),
		rule("soon:cr1-air/temperature", "forecast", `{"m":null,"w":null,"c":null}`),
		rule("soon:cr1-air/temperature", "forecast", `{"c":null}`),
		rule("cools:cr1-air/temperature", "cooling", `{"b":[1000],"l":99}`),
		rule("cools:cr1-air/temperature", "cooling", `{"b":[1000],"l":-9}`),
		rule("rises:cr1-air/temperature", "rate", `{"s":null,"a":true}`),
		rule("day:cr1-air/temperature", "limit", `{"t":null}`),
		rule("day:cr1-air/temperature", "limit", `{"t":{"w":"day","s":[1,2]}}`),
		rule("both:cr1-air/temperature", "limit", `{"t":{"w":"30m","s":null}}`),
		alarm("slow:cr1-air/temperature", `"state":"latched","clearing":6000`),
		alarm("slow:cr1-air/temperature", `"state":"suppressed","clearing":6000`),
		alarm("slow:cr1-air/temperature", `"state":"ack","clearing":6000,"re_alarm":5000`),
		alarm("slow:cr1-air/temperature", `"state":"unack","over":{"state":"shelved","id":"x","by":"Li","why":"y"}`),
		alarm("slow:cr1-air/temperature", `"state":"unack","over":{"state":"shelved","id":"x","until":3000000000000,"by":"Li","why":"y"}`),
		alarm("slow:cr1-air/temperature", `"state":"unack","over":{"state":"out-of-service","id":"x","until":6000,"by":"Li","why":"y"}`),
		head + `"causes":[{"id":"x","at":1,"keys":null}],"stretches":{"cold-room-1:cr1-door/door:above":{"on":true,"s":4000,"u":3000000000000}}}`,
	}
}

// everySetup is anySetup with an alarm of each of the other kinds.
func everySetup() alarm.Setup {
	s := anySetup()
	s.Specs = append(s.Specs,
		alarm.Spec{ID: "mean", Kind: "mkt", Settings: &mkt.Settings{Above: val("8"), Within: time.Hour, DH: 83_144_000}},
		alarm.Spec{ID: "apart", Kind: "disagree", Quantity: agent.Temperature, Settings: &disagree.Settings{By: agent.Unit}},
		alarm.Spec{ID: "soon", Kind: "forecast", Settings: &forecast.Settings{Above: val("8"), Horizon: time.Hour, Door: door.Point}},
		alarm.Spec{ID: "cools", Kind: "cooling", Settings: &cooling.Settings{Stages: []cooling.Stage{{From: 8 * agent.Unit, To: 5 * agent.Unit, Within: time.Hour}}}},
		alarm.Spec{ID: "rises", Kind: "rate", Quantity: agent.Temperature, Settings: &rate.Settings{Rise: agent.Unit, Within: time.Hour}},
		alarm.Spec{ID: "wet", Kind: "condensation", Point: air.Point, Settings: &condensation.Settings{Air: "fr/temperature", Humidity: "cr1-air/humidity"}},
		alarm.Spec{ID: "flat", Kind: "flat-line", Settings: &flatline.Settings{For: time.Hour}},
		alarm.Spec{ID: "ajar", Kind: "door-ajar"},
		alarm.Spec{ID: "disk", Kind: "store-trouble"})
	return s
}

// TestOddStates: what a damaged disk may say crashes nothing, and no alarm is silent for ever by it.
func TestOddStates(t *testing.T) {
	for _, state := range oddStates() {
		e, err := alarm.New(everySetup())
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Restore([]byte(state)); err != nil {
			continue
		}
		for n, sample := range []string{"9", "!crc", "5", "9"} {
			e.Step(reading(air, at(time.Duration(n)*time.Minute), sample))
			e.Step(reading(door, at(time.Duration(n)*time.Minute), "1"))
		}
		e.Step(alarm.Input{At: at(100 * time.Hour)})
		for _, s := range e.Active() {
			if s.State == agent.StateShelved || s.State == agent.StateSuppressed {
				t.Errorf("%s is %s still: %s", s.Alarm, s.State, state)
			}
		}
	}
}

// FuzzRestore: any bytes are a state or an error, and an engine restored from them works.
func FuzzRestore(f *testing.F) {
	e, err := alarm.New(everySetup())
	if err != nil {
		f.Fatal(err)
	}
	for n, sample := range []string{"9", "9", "!crc", "9", "1", "9"} {
		e.Step(reading(air, at(time.Duration(n)*3*time.Minute), sample))
	}
	state, err := e.State()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state)
	f.Add([]byte(`{"v":1,"now":0}`))
	f.Add([]byte(`{"v":1,"now":5000,"last":{"mono":1,"boot":"12345678-0100-0000-0000-000000000000","trust":"synced"},"rules":{"both:fr/temperature":{"k":"limit","s":{"p":true,"b":9,"c":3162240000000,"u":3162240000000,"h":1,"t":{"w":"30m","s":[1,2,3,4]}}}}}`))
	f.Add([]byte(`{"v":2}`))
	for _, state := range oddStates() {
		f.Add([]byte(state))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := alarm.New(everySetup())
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Restore(b); err != nil {
			if out := e.Step(alarm.Input{At: at(0)}); len(out.Events) != 0 {
				t.Fatalf("a refused state brought about %v", transitions(out))
			}
			return
		}
		for n, sample := range []string{"9", "!crc", "5", "9"} {
			e.Step(reading(air, at(time.Duration(n)*time.Minute), sample))
		}
		e.Step(alarm.Input{At: at(100 * time.Hour)})
		e.Active()
		if _, err := e.State(); err != nil {
			t.Fatal(err)
		}
	})
}
