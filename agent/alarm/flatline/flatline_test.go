package flatline_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/flatline"
)

func TestFlatLine(t *testing.T) {
	rule := alarmtest.Case{Kind: flatline.Kind, Points: []alarm.Point{alarmtest.Point("air/temperature", agent.Temperature)}, Settings: &flatline.Settings{For: 30 * time.Minute}}

	for _, c := range []struct{ name, history, want string }{
		{"moves", "4 4.1 4 4.1x20 4x20 4.1", ""},
		{"stands still", "4x31 4.1", "30:raised 31:cleared"},
		{"what is not measured does not count", "4x20 !absentx20 4x20", "50:raised"},
	} {
		if got := rule.Story(t, c.history); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	alarmtest.Suite(t, rule, "4", "4", "4", "4", "4", "4", "4.1", "!absent")
	if (&flatline.Settings{For: time.Second}).Validate() == nil {
		t.Error("a second passes")
	}
}
