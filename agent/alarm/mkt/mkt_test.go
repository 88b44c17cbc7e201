package mkt_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/mkt"
)

// TestWindow: the cases are computed with USP's formula (dH/R = 10 000 K).
func TestWindow(t *testing.T) {
	limit := func(v agent.Value) *agent.Value { return &v }
	day := alarmtest.Case{
		Kind: mkt.Kind, Points: []alarm.Point{alarmtest.Point("air/temperature", agent.Temperature)},
		Settings: &mkt.Settings{Above: limit(8 * agent.Unit), Within: 24 * time.Hour, DH: 83_144_000},
	}

	for _, c := range []struct{ name, history, want string }{
		{"eight all day is not above eight", "8x2000", ""},
		{"an hour at 12 in a day at 5 is 5.44", "5x1380 12x60 5x100", ""},
		{"a dead sensor is no good news", "4x10 16x60 !absentx1700", "13:raised"},
		{"silence is no good news", "4x10 16x60 .x1700 4", "13:raised 1770:cleared"},
		{"unknown time is neither warm nor cold", "5x60 !absentx600 5x60", ""},
	} {
		if got := day.Story(t, c.history); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	// After sixteen hours at 4 °C, 16 °C make the mean 8 °C when they are 19.33 % of the time
	// (a fifth makes 8.109 °C): from the 1190th minute on, and until 240/0.1933 = 1242 min at 4 °C again.
	story := day.Story(t, "4x960 16x240 4x1440")
	var raised, cleared float64
	if _, err := fmt.Sscanf(story, "%f:raised %f:cleared", &raised, &cleared); err != nil {
		t.Fatalf("%q: %v", story, err)
	}
	if raised < 1190 || raised > 1192 || cleared < 1241 || cleared > 1243 {
		t.Errorf("raised after %.0f min, cleared after %.0f", raised, cleared)
	}
	alarmtest.Suite(t, day, "4", "4", "9", "16", "8", "~40", "!absent")
	for _, s := range []mkt.Settings{
		{Within: time.Hour, DH: 83_144_000},
		{Above: limit(1), AtOrAbove: limit(1), Within: time.Hour, DH: 83_144_000},
		{Above: limit(1), Within: time.Minute, DH: 83_144_000},
		{Above: limit(1), Within: time.Hour},
	} {
		if s.Validate() == nil {
			t.Errorf("%+v passes", s)
		}
	}
}
