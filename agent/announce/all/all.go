// Package all lists every local output that the agent has.
package all

import (
	"github.com/frostline/frostline/agent/announce"
	"github.com/frostline/frostline/agent/announce/gpio"
	"github.com/frostline/frostline/agent/announce/logline"
	"github.com/frostline/frostline/agent/announce/webhook"
)

// Outputs lists the drivers in alphabetical order of their folders.
func Outputs() []announce.Driver {
	return []announce.Driver{
		gpio.Driver,
		logline.Driver,
		webhook.Driver,
	}
}
