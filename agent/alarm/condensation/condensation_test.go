package condensation_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/condensation"
)

// TestDew: air of 25 °C and 50 %RH has its dew point at 13.85 °C (Magnus, Sensirion's constants).
func TestDew(t *testing.T) {
	rule := alarmtest.Case{
		Kind: condensation.Kind, Spec: alarm.Spec{Point: "wall/temperature"},
		Settings: &condensation.Settings{Air: "air/temperature", Humidity: "air/humidity", For: 3 * time.Minute},
		Points: []alarm.Point{
			alarmtest.Point("wall/temperature", agent.Temperature), alarmtest.Point("air/temperature", agent.Temperature), alarmtest.Point("air/humidity", agent.Humidity),
		},
	}

	for _, c := range []struct{ name, history, want string }{
		{"above the dew point", "air/t=25,air/h=50,wall=13.86x10", ""},
		{"below it", "air/t=25,air/h=50,wall=13.85x10", "3:raised"},
		{"dries", "air/t=25,air/h=50,wall=13x5 air/t=25,air/h=40,wall=13", "3:raised 5:cleared"},
		{"dry air has none", "air/t=25,air/h=0,wall=-20x10", ""},
		{"without the humidity nothing is known", "air/t=25,wall=-20x10", ""},
	} {
		if got := rule.Story(t, c.history); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got, want := rule.Message(t, "air/t=25,air/h=50,wall=12x5"), "cold-room-1: surface 12 °C at dew point 13.85 °C, water condenses"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alarmtest.Suite(t, rule, "air/t=25", "air/h=50", "air/h=20", "wall=12", "wall=12", "wall=20", "air/h=!crc")
	for _, s := range []condensation.Settings{{Margin: -1}, {Margin: 21 * agent.Unit}, {For: -1}, {Air: "a/b", Humidity: "a/b"}} {
		if s.Validate() == nil {
			t.Errorf("%+v passes", s)
		}
	}
}
