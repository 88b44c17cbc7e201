package alarm_test

import (
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm/limit"
)

// TestConfigWords: the settings are what the config file says, number for number.
func TestConfigWords(t *testing.T) {
	l := limit.Kind.Config().(*limit.Settings)
	if err := yaml.Unmarshal([]byte("{above: 8.0, for: 5m, deadband: 0.5}"), l); err != nil {
		t.Fatal(err)
	}
	if l.Above == nil || *l.Above != 8*agent.Unit || l.For != 5*time.Minute || l.Deadband != agent.Unit/2 || l.Below != nil {
		t.Errorf("%+v", l)
	}
	l = &limit.Settings{}
	if err := yaml.Unmarshal([]byte("{at_or_below: -0.5, total: 10h, within: trip}"), l); err != nil {
		t.Fatal(err)
	}
	if *l.AtOrBelow != -agent.Unit/2 || l.Total != 10*time.Hour || l.Within != limit.Trip || l.Validate() != nil {
		t.Errorf("%+v", l)
	}
}
