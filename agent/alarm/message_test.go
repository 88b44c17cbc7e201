package alarm_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/limit"
)

var update = flag.Bool("update", false, "write the golden files")

// TestMessages holds every text that people read against testdata/messages.txt.
func TestMessages(t *testing.T) {
	events, specs := everyday(t)
	var b strings.Builder
	for _, a := range events {
		b.WriteString(string(a.Alarm) + " " + string(a.Transition) + ": " + a.Message + "\n")
	}
	for n := range specs {
		s := &specs[n]
		for _, k := range allKinds() {
			if k.Name == s.Kind {
				b.WriteString("rule " + string(s.ID) + ": " + s.Rule(k) + "\n")
			}
		}
	}
	compare(t, "testdata/messages.txt", b.String())
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// everyday is what happens in a store of three zones, and its alarms in the end.
func everyday(t *testing.T) (events []*agent.AlarmEvent, specs []alarm.Spec) {
	t.Helper()
	const m = time.Minute
	door := pointOf("dock-door/open", agent.Door, "dock", m)
	dead := []alarm.Point{
		pointOf("fr/humidity", agent.Humidity, "freezer", m), pointOf("fr/temperature", agent.Temperature, "freezer", m),
	}
	setup := alarm.Setup{
		Points: append([]alarm.Point{air, door}, dead...),
		Specs: append([]alarm.Spec{
			{ID: "run", Kind: "limit", Zone: "cold-room-1", Quantity: agent.Temperature, Advice: "Close the door and call Li Wei.", Settings: &limit.Settings{Above: val("8"), For: 5 * m}},
			{ID: "once", Kind: "limit", Zone: "cold-room-1", Quantity: agent.Temperature, Settings: &limit.Settings{AtOrAbove: val("8.01")}},
			{ID: "cold", Kind: "limit", Zone: "cold-room-1", Quantity: agent.Temperature, Settings: &limit.Settings{AtOrBelow: val("-0.5")}},
			{ID: "low", Kind: "limit", Zone: "cold-room-1", Quantity: agent.Temperature, Settings: &limit.Settings{Below: val("2"), Total: 10 * m, Within: "24h"}},
			{ID: "day", Kind: "limit", Zone: "cold-room-1", Quantity: agent.Temperature, Settings: &limit.Settings{Below: val("2"), Total: 11 * m, Within: limit.Day}},
			{ID: "trip", Kind: "limit", Zone: "cold-room-1", Quantity: agent.Temperature, Settings: &limit.Settings{Below: val("2"), Total: 12 * m, Within: limit.Trip}},
			{ID: "ajar", Kind: "limit", Quantity: agent.Door, Settings: &limit.Settings{AtOrAbove: val("1"), For: 90 * time.Second}},
		}, alarm.Defaults(allKinds(), nil)...),
		Items: []alarm.Item{{ID: "insulin", Minimum: 5}, {ID: "vaccine", Zone: "cold-room-1", Minimum: 2}}, Readers: []agent.ReaderID{"dock-a"},
		Names: alarm.Names{Zones: map[agent.ZoneID]string{"cold-room-1": "Vaccine cold room"}, Items: map[agent.ItemID]string{"insulin": "Insulin 10 ml"}},
		Goods: func(z agent.ZoneID) []agent.ItemID {
			if z != "cold-room-1" {
				return nil
			}
			return []agent.ItemID{"a", "b", "c", "d", "e", "f", "insulin"}
		},
		Voices: voices,
	}
	e := engine(t, setup)
	n := 0
	note := func(out alarm.Output) {
		for _, ev := range out.Events {
			events = append(events, ev.Alarm)
		}
	}
	minute := func(inputs ...func(agent.Instant) alarm.Input) {
		when := at(time.Duration(n) * m)
		n++
		for _, in := range inputs {
			note(e.Step(in(when)))
		}
	}
	read := func(p alarm.Point, text string) func(agent.Instant) alarm.Input {
		return func(when agent.Instant) alarm.Input { return reading(p, when, text) }
	}
	level := func(item agent.ItemID, zone agent.ZoneID, quantity, minimum int64) func(agent.Instant) alarm.Input {
		return func(when agent.Instant) alarm.Input {
			return alarm.Input{At: when, Level: &alarm.Level{Item: item, Zone: zone, Quantity: quantity, Minimum: minimum}}
		}
	}
	code := func(text string) func(agent.Instant) alarm.Input {
		return func(when agent.Instant) alarm.Input {
			return alarm.Input{At: when, Unknown: &alarm.Unknown{Reader: "dock-a", Zone: "dock", Code: text}}
		}
	}
	acknowledge := func(id string) {
		out, err := acknowledge(e, at(time.Duration(n)*m), id, "Li Wei", "moved the goods to cold-room-2")
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
		note(out)
	}
	for range 6 {
		minute(read(air, "8.014999"), read(dead[0], "!absent"), read(dead[1], "!absent"), read(door, "1"))
	}
	acknowledge("run")
	minute(read(air, "4.256"), read(dead[0], "50"), read(dead[1], "-20"), read(door, "0"))
	for range 13 {
		minute(read(air, "-0.5"), read(door, "0"))
	}
	minute(read(air, "4"), read(dead[0], "50"), read(dead[1], "-20"), read(door, "0"))
	minute(level("insulin", "", 3, 5), level("vaccine", "cold-room-1", 1, 2), code("4006381333931"), code("]C1\x1d99"))
	acknowledge("unknown-code")
	minute(level("insulin", "", 0, 5), level("vaccine", "cold-room-1", 0, 2), code("4006381333931"))
	minute(level("insulin", "", 9, 5), level("vaccine", "cold-room-1", 2, 2))

	state, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	setup.Specs = setup.Specs[1:]
	e = engine(t, setup)
	if err := e.Restore(state); err != nil {
		t.Fatal(err)
	}
	minute(read(air, "9"))
	return events, setup.Specs
}
