package cooling_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/cooling"
)

// TestFoodCode: FDA Food Code 3-501.14, 57 to 21 °C within 2 h and to 5 °C within 6 h in all.
func TestFoodCode(t *testing.T) {
	rule := alarmtest.Case{
		Kind: cooling.Kind, Points: []alarm.Point{alarmtest.Point("pot/temperature", agent.Temperature)},
		Settings: &cooling.Settings{Stages: []cooling.Stage{
			{From: 57 * agent.Unit, To: 21 * agent.Unit, Within: 2 * time.Hour},
			{From: 57 * agent.Unit, To: 5 * agent.Unit, Within: 6 * time.Hour},
		}},
	}

	for _, c := range []struct{ name, history, want string }{
		{"in time", "60 50x119 21x239 5x10", ""},
		{"too slow to 21", "60 50x130", "121:raised"},
		{"too slow to 5", "60 50x100 15x300", "361:raised"},
		{"never hot", "15x800", ""},
		{"heated again", "60 50x100 70x10 50x100 20", ""},
		{"heated after it was late", "60 50x130 70", "121:raised 131:cleared"},
		{"late but cold at last", "60 50x130 20x10 4", "121:raised 141:cleared"},
		{"a gap does not stop the time", "60 50 !absentx150", "121:raised"},
	} {
		if got := rule.Story(t, c.history); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got, want := rule.Message(t, "60 50x130"), "cold-room-1 temperature 50 °C, not down to 21 °C within 2 h"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alarmtest.Suite(t, rule, "60", "50", "50", "30", "20", "4", "!absent")
	for _, s := range []cooling.Settings{{}, {Stages: []cooling.Stage{{From: 1, To: 2, Within: time.Hour}}}, {Stages: []cooling.Stage{{From: 2, To: 1}}}} {
		if s.Validate() == nil {
			t.Errorf("%+v passes", s)
		}
	}
}
