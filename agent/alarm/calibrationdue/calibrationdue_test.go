package calibrationdue_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/calibrationdue"
)

func TestDue(t *testing.T) {
	p := alarmtest.Point("air/temperature", agent.Temperature)
	due := func(d time.Duration) alarmtest.Case {
		p.Due = alarmtest.Base.Wall.Add(d)
		return alarmtest.Case{Kind: calibrationdue.Kind, Points: []alarm.Point{p}, Settings: &calibrationdue.Settings{Before: 24 * time.Hour}}
	}
	for _, c := range []struct {
		due  time.Duration
		want string
	}{{48 * time.Hour, ""}, {24*time.Hour + 90*time.Minute, "90:raised"}, {24 * time.Hour, "0:raised"}, {-time.Hour, "0:raised"}} {
		if got := due(c.due).Story(t, ".x180"); got != c.want {
			t.Errorf("due in %v: got %q, want %q", c.due, got, c.want)
		}
	}
	p.Due = time.Time{}
	none := alarmtest.Case{Kind: calibrationdue.Kind, Points: []alarm.Point{p}}
	if got := none.Story(t, ".x180"); got != "" {
		t.Errorf("without a date: %q", got)
	}
	if got, want := due(time.Hour).Message(t, ". ."), "cold-room-1: calibration of air (temperature) expires on 2026-03-02"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alarmtest.Suite(t, due(26*time.Hour), "4", "!absent", ".")
	if (&calibrationdue.Settings{Before: -1}).Validate() == nil {
		t.Error("a negative time passes")
	}
}
