// Package storetrouble is the alarm on trouble with the store, which keeps the records.
package storetrouble

import (
	"time"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/agent/alarm"
)

// Kind is the kind of alarm for the config. It watches the conditions of docs/conditions.md
// whose code begins with store-.
var Kind = alarm.Define(
	alarm.Facts{Name: "store-trouble", Scope: alarm.PerGateway, Severity: agent.SeverityCritical},
	alarm.TroubleSettings{For: time.Minute}, alarm.TroubleSettings.String, alarm.TroubleRule("store-"))
