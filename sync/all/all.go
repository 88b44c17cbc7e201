// Package all lists every upstream that the agent has.
package all

import (
	"github.com/frostline/frostline/sync/influx"
	"github.com/frostline/frostline/sync/mqtt"
	"github.com/frostline/frostline/sync/upstream"
)

// Upstreams lists the drivers in alphabetical order of their folders.
func Upstreams() []upstream.Driver {
	return []upstream.Driver{
		influx.Driver,
		mqtt.Driver,
	}
}
