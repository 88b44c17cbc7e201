package forward

import (
	"slices"

	"github.com/frostline/frostline/agent"
	"github.com/frostline/frostline/sync/upstream"
)

// Only selects what an upstream gets. Empty lists select all.
type Only struct {
	Kinds []agent.Kind
	Zones []agent.ZoneID // a record that belongs to no zone is always selected
}

// kinds lists what a lane of this upstream carries; nil if nothing.
func (o *Only) kinds(lane upstream.Lane) []agent.Kind {
	var kinds []agent.Kind
	for _, k := range agent.Kinds() {
		if (k == agent.KindAlarms) == (lane == upstream.Urgent) && (len(o.Kinds) == 0 || slices.Contains(o.Kinds, k)) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

func (o *Only) selects(r *agent.Record, defs upstream.Definitions) bool {
	if len(o.Kinds) > 0 && !slices.Contains(o.Kinds, r.Kind()) {
		return false
	}
	if len(o.Zones) == 0 {
		return true
	}
	zone := zoneOf(r, defs)
	return zone == "" || slices.Contains(o.Zones, zone)
}

// zoneOf is the zone that the record belongs to; empty for none.
func zoneOf(r *agent.Record, defs upstream.Definitions) agent.ZoneID {
	switch r.Type {
	case agent.TypeReading:
		d, _ := defs.Definition(r.Reading.Def)
		return d.Zone
	case agent.TypeScan:
		return r.Scan.Zone
	}
	e := r.Event
	switch {
	case e.Alarm != nil:
		return e.Alarm.Zone
	case e.Stock != nil:
		return e.Stock.Zone
	case e.Definition != nil:
		return e.Definition.Zone
	case e.Excursion != nil:
		return e.Excursion.Zone
	}
	return ""
}
