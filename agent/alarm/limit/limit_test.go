package limit_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/limit"
)

// TestSuite: what every kind promises, for each way to count time.
func TestSuite(t *testing.T) {
	eight, two := 8*agent.Unit, 2*agent.Unit
	for _, s := range []limit.Settings{
		{Above: &eight},
		{AtOrAbove: &eight, For: 4 * time.Minute, Deadband: agent.Unit},
		{Below: &two, For: time.Hour},
		{AtOrBelow: &two, Total: 20 * time.Minute, Within: limit.Trip},
		{Above: &eight, Total: 10 * time.Minute, Within: limit.Day},
		{Above: &eight, For: 30 * time.Minute, Total: 40 * time.Minute, Within: "2h"},
	} {
		c := alarmtest.Case{
			Kind: limit.Kind, Spec: alarm.Spec{Quantity: agent.Temperature}, Settings: &s,
			Points: []alarm.Point{alarmtest.Point("air/temperature", agent.Temperature)},
		}
		alarmtest.Suite(t, c, "5", "8", "9", "9", "9", "7.5", "2", "1.9", "~40", "~-40", "!crc")
	}
}
