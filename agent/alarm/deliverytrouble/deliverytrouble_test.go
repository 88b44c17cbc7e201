package deliverytrouble_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/deliverytrouble"
)

func TestTrouble(t *testing.T) {
	c := alarmtest.Case{Kind: deliverytrouble.Kind, Settings: &alarm.TroubleSettings{For: 5 * time.Minute}}
	for _, one := range []struct{ history, want string }{
		{"+upstream-login .x10 -upstream-login", "5:raised 11:cleared"},
		{"+upstream-login .x3 -upstream-login .x10", ""},
		{"+upstream-login .x10 ^ . +upstream-login .x10 -upstream-login", "5:raised 24:cleared"},
		{"+upstream-login .x10 ^ .x10", "5:raised 16:cleared"},
		{"+upstream-login .x3 ^ +upstream-login .x4 .x4", "10:raised"},
		{"+upstream-login .x3 ^ .x10", ""},
		{"+store-full .x10", ""},
	} {
		if got := c.Story(t, one.history); got != one.want {
			t.Errorf("%s: got %q, want %q", one.history, got, one.want)
		}
	}
	if got, want := c.Message(t, "+upstream-login .x10"), "gateway: trouble upstream-login, for 5 min"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alarmtest.Suite(t, c, "+upstream-login", "-upstream-login", ".", ".", "+store-full", "-store-full")
}
