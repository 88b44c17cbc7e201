// Package deliverytrouble is the alarm on trouble with delivery to the far sides.
package deliverytrouble

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Kind is the kind of alarm for the config. It watches the conditions of docs/conditions.md
// whose code begins with upstream-.
var Kind = alarm.Define(
	alarm.Facts{Name: "delivery-trouble", Scope: alarm.PerGateway, Severity: agent.SeverityWarning},
	alarm.TroubleSettings{For: time.Hour}, alarm.TroubleSettings.String, alarm.TroubleRule("upstream-"))
