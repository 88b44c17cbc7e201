package emulated

import (
	"maps"
	"slices"

	"github.com/frostline/frostline/agent"
)

// Buses lists the names of the scenario's buses, lines and ports, in alphabetical order.
// The scenario must be valid, as Load and Parse return it.
func (s Scenario) Buses() []string {
	w := NewWorld(s, 0, func() agent.Instant { return agent.Instant{} })
	return slices.Sorted(maps.Keys(w.buses))
}
