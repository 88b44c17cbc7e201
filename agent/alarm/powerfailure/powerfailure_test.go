package powerfailure_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/powerfailure"
)

func TestMains(t *testing.T) {
	p := alarmtest.Point("mains/power_ok", agent.PowerOK)
	mains := alarmtest.Case{Kind: powerfailure.Kind, Points: []alarm.Point{p}}
	e := mains.Engine(t)
	e.Step(mains.Input(t, alarmtest.Base, "0"))
	out := e.Step(alarm.Input{At: alarmtest.Base.Add(10 * time.Second)})
	if len(out.Events) != 1 || out.Events[0].At.Wall.Sub(alarmtest.Base.Wall) > 10*time.Second {
		t.Errorf("a failure is not told within 10 s: %+v", out)
	}
	if got, want := mains.Message(t, "0 0"), "cold-room-1 mains power off for 5 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := mains.Story(t, "1 0 0 1"); got != "1:raised 3:cleared" {
		t.Error(got)
	}
	alarmtest.Suite(t, mains, "0", "0", "1", "!absent")
	if (&powerfailure.Settings{For: -1}).Validate() == nil {
		t.Error("a negative time passes")
	}
}
