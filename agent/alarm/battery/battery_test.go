package battery_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/battery"
)

func TestBattery(t *testing.T) {
	b := alarmtest.Case{Kind: battery.Kind, Points: []alarm.Point{alarmtest.Point("ups/battery", agent.Battery)}}

	for _, c := range []struct{ name, history, want string }{
		{"low", "50 19.9 19 18 60", "2:raised 4:cleared"},
		{"a value holds until the next", "50 19 21 19 21", "2:raised"},
		{"an implausible value is no charge", "19 19 ~60 19 60", "1:raised 4:cleared"},
		{"a little more is still low", "19 19 22 24.9 25", "1:raised 4:cleared"},
	} {
		if got := b.Story(t, c.history); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	alarmtest.Suite(t, b, "10", "19.9", "20", "22", "26", "!absent")
	for _, s := range []battery.Settings{{Below: 0}, {Below: 96 * agent.Unit}, {Below: agent.Unit, For: -time.Second}} {
		if s.Validate() == nil {
			t.Errorf("%+v passes", s)
		}
	}
}
