package rate_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/rate"
)

func TestRate(t *testing.T) {
	air := []alarm.Point{alarmtest.Point("air/temperature", agent.Temperature)}
	spec := alarm.Spec{Quantity: agent.Temperature}
	rise := alarmtest.Case{Kind: rate.Kind, Spec: spec, Points: air, Settings: &rate.Settings{Rise: 2 * agent.Unit, Within: 10 * time.Minute}}
	fall := alarmtest.Case{Kind: rate.Kind, Spec: spec, Points: air, Settings: &rate.Settings{Fall: 2 * agent.Unit, Within: 10 * time.Minute}}

	for _, c := range []struct{ name, history, want string }{
		{"two degrees are not more than two", "4 5 6 6x20", ""},
		{"more than two in ten minutes", "4 4 5 6.1", "3:raised"},
		{"slowly", "4x10 5x10 6x10 7x10 8x10", ""},
		{"steady again", "4 7 7x20", "1:raised 10:cleared"},
		{"it came back", "4 7 4", "1:raised 2:cleared"},
		{"a fall is no rise", "8 4 2 0", ""},
		{"across a gap", "4 !absentx5 7", "6:raised"},
		{"a dead sensor is no good news", "4 7 !absentx20 7x3", "1:raised 22:cleared"},
		{"silence is no good news", "4 7 .x20 7x3", "1:raised 22:cleared"},
		{"an implausible value is nothing to rise from", "4 4 ~-40 4 4x20 7", "24:raised"},
		{"from the lowest", "6 4 5 6.1", "3:raised"},
	} {
		if got := rise.Story(t, c.history); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}

	for _, c := range []struct{ name, history, want string }{
		{"a fall", "4 4 3 1.9", "3:raised"},
		{"a rise is no fall", "1 4 8", ""},
	} {
		if got := fall.Story(t, c.history); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got, want := rise.Message(t, "4 4 5 6.1"), "cold-room-1 temperature 6.1 °C, risen by 2.1 °C within 10 min (more than 2 °C)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alarmtest.Suite(t, rise, "4", "5", "6", "6.1", "8", "~30", "!absent")
	alarmtest.Suite(t, fall, "4", "5", "6", "6.1", "8", "~-30", "!absent")
	for _, s := range []rate.Settings{{Within: time.Minute}, {Rise: 1, Fall: 1, Within: time.Minute}, {Rise: -1, Within: time.Minute}, {Rise: 1, Within: time.Second}} {
		if s.Validate() == nil {
			t.Errorf("%+v passes", s)
		}
	}
}
