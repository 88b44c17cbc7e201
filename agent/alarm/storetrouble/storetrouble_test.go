package storetrouble_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/storetrouble"
)

func TestTrouble(t *testing.T) {
	c := alarmtest.Case{Kind: storetrouble.Kind, Settings: &alarm.TroubleSettings{For: 5 * time.Minute}}
	for _, one := range []struct{ history, want string }{
		{"+store-full .x10 -store-full", "5:raised 11:cleared"},
		{"+store-full .x3 -store-full .x10", ""},
		{"+upstream-login .x10", ""},
	} {
		if got := c.Story(t, one.history); got != one.want {
			t.Errorf("%s: got %q, want %q", one.history, got, one.want)
		}
	}
	if got, want := c.Message(t, "+store-full .x10"), "gateway: trouble store-full, for 5 min"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alarmtest.Suite(t, c, "+store-full", "-store-full", ".", ".", "+upstream-login", "-upstream-login")
}
