package forecast_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/forecast"
)

// room is a cold room whose compressor keeps it between 3 and 5 °C in cycles of 20 min, until it
// dies: then it warms towards 20 °C with a time constant of 8 h.
func room(minute, dies int) agent.Value {
	v := 4 + math.Sin(float64(minute)*2*math.Pi/20)
	if minute >= dies {
		start := 4 + math.Sin(float64(dies)*2*math.Pi/20)
		v = 20 - (20-start)*math.Exp(-float64(minute-dies)/480)
	}
	return agent.Value(math.Round(v*100)) * agent.Unit / 100
}

func TestADeadCompressorIsTold(t *testing.T) {
	limit := 8 * agent.Unit
	c := alarmtest.Case{
		Kind: forecast.Kind, Spec: alarm.Spec{Point: "air/temperature"},
		Settings: &forecast.Settings{Above: &limit, Horizon: 90 * time.Minute, Compressor: "compressor/contact"},
		Points:   []alarm.Point{alarmtest.Point("air/temperature", agent.Temperature), alarmtest.Point("compressor/contact", agent.Contact)},
	}
	e := c.Engine(t)
	const dies = 2 * 24 * 60
	raised, passes := 0, 0
	var message string
	for minute := 0; passes == 0; minute++ {
		v := room(minute, dies)
		runs := "0"
		if minute < dies && minute%20 < 10 {
			runs = "1"
		}
		at := alarmtest.Base.Add(time.Duration(minute) * time.Minute)
		e.Step(c.Input(t, at, "compressor="+runs))
		for _, ev := range e.Step(c.Input(t, at, "air="+v.String())).Events {
			if ev.Alarm.Transition == agent.Raised {
				raised, message = minute, ev.Alarm.Message
			}
		}
		if raised != 0 && raised < dies {
			t.Fatalf("raised in minute %d of an ordinary day: %s", minute, message)
		}
		if v > limit {
			passes = minute
		}
	}
	if raised == 0 || passes-raised < 20 {
		t.Errorf("the limit is passed in minute %d, told in minute %d", passes, raised)
	}
	if !strings.HasPrefix(message, "cold-room-1 reaches 8 °C in ") {
		t.Errorf("message %q", message)
	}
	t.Log(fmt.Sprintf("told %d min before: %s", passes-raised, message))
}

func TestForecast(t *testing.T) {
	limit := 8 * agent.Unit
	c := alarmtest.Case{
		Kind: forecast.Kind, Spec: alarm.Spec{Point: "air/temperature"},
		Settings: &forecast.Settings{Above: &limit, Horizon: 90 * time.Minute, Door: "door/door", Outside: "outside/temperature"},
		Points: []alarm.Point{
			alarmtest.Point("air/temperature", agent.Temperature), alarmtest.Point("door/door", agent.Door), alarmtest.Point("outside/temperature", agent.Temperature),
		},
	}
	alarmtest.Suite(t, c, "air=4", "air=4.1", "air=5", "air=6", "air=!crc", "door=1", "door=0", "door=!absent", "outside=25")
	for _, s := range []forecast.Settings{
		{Horizon: time.Hour}, {Above: &limit, Below: &limit, Horizon: time.Hour}, {Above: &limit, Horizon: time.Minute}, {Below: &limit, Horizon: 25 * time.Hour},
	} {
		if s.Validate() == nil {
			t.Errorf("%+v passes", s)
		}
	}
}
