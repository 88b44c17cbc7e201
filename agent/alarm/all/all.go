// Package all lists every kind of alarm that the agent has.
package all

import (
	"github.com/frostline/frostline/agent/alarm"
	"github.com/frostline/frostline/agent/alarm/belowminimum"
	"github.com/frostline/frostline/agent/alarm/limit"
	"github.com/frostline/frostline/agent/alarm/nodata"
	"github.com/frostline/frostline/agent/alarm/outofstock"
	"github.com/frostline/frostline/agent/alarm/sensorfault"
	"github.com/frostline/frostline/agent/alarm/unknowncode"
)

// Kinds lists the kinds in alphabetical order of their folders.
func Kinds() []alarm.Kind {
	return []alarm.Kind{
		belowminimum.Kind,
		limit.Kind,
		nodata.Kind,
		outofstock.Kind,
		sensorfault.Kind,
		unknowncode.Kind,
	}
}
