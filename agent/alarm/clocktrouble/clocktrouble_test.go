package clocktrouble_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/clocktrouble"
)

func TestTrouble(t *testing.T) {
	c := alarmtest.Case{Kind: clocktrouble.Kind, Settings: &alarm.TroubleSettings{For: 5 * time.Minute}}
	for _, one := range []struct{ history, want string }{
		{"+clock-unset .x10 -clock-unset", "5:raised 11:cleared"},
		{"+clock-unset .x3 -clock-unset .x10", ""},
		{"+store-full .x10", ""},
	} {
		if got := c.Story(t, one.history); got != one.want {
			t.Errorf("%s: got %q, want %q", one.history, got, one.want)
		}
	}
	if got, want := c.Message(t, "+clock-unset .x10"), "gateway: trouble clock-unset, for 5 min"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alarmtest.Suite(t, c, "+clock-unset", "-clock-unset", ".", ".", "+store-full", "-store-full")
}
