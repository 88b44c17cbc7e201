package alarm_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
)

// story steps an engine through a history written as words, one a minute: values of cr1-air,
// door=0 and door=1, commands such as ack, reset, shelve=30m, unshelve, out, in; "." is
// only a minute that passes. It returns what happened.
func story(t *testing.T, e *alarm.Engine, steps string) []string {
	t.Helper()
	commands := map[string]agent.Transition{
		"ack": agent.Acknowledged, "reset": agent.Reset, "shelve": agent.Shelved,
		"unshelve": agent.Unshelved, "out": agent.OutOfService, "in": agent.InService,
	}
	var got []string
	for n, step := range strings.Fields(steps) {
		when := at(time.Duration(n) * time.Minute)
		word, arg, _ := strings.Cut(step, "=")
		var out alarm.Output
		var err error
		switch do := commands[word]; {
		case do != "":
			c := alarm.Command{Do: do, ID: "cr1:cr1-air/temperature", By: "Li Wei", Comment: "repair"}
			if c.For, err = time.ParseDuration(arg + "0s"); err != nil && arg != "" {
				c.For, _ = time.ParseDuration(arg)
			}
			out, err = e.Command(when, c)
		case word == "door":
			out = e.Step(reading(door, when, arg))
		case step == ".":
			out = e.Step(alarm.Input{At: when})
		default:
			out = e.Step(reading(air, when, step))
		}
		for _, ev := range out.Events {
			got = append(got, fmt.Sprintf("%d:%s/%s", n, ev.Alarm.Transition, ev.Alarm.State))
		}
		if err != nil {
			got = append(got, fmt.Sprintf("%d:error", n))
		}
	}
	return got
}

func TestOverlaysAndDelays(t *testing.T) {
	plain := func(*alarm.Spec) {}
	for _, c := range []struct {
		name, steps, want string
		change            func(*alarm.Spec)
	}{
		{"latched until reset", "9 5 ack 5 reset 9", "0:raised/unack 1:latched/latched 2:acknowledged/latched 4:reset/normal 5:raised/unack",
			func(s *alarm.Spec) { s.Latching = true }},
		{"latched after the acknowledgement", "9 ack 5 reset", "0:raised/unack 1:acknowledged/ack 2:latched/latched 3:reset/normal",
			func(s *alarm.Spec) { s.Latching = true }},
		{"a reset needs an acknowledgement", "9 5 reset", "0:raised/unack 1:latched/latched 2:error",
			func(s *alarm.Spec) { s.Latching = true }},
		{"a latched alarm recurs", "9 5 9", "0:raised/unack 1:latched/latched 2:raised/unack", func(s *alarm.Spec) { s.Latching = true }},
		{"nothing to reset", "9 reset", "0:raised/unack 1:error", plain},
		{"off-delay", "9 5 5 5 5", "0:raised/unack 4:cleared/rtn-unack", func(s *alarm.Spec) { s.OffDelay = 3 * time.Minute }},
		{"off-delay begins anew", "9 5 5 9 5 5 5 5", "0:raised/unack 7:cleared/rtn-unack", func(s *alarm.Spec) { s.OffDelay = 3 * time.Minute }},
		{"re-alarm", "9 ack 9 9 9 9 9 ack", "0:raised/unack 1:acknowledged/ack 6:re-alarmed/unack 7:acknowledged/ack",
			func(s *alarm.Spec) { s.ReAlarm = 5 * time.Minute }},
		{"re-alarm after a return too short to clear", "9 ack 5 5 9 9 9 9", "0:raised/unack 1:acknowledged/ack 7:re-alarmed/unack",
			func(s *alarm.Spec) { s.ReAlarm, s.OffDelay = 2*time.Minute, 5*time.Minute }},
		{"it returned for good before it asks again", "9 ack 5 . . . .", "0:raised/unack 1:acknowledged/ack 5:cleared/normal",
			func(s *alarm.Spec) { s.ReAlarm, s.OffDelay = 2*time.Minute, 3*time.Minute }},
		{"no re-alarm after the return", "9 ack 5 5 5 5 5", "0:raised/unack 1:acknowledged/ack 2:cleared/normal",
			func(s *alarm.Spec) { s.ReAlarm = 3 * time.Minute }},
		{"shelved before", "shelve=30m 9 5 unshelve", "0:shelved/shelved 1:raised/shelved 2:cleared/shelved 3:unshelved/rtn-unack", plain},
		{"shelved while active, its time is up", "9 shelve=3m 9 9 9", "0:raised/unack 1:shelved/shelved 4:unshelved/unack", plain},
		{"shelved twice", "shelve=3m shelve=5m . . . . .", "0:shelved/shelved 1:shelved/shelved 6:unshelved/normal", plain},
		{"too long", "shelve=25h", "0:error", plain},
		{"too short", "shelve=30s", "0:error", plain},
		{"not shelved", "unshelve", "0:error", plain},
		{"out of service has no end of its own", "out 9 5 9 in", "0:out-of-service/out-of-service 1:raised/out-of-service 2:cleared/out-of-service 3:raised/out-of-service 4:in-service/unack", plain},
		{"out of service while shelved", "shelve=3m out . . . in", "0:shelved/shelved 1:out-of-service/out-of-service 5:in-service/normal", plain},
		{"out of service is not shelved", "out shelve=30m", "0:out-of-service/out-of-service 1:error", plain},
		{"acknowledged below a shelf", "9 shelve=30m ack 5 unshelve", "0:raised/unack 1:shelved/shelved 2:acknowledged/shelved 3:cleared/shelved 4:unshelved/normal", plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := limitSpec(limit.Settings{Above: val("8")})
			c.change(&spec)
			expect(t, story(t, engine(t, alarm.Setup{Specs: []alarm.Spec{spec}}), c.steps), c.want)
		})
	}
}

// TestSuppression: a door open for at most 5 min, and 2 min more after it closed.
func TestSuppression(t *testing.T) {
	role := func(r agent.Role) func(*alarm.Spec, *alarm.Point, *limit.Settings) {
		return func(_ *alarm.Spec, p *alarm.Point, _ *limit.Settings) { p.Role = r }
	}
	plain := role(agent.RoleAir)
	for _, c := range []struct {
		name, steps, want string
		side              alarm.Side
		change            func(*alarm.Spec, *alarm.Point, *limit.Settings)
	}{
		{"while the door is open", "5 door=1 9 9 door=0 5", "2:suppressed/suppressed 5:unsuppressed/normal", alarm.High, plain},
		{"and for a time after", "door=1 9 door=0 9 9 9", "1:suppressed/suppressed 4:unsuppressed/normal 4:raised/unack", alarm.High, plain},
		{"not longer than its longest", "door=1 9 door=1 9 door=1 9 9", "1:suppressed/suppressed 5:unsuppressed/normal 5:raised/unack", alarm.High, plain},
		{"opening again in between is one stretch", "door=1 9 door=0 door=1 9 9 9", "1:suppressed/suppressed 5:unsuppressed/normal 5:raised/unack", alarm.High, plain},
		{"what was there before sounds on", "9 door=1 9", "0:raised/unack", alarm.High, plain},
		{"what began before is not muted", "9 9 door=1 9", "3:raised/unack", alarm.High,
			func(_ *alarm.Spec, _ *alarm.Point, s *limit.Settings) { s.For = 3 * time.Minute }},
		{"the time counts from the first value outside", "door=1 9 9 9 door=1 9 9", "4:suppressed/suppressed 5:unsuppressed/normal 5:raised/unack", alarm.High,
			func(_ *alarm.Spec, _ *alarm.Point, s *limit.Settings) { s.For = 3 * time.Minute }},
		{"the other side", "door=1 9", "1:raised/unack", alarm.Low, plain},
		{"a product probe", "door=1 9", "1:raised/unack", alarm.High, role(agent.RoleProduct)},
		{"an absolute limit", "door=1 9", "1:raised/unack", alarm.High,
			func(s *alarm.Spec, _ *alarm.Point, _ *limit.Settings) { s.Absolute = true }},
		{"the door's own", "door=1 door=1", "0:raised/unack", alarm.High,
			func(s *alarm.Spec, _ *alarm.Point, set *limit.Settings) {
				s.Quantity, s.Point, set.Above = "", door.Point, val("0")
			}},
		{"a total", "door=1 9 9 9", "2:raised/unack", alarm.High,
			func(_ *alarm.Spec, _ *alarm.Point, s *limit.Settings) { s.Total, s.Within = time.Minute, "24h" }},
		{"a door that is not known to be open", "door=1 9 door=!absent 9", "1:suppressed/suppressed 2:unsuppressed/normal 2:raised/unack", alarm.High, plain},
		{"cold is muted", "door=1 1.5", "1:suppressed/suppressed", alarm.Low,
			func(_ *alarm.Spec, _ *alarm.Point, s *limit.Settings) { s.Above, s.Below = nil, val("2") }},
		{"freezing never is", "door=1 1.5 -0.4 -0.5", "1:suppressed/suppressed 3:unsuppressed/normal 3:raised/unack", alarm.Low,
			func(_ *alarm.Spec, _ *alarm.Point, s *limit.Settings) { s.Above, s.Below = nil, val("2") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, point := limit.Settings{Above: val("8")}, air
			spec := limitSpec(set)
			c.change(&spec, &point, &set)
			spec.Settings = &set
			point.Definition = point.Identified()
			e := engine(t, alarm.Setup{
				Specs: []alarm.Spec{spec}, Points: []alarm.Point{point, door},
				Suppressions: []alarm.Suppression{{
					Zone: "cold-room-1", Point: door.Point, Is: *val("1"), Side: c.side, Longest: 5 * time.Minute, After: 2 * time.Minute,
				}},
			})
			expect(t, story(t, e, c.steps), c.want)
		})
	}
}

// TestARefusedCommandKeepsWhatIsDue: whoever waits for the next moment waits on.
func TestARefusedCommandKeepsWhatIsDue(t *testing.T) {
	e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8"), For: 2 * time.Minute})}})
	want := e.Step(reading(air, at(0), "9")).Next
	for _, c := range []alarm.Command{{Do: agent.Acknowledged, ID: "cr1", By: "Li"}, {Do: agent.Acknowledged, ID: "cr1", By: "Li", Comment: "x"}} {
		if out, err := e.Command(at(time.Second), c); err == nil || out.Next != want || want == 0 {
			t.Errorf("%v: next at %s, want %s", err, out.Next, want)
		}
	}
}

func TestCommandsAreRefused(t *testing.T) {
	e := engine(t, alarm.Setup{Specs: []alarm.Spec{limitSpec(limit.Settings{Above: val("8")})}})
	e.Step(reading(air, at(0), "9"))
	for _, c := range []struct {
		c    alarm.Command
		want error
	}{
		{alarm.Command{Do: agent.Shelved, ID: "cr1", Comment: "x", For: time.Hour}, alarm.ErrNoName},
		{alarm.Command{Do: agent.Shelved, ID: "cr1", By: "Li", For: time.Hour}, alarm.ErrNoReason},
		{alarm.Command{Do: agent.Shelved, ID: "cr1", By: "Li", Comment: "x"}, alarm.ErrShelfTime},
		{alarm.Command{Do: agent.Shelved, ID: "cr2", By: "Li", Comment: "x", For: time.Hour}, alarm.ErrNoInstance},
		{alarm.Command{Do: agent.Raised, ID: "cr1", By: "Li", Comment: "x"}, alarm.ErrCommand},
		{alarm.Command{Do: agent.InService, ID: "cr1", By: "Li", Comment: "x"}, alarm.ErrStands},
		{alarm.Command{Do: agent.Reset, ID: "cr1", By: "Li", Comment: "x"}, alarm.ErrNotLatched},
	} {
		if out, err := e.Command(at(time.Minute), c.c); !errors.Is(err, c.want) || len(out.Events) != 0 {
			t.Errorf("%+v: %v, %d events; want %v", c.c, err, len(out.Events), c.want)
		}
	}
}

// TestADeadBusIsOneMessage: a bus with 40 points on 20 sensors dies, and comes back.
func TestADeadBusIsOneMessage(t *testing.T) {
	var points []alarm.Point
	for n := range 20 {
		for _, q := range []agent.Quantity{agent.Temperature, agent.Humidity} {
			points = append(points, onBus(pointOf(agent.PointID(fmt.Sprintf("s%02d/%s", n, q)), q, "cold-room-1", time.Minute)))
		}
	}
	lone := pointOf("lone/temperature", agent.Temperature, "cold-room-1", time.Minute)
	e := engine(t, alarm.Setup{
		Points: append(points, lone),
		Specs:  []alarm.Spec{{ID: "faults", Kind: "sensor-fault", Settings: &alarm.Patience{After: 5 * time.Minute}}},
	})
	var told, silent []*agent.AlarmEvent
	minute := func(n int, sample string) {
		for i, p := range points {
			out := e.Step(reading(p, at(time.Duration(n)*time.Minute+time.Duration(i)*10*time.Millisecond), sample))
			for _, ev := range out.Events {
				if ev.Alarm.Reaches() {
					told = append(told, ev.Alarm)
				} else {
					silent = append(silent, ev.Alarm)
				}
			}
		}
	}
	for n := range 8 {
		minute(n, "!bus-stuck")
	}
	if len(told) != 1 || len(silent) != 19 {
		t.Fatalf("%d messages and %d silent transitions, want 1 and 19", len(told), len(silent))
	}
	first := told[0]
	if len(first.Points) != 40 || !strings.Contains(first.Message, "w1: no value from 20 sensors (40 points) for 5 min (fault: bus-stuck): s00, s01") {
		t.Errorf("%d points, %q", len(first.Points), first.Message)
	}
	for _, ev := range silent {
		if ev.Cause != first.ID {
			t.Errorf("cause %q, want %q", ev.Cause, first.ID)
		}
	}
	out, err := acknowledge(e, at(8*time.Minute), string(first.ID), "Li Wei", "plug was out")
	if err != nil || len(out.Events) != 20 {
		t.Errorf("%d acknowledged by one word, %v", len(out.Events), err)
	}
	told, silent = nil, nil
	minute(9, "5")
	if len(told) != 1 || len(silent) != 19 || !strings.Contains(told[0].Message, "w1: values from 20 sensors (40 points) again after 9 min") {
		t.Errorf("the return: %d messages, %d silent: %q", len(told), len(silent), told[0].Message)
	}
	told, silent = nil, nil
	for n := 10; n < 20; n++ {
		sample := "5"
		for _, p := range append(points, lone) {
			if p.Point == lone.Point {
				sample = "!absent"
			}
			for _, ev := range e.Step(reading(p, at(time.Duration(n)*time.Minute), sample)).Events {
				told = append(told, ev.Alarm)
			}
		}
	}
	if len(told) != 1 || told[0].Cause != "" || told[0].Points != nil {
		t.Errorf("one device by itself: %+v", told)
	}
}
