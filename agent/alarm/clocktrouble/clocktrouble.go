// Package clocktrouble is the alarm on trouble with the clock.
package clocktrouble

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Kind is the kind of alarm for the config. It watches the conditions of docs/conditions.md
// whose code begins with clock-.
var Kind = alarm.Define(
	alarm.Facts{Name: "clock-trouble", Scope: alarm.PerGateway, Severity: agent.SeverityWarning},
	alarm.TroubleSettings{For: time.Hour}, alarm.TroubleSettings.String, alarm.TroubleRule("clock-"))
