package sensorfault_test

import (
	"testing"
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/alarmtest"
	"github.com/frostline/frostline/agent/alarm/sensorfault"
)

// TestSuite: what every kind promises.
func TestSuite(t *testing.T) {
	c := alarmtest.Case{
		Kind: sensorfault.Kind, Settings: &alarm.Patience{After: 5 * time.Minute},
		Points: []alarm.Point{alarmtest.Point("air/temperature", agent.Temperature), alarmtest.Point("air/humidity", agent.Humidity)},
	}
	alarmtest.Suite(t, c, "air/t=5", "air/h=50", "air/t=!crc", "air/h=!crc", "air/t=!absent", ".")
}
