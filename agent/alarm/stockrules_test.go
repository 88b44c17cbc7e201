package alarm_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// TestStockLevels: each step is how many are left of an item with a minimum of 5.
func TestStockLevels(t *testing.T) {
	for _, c := range []struct{ name, levels, want string }{
		{"enough", "9 5", ""},
		{"below, refilled", "9 4 3 5", "below-minimum/raised below-minimum/cleared"},
		{"runs out at once: one cause, one message", "9 0", "out-of-stock/raised"},
		{"runs out by and by", "9 4 0", "below-minimum/raised out-of-stock/raised"},
		{"comes back, not enough", "0 2 8", "out-of-stock/raised below-minimum/raised out-of-stock/cleared below-minimum/cleared"},
		{"a first movement to nothing", "0", "out-of-stock/raised"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := engine(t, alarm.Setup{Specs: alarm.Defaults(allKinds(), nil), Items: []alarm.Item{{ID: "insulin", Minimum: 5}}})
			var got []string
			for n, word := range strings.Fields(c.levels) {
				quantity, err := strconv.ParseInt(word, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				out := e.Step(alarm.Input{At: at(time.Duration(n) * time.Second), Level: &alarm.Level{Item: "insulin", Quantity: quantity, Minimum: 5}})
				for _, ev := range out.Events {
					got = append(got, string(ev.Alarm.Alarm)+"/"+string(ev.Alarm.Transition))
					if ev.Alarm.Item != "insulin" || *ev.Alarm.Value != agent.Value(quantity)*agent.Unit || *ev.Alarm.Limit != 5*agent.Unit {
						t.Errorf("%+v", ev.Alarm)
					}
				}
			}
			expect(t, got, c.want)
		})
	}
}

// TestNoMinimum: an item without a minimum may run out, and one that never moved is not known.
func TestNoMinimum(t *testing.T) {
	e := engine(t, alarm.Setup{Specs: alarm.Defaults(allKinds(), nil), Items: []alarm.Item{{ID: "gauze"}, {ID: "insulin", Minimum: 5}}})
	for _, in := range []alarm.Input{
		{At: at(0), Level: &alarm.Level{Item: "gauze"}},
		{At: at(time.Hour)},
		{At: at(time.Hour), Level: &alarm.Level{Item: "nothing we know", Minimum: 3}},
	} {
		for _, ev := range e.Step(in).Events {
			if ev.Alarm.Item != "" {
				t.Errorf("%+v", ev.Alarm)
			}
		}
	}
}

func TestUnknownCode(t *testing.T) {
	e := engine(t, alarm.Setup{Specs: alarm.Defaults(allKinds(), nil), Readers: []agent.ReaderID{"dock-a"}})
	step := func(n int, reader agent.ReaderID, code string) alarm.Output {
		return e.Step(alarm.Input{At: at(time.Duration(n) * time.Second), Unknown: &alarm.Unknown{Reader: reader, Code: code}})
	}
	expect(t, transitions(step(0, "dock-a", "1")), "raised@0s")
	expect(t, transitions(step(1, "dock-a", "2\xff"+strings.Repeat("x", 500))), "")
	expect(t, transitions(step(1, "dock-b", "3")), "")
	out, err := acknowledge(e, at(2*time.Second), "unknown-code:dock-a", "Li Wei", "returned to sender")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, transitions(out), "acknowledged@2s cleared@2s")
	if len(e.Active()) != 0 {
		t.Errorf("%+v", e.Active())
	}
	expect(t, transitions(step(3, "dock-a", "1")), "raised@3s")
}
