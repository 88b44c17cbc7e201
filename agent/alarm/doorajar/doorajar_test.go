package doorajar_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/doorajar"
)

func TestDoor(t *testing.T) {
	door := alarmtest.Case{Kind: doorajar.Kind, Points: []alarm.Point{alarmtest.Point("door/door", agent.Door)}}

	for _, c := range []struct{ name, history, want string }{
		{"open for three minutes", "0 1x4 0", "4:raised 5:cleared"},
		{"closed in between", "0 1 1 0 1 1 0", ""},
		{"not known for a while", "0 1 !absentx5 1x4", "9:raised"},
	} {
		if got := door.Story(t, c.history); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got, want := door.Message(t, "1x4"), "cold-room-1 door open for 3 min"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	alarmtest.Suite(t, door, "0", "1", "1", "1", "!absent")
}

func TestSettings(t *testing.T) {
	for _, s := range []doorajar.Settings{{For: -time.Second}} {
		if s.Validate() == nil {
			t.Errorf("%+v passes", s)
		}
	}
}
