package alarm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/all"
	"github.com/frostline/frostline/agent/alarm/limit"
)

var (
	boot1 = agent.BootID{0x12, 0x34, 0x56, 0x78, 1}
	boot2 = agent.BootID{0xab, 0xcd, 0xef, 0x01, 2}
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

// at is an instant of the first boot, after that much of it, on a synced clock.
func at(after time.Duration) agent.Instant {
	return agent.Instant{Wall: noon.Add(after), Mono: time.Hour + after, Boot: boot1, Trust: agent.ClockSynced}
}

func val(s string) *agent.Value {
	v, err := agent.ParseValue(s)
	if err != nil {
		panic(err)
	}
	return &v
}

func pointOf(id agent.PointID, q agent.Quantity, zone agent.ZoneID, every time.Duration) alarm.Point {
	d := agent.Definition{Point: id, Quantity: q, Zone: zone, Role: agent.RoleAir, Driver: "test"}
	return alarm.Point{Definition: d.Identified(), Every: every}
}

// air is the point that most tests watch, read every minute.
var air = pointOf("cr1-air/temperature", agent.Temperature, "cold-room-1", time.Minute)

func limitSpec(s limit.Settings) alarm.Spec {
	return alarm.Spec{ID: "cr1", Kind: "limit", Quantity: agent.Temperature, Settings: &s}
}

func engine(t testing.TB, s alarm.Setup) *alarm.Engine {
	t.Helper()
	s.Kinds = all.Kinds()
	if s.Points == nil {
		s.Points = []alarm.Point{air}
	}
	e, err := alarm.New(s)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return e
}

func reading(p alarm.Point, when agent.Instant, text string) alarm.Input {
	r := agent.Reading{Def: p.ID, At: when}
	switch {
	case strings.HasPrefix(text, "!"):
		f, err := agent.ParseFault(text[1:])
		if err != nil {
			panic(err)
		}
		r.Fault = f
	case strings.HasPrefix(text, "~"):
		r.Value, r.Marks = *val(text[1:]), agent.MarkImplausible
	default:
		r.Value = *val(text)
	}
	r.Raw = r.Value
	return alarm.Input{At: when, Reading: &r, Definition: &p.Definition}
}

// play feeds one sample per interval of air: a value, "!fault", "~value" for an implausible
// one, "-" for none, "4.2*9" for nine of them, and "T" for a mere tick at that time. It
// returns the transitions as "raised@5m0s".
func play(t testing.TB, e *alarm.Engine, samples string) []string {
	t.Helper()
	var got []string
	n := 0
	for _, word := range strings.Fields(samples) {
		text, times := word, 1
		if before, after, ok := strings.Cut(word, "*"); ok {
			text = before
			if _, err := fmt.Sscan(after, &times); err != nil {
				t.Fatalf("%s: %v", word, err)
			}
		}
		for range times {
			when := at(time.Duration(n) * air.Every)
			n++
			switch text {
			case "-":
			case "T":
				got = append(got, transitions(e.Step(alarm.Input{At: when}))...)
			default:
				got = append(got, transitions(e.Step(reading(air, when, text)))...)
			}
		}
	}
	return got
}

func transitions(out alarm.Output) []string {
	var got []string
	for _, ev := range out.Events {
		got = append(got, fmt.Sprintf("%s@%s", ev.Alarm.Transition, ev.At.Mono-time.Hour))
	}
	return got
}

func expect(t testing.TB, got []string, want string) {
	t.Helper()
	if text := strings.Join(got, " "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func allKinds() []alarm.Kind { return all.Kinds() }
