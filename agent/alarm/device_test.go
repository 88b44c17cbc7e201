package alarm_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
)

func defaults(t testing.TB, points ...alarm.Point) *alarm.Engine {
	return engine(t, alarm.Setup{Points: points, Specs: alarm.Defaults(allKinds(), nil)})
}

func TestDefaults(t *testing.T) {
	written := []alarm.Spec{
		{ID: "my-no-data", Kind: "no-data", Point: air.Point, Settings: &alarm.Patience{After: 10 * time.Minute}},
		{ID: "sensor-fault", Kind: "sensor-fault", Severity: agent.SeverityCritical},
	}
	var ids []string
	for _, s := range alarm.Defaults(allKinds(), written) {
		ids = append(ids, string(s.ID))
	}
	expect(t, ids, "below-minimum calibration-due no-data out-of-stock unknown-code")

	other := pointOf("fr/temperature", agent.Temperature, "freezer", time.Minute)
	e := engine(t, alarm.Setup{Points: []alarm.Point{air, other}, Specs: append(alarm.Defaults(allKinds(), written), written...)})
	e.Step(alarm.Input{At: at(0)})
	out := e.Step(alarm.Input{At: at(time.Hour)})
	var got []string
	for _, ev := range out.Events {
		got = append(got, string(ev.Alarm.Alarm)+"/"+string(ev.Alarm.Point))
	}
	expect(t, got, "no-data/fr/temperature my-no-data/cr1-air/temperature")
}

// TestOneCauseOneMessage: a dead sensor with three points is one alarm that lists three, and
// either no data or a fault, not both.
func TestOneCauseOneMessage(t *testing.T) {
	points := []alarm.Point{
		pointOf("cr1-air/humidity", agent.Humidity, "cold-room-1", 10*time.Second),
		pointOf("cr1-air/pressure", agent.Pressure, "cold-room-1", 10*time.Second),
		pointOf("cr1-air/temperature", agent.Temperature, "cold-room-1", 10*time.Second),
	}
	for _, c := range []struct{ name, sample, kind, message string }{
		{"faults", "!absent", "sensor-fault", "cold-room-1: no value from cr1-air (humidity, pressure, temperature) for 1 min (fault: absent)"},
		{"silence", "", "no-data", "cold-room-1: no data from cr1-air (humidity, pressure, temperature) for 1 min"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := defaults(t, points...)
			var events []agent.Event
			feed := func(n int, sample string) {
				for i, p := range points {
					when := at(time.Duration(n)*10*time.Second + time.Duration(i)*time.Millisecond)
					if sample == "" {
						events = append(events, e.Step(alarm.Input{At: when}).Events...)
						continue
					}
					events = append(events, e.Step(reading(p, when, sample)).Events...)
				}
			}
			for n := range 10 {
				feed(n, "50")
			}
			for n := range 60 {
				feed(10+n, c.sample)
			}
			if len(events) != 1 || events[0].Alarm.Kind != c.kind || events[0].Alarm.Message != c.message {
				t.Fatalf("%d events, the first %+v", len(events), events[0].Alarm)
			}
			feed(70, "50")
			if len(events) != 2 || events[1].Alarm.Transition != agent.Cleared {
				t.Fatalf("%d events after the sensor is back, the last %+v", len(events), events[len(events)-1].Alarm)
			}
		})
	}
}

func TestSensorFaultCountsOnlyFaults(t *testing.T) {
	e := defaults(t, air) // every minute: three minutes
	expect(t, play(t, e, "5 !crc !crc 5 !crc !crc !crc !crc 5"), "raised@7m0s cleared@8m0s")
}

// TestOffIsNotNoData: while the agent is off nothing is due; after a start a point has the
// usual time to come back.
func TestOffIsNotNoData(t *testing.T) {
	e := defaults(t, air)
	play(t, e, "5*3")
	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	for _, start := range []alarm.Input{
		{At: at(5 * time.Hour), Start: true},
		{At: agent.Instant{Wall: noon.Add(5 * time.Hour), Mono: time.Second, Boot: boot2, Trust: agent.ClockSynced}},
		{At: agent.Instant{Mono: time.Second, Boot: boot2}},
	} {
		e = defaults(t, air)
		if err := e.Restore(state); err != nil {
			t.Fatal(err)
		}
		if out := e.Step(start); len(out.Events) != 0 || out.Next-start.At.Mono != 3*time.Minute {
			t.Errorf("start brought about %v, next in %s", transitions(out), out.Next-start.At.Mono)
		}
		later := start.At.Add(3 * time.Minute)
		if out := e.Step(alarm.Input{At: later}); len(out.Events) != 1 {
			t.Errorf("three minutes after the start: %v", transitions(out))
		}
	}
}

// TestPowerCut: an excursion goes on over a power cut. What held until then counts, what
// came to pass meanwhile is raised late, and nothing is known of the time between.
func TestPowerCut(t *testing.T) {
	for _, c := range []struct {
		name  string
		start agent.Instant
		want  string // at the start, then at each minute outside
		late  bool
	}{
		{"known time off", agent.Instant{Wall: noon.Add(2 * time.Hour), Mono: time.Minute, Boot: boot2, Trust: agent.ClockSynced}, "raised", true},
		{"clock unset", agent.Instant{Mono: time.Minute, Boot: boot2}, "- - - - raised", false},
		{"clock before the last boot's", agent.Instant{Wall: noon.Add(-time.Hour), Mono: time.Minute, Boot: boot2, Trust: agent.ClockHeld}, "- - - - raised", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			setup := alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8"), For: 6 * time.Minute})}}
			e := engine(t, setup)
			play(t, e, "9*4") // 3 min counted; the last value holds until 6 min
			state, err := e.State()
			if err != nil {
				t.Fatal(err)
			}
			e = engine(t, setup)
			if err := e.Restore(state); err != nil {
				t.Fatal(err)
			}
			var got []string
			var raised *agent.AlarmEvent
			note := func(out alarm.Output) {
				word := "-"
				for _, ev := range out.Events {
					word, raised = string(ev.Alarm.Transition), ev.Alarm
				}
				got = append(got, word)
			}
			note(e.Step(alarm.Input{At: c.start}))
			for n := 0; raised == nil && n < 10; n++ {
				note(e.Step(reading(air, c.start.Add(time.Duration(n)*time.Minute), "9")))
			}
			if raised == nil || raised.Late != c.late || !strings.HasPrefix(string(raised.ID), "cr1:cr1-air/temperature:abcdef01:") {
				t.Errorf("raised %+v", raised)
			}
			expect(t, got, c.want)
		})
	}
}

// TestMovedPoint: a reading counts for the zone that it was taken in.
func TestMovedPoint(t *testing.T) {
	e := engine(t, alarm.Setup{Specs: []alarm.Spec{{ID: "cr1", Kind: "limit", Zone: "cold-room-1", Quantity: agent.Temperature, Settings: &limit.Settings{Above: val("8")}}}})
	before := pointOf(air.Point, agent.Temperature, "dock", time.Minute)
	expect(t, transitions(e.Step(reading(before, at(0), "20"))), "")
	repaired := air
	repaired.Serial = "2"
	repaired.Definition = repaired.Identified()
	expect(t, transitions(e.Step(reading(repaired, at(time.Minute), "20"))), "raised@1m0s")
}

// deadBus is an engine with three sensors on one bus, and what their messages say in the order in
// which they come: the sensor, the transition, and how many points the message lists ("-" where
// another one's message spoke for it).
func deadBus(t *testing.T, change func(*alarm.Spec)) (feed func(minute int, sample string), e *alarm.Engine, said *[]string) {
	t.Helper()
	spec := alarm.Spec{ID: "dead", Kind: "sensor-fault", Settings: &alarm.Patience{After: 2 * time.Minute}}
	change(&spec)
	points := []alarm.Point{
		onBus(pointOf("a/temperature", agent.Temperature, "cold-room-1", time.Minute)),
		onBus(pointOf("b/temperature", agent.Temperature, "cold-room-1", time.Minute)),
		onBus(pointOf("c/temperature", agent.Temperature, "cold-room-1", time.Minute)),
	}
	e = engine(t, alarm.Setup{Points: points, Specs: []alarm.Spec{spec}})
	said = &[]string{}
	feed = func(minute int, sample string) {
		for n, p := range points {
			*said = append(*said, spokenBy(e.Step(reading(p, at(time.Duration(minute)*time.Minute+time.Duration(n)*time.Millisecond), sample)).Events)...)
		}
	}
	return feed, e, said
}

func spokenBy(events []agent.Event) []string {
	var said []string
	for _, ev := range events {
		a := ev.Alarm
		lists := strconv.Itoa(len(a.Points))
		if a.Cause != "" {
			lists = "-"
		}
		said = append(said, string(a.Point.Sensor())+":"+string(a.Transition)+":"+lists)
	}
	return said
}

// TestAShelvedSensorSpeaksForNobody: an alarm that reaches nobody cannot tell of the others.
func TestAShelvedSensorSpeaksForNobody(t *testing.T) {
	feed, e, said := deadBus(t, func(*alarm.Spec) {})
	feed(0, "5")
	if _, err := e.Command(at(time.Second), alarm.Command{Do: agent.OutOfService, ID: "dead:a/temperature", By: "Li Wei", Comment: "repair"}); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 5; n++ {
		feed(n, "!absent")
	}
	expect(t, *said, "a:raised:0 b:raised:2 c:raised:-")
	*said = nil
	feed(5, "5")
	expect(t, *said, "a:cleared:0 b:cleared:- c:cleared:2")
}

// TestOneCauseAsksAgainOnce: what one message told is asked again by one message, and told by
// one to have returned where it latches.
func TestOneCauseAsksAgainOnce(t *testing.T) {
	feed, e, said := deadBus(t, func(s *alarm.Spec) { s.ReAlarm, s.Latching = 10*time.Minute, true })
	feed(0, "5")
	for n := 1; n < 5; n++ {
		feed(n, "!absent")
	}
	expect(t, *said, "a:raised:3 b:raised:- c:raised:-")
	if _, err := e.Command(at(5*time.Minute), alarm.Command{Do: agent.Acknowledged, ID: "dead", By: "Li Wei", Comment: "seen"}); err != nil {
		t.Fatal(err)
	}
	*said = nil
	for n := 6; n < 17; n++ {
		feed(n, "!absent")
	}
	expect(t, *said, "a:re-alarmed:3 b:re-alarmed:- c:re-alarmed:-")
	*said = nil
	feed(17, "5")
	expect(t, *said, "a:latched:- b:latched:- c:latched:3")
}

// TestABusThatIsSilentAfterAStart: when it fell silent is not known then, but one cause is
// still one message.
func TestABusThatIsSilentAfterAStart(t *testing.T) {
	var points []alarm.Point
	for _, id := range []agent.PointID{"a/temperature", "b/temperature", "c/temperature"} {
		points = append(points, onBus(pointOf(id, agent.Temperature, "cold-room-1", time.Minute)))
	}
	e := defaults(t, points...)
	e.Step(alarm.Input{At: at(0), Start: true})
	expect(t, spokenBy(e.Step(alarm.Input{At: at(time.Hour)}).Events), "a:raised:3 b:raised:- c:raised:-")
}
