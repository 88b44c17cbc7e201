package disagree_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/disagree"
)

func TestDisagree(t *testing.T) {
	rule := alarmtest.Case{
		Kind: disagree.Kind, Spec: alarm.Spec{Quantity: agent.Temperature}, Settings: &disagree.Settings{By: agent.Unit, For: 5 * time.Minute},
		Points: []alarm.Point{alarmtest.Point("a/temperature", agent.Temperature), alarmtest.Point("b/temperature", agent.Temperature), alarmtest.Point("h/humidity", agent.Humidity)},
	}

	for _, c := range []struct{ name, history, want string }{
		{"agree", "a=4,b=4.9x20", ""},
		{"differ", "a=4,b=5.1x7 a=4,b=4.5", "5:raised 7:cleared"},
		{"one alone says nothing", "a=4x20", ""},
		{"one that is dead says nothing", "a=4,b=9x3 a=4,b=!absentx20", ""},
		{"by exactly that much", "a=4,b=5x20", ""},
	} {
		if got := rule.Story(t, c.history); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got, want := rule.Message(t, "a=4,b=5.5x7"), "cold-room-1 temperature: b 5.5 °C and a 4 °C differ by 1.5 °C for 5 min"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alarmtest.Suite(t, rule, "a=4", "a=4", "b=5.5", "b=5.5", "b=4", "a=5.5", "a=!absent", "h=50")
	for _, s := range []disagree.Settings{{}, {By: -1}, {By: 1, For: -1}} {
		if s.Validate() == nil {
			t.Errorf("%+v passes", s)
		}
	}
}
